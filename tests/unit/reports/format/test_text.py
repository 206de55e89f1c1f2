"""Names and settings as every output shows them."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import parse_option
from reports.format.text import (
    describe_search_settings,
    describe_sources,
    describe_trial_versions,
    format_loss_and_optimizer,
    format_settings,
    get_baseline_label,
    label,
    list_software_differences,
    list_software_notices,
    make_class_label,
    make_data_label,
    shorten_class_names,
)
from reports.ledger.data_record import DataRecord
from reports.ledger.loading import read_study_files
from reports.ledger.records import SoftwareChange
from reports.ledger.states import DataKind
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, SEARCH_RECORD

SOFTWARE = grid_builder.SOFTWARE


@pytest.mark.parametrize(
    ("value", "text"),
    [("cross_entropy", "CrossEntropy"), ("adamw", "AdamW"), (True, "yes"), (2, "2"), ("x", "x")],
)
def test_label_known_values_are_written_out(value: object, text: str) -> None:
    assert label(value) == text


def test_format_loss_and_optimizer_is_that_of_the_paper() -> None:
    assert format_loss_and_optimizer("nll", "sgd") == "NLLLoss + SGD"


def test_format_settings_leaves_absent_and_neutral_settings_out() -> None:
    config = dict(grid_builder.make_config("cnn-config-2")) | {"learning_rate": 0.000931}
    assert format_settings(config) == "CNN, Adam, learning rate 0.00093, dropout 0.2"
    assert format_settings(config | {"momentum": float("nan")}) == format_settings(config)


def test_format_settings_names_class_weights_only_if_there_are_any() -> None:
    config = dict(grid_builder.make_config("cnn-config-2"))
    weighted = dict(grid_builder.make_config("cnn-config-2", class_weights="balanced"))
    assert format_settings(weighted) == f"{format_settings(config)}, balanced class weights"


def test_format_settings_names_orientations_only_if_they_are_averaged() -> None:
    config = dict(grid_builder.make_config("cnn-config-2"))
    averaged = dict(grid_builder.make_config("cnn-config-2", orientations=True))
    assert format_settings(averaged) == f"{format_settings(config)}, mean over orientations"
    for absent in (False, float("nan")):
        assert format_settings(config | {"orientations": absent}) == format_settings(config)


def test_format_settings_names_momentum_and_settings_of_residual_networks() -> None:
    config = dict(grid_builder.make_config("cnn-config-1"))
    added = {"weight_decay": 0.051, "label_smoothing": 0.1, "width": 64.0}
    parts = format_settings(config | added).split(", ")
    assert parts == [
        *("CNN", "SGD", "learning rate 0.01", "momentum 0.9", "dropout 0.2"),
        *("weight decay 0.051", "label smoothing 0.1", "width 64"),
    ]


def test_describe_search_settings_has_bounds_sampler_and_rungs() -> None:
    record = replace(SEARCH_RECORD, learning_rate=(1e-5, 5e-4), sampler="gp", rungs=(1, 3))
    settings = dict(describe_search_settings(record))
    assert settings["Families"] == "CNN"
    assert settings["Optimizers"] == "SGD, Adam"
    assert settings["Learning rate"].startswith("1e-05 to 0.0005")
    assert settings["Momentum"].startswith("0 to 0.99")
    assert settings["Sampler"].startswith("gp")
    assert "1, 3" in settings["Rungs"]
    assert "20" in settings["Rungs"]


def test_describe_search_settings_of_residual_networks_has_theirs() -> None:
    settings = dict(describe_search_settings(RESNET_SEARCH_RECORD))
    assert settings["Weight decay"].startswith("0.001 to 1")
    assert settings["Label smoothing"].startswith("0 to 0.2")
    assert settings["Width"].startswith("16 to 56")
    assert "Momentum" not in settings
    assert get_baseline_label(RESNET_SEARCH_RECORD) != get_baseline_label(SEARCH_RECORD)


def test_make_class_label_is_short_and_distinct() -> None:
    names = (CLASS_NAMES[3], "x" * 99, "x" * 99, "(odd)")
    labels = [make_class_label(i, name) for i, name in enumerate(names)]
    assert labels[0] == "0 immature granulocytes"
    assert labels[3] == "3 (odd)"
    assert len(set(labels)) == 4
    assert max(map(len, labels)) == 26


def test_shorten_class_names_drops_notes_in_parentheses() -> None:
    names = ["platelet", "granulocytes(of a kind)"]
    assert shorten_class_names(names) == ("platelet", "granulocytes")


def test_shorten_class_names_that_would_be_equal_keeps_them() -> None:
    names = ("cell (1)", "cell (2)")
    assert shorten_class_names(names) == names


DERMA = parse_option("dermamnist:64")


def make_data_record(kind: DataKind) -> DataRecord:
    return DataRecord(
        kind=kind,
        name="c.npz",
        md5=DERMA.md5 if kind is DataKind.MEDMNIST else "m" * 32,
        sha256="f" * 64,
        class_names=(),
        channels=3,
        side=28,
        class_counts={},
        path="/c.npz",
        color_stats=grid_builder.COLOR_STATS,
        dropped=None,
        duplicates=None,
        groups=None,
        test_sha256=None,
    )


@pytest.mark.parametrize(
    ("kind", "in_full", "in_short"),
    [
        (DataKind.OFFICIAL, ["c.npz", "m" * 32], ["official"]),
        (DataKind.MEDMNIST, ["c.npz", DERMA.md5], ["DermaMNIST (64 x 64)"]),
        (DataKind.FILE, ["c.npz", "f" * 64], ["c.npz", "f" * 12 + "…"]),
        (DataKind.SYNTHETIC, ["SYNTHETIC", "f" * 64], ["SYNTHETIC"]),
    ],
)
def test_make_data_label_names_kind_and_whole_hash(
    kind: DataKind, in_full: list[str], in_short: list[str]
) -> None:
    data = make_data_label(make_data_record(kind))
    assert all(part in data.full for part in in_full)
    assert all(part in data.short for part in in_short)
    assert data.warning == ("SYNTHETIC" if kind is DataKind.SYNTHETIC else "")
    assert len(data.short) < len(data.full)


def test_list_software_differences_of_equal_software_is_empty() -> None:
    assert list_software_differences(SOFTWARE, SOFTWARE) == []


def test_list_software_differences_names_versions_packages_and_commits() -> None:
    versions = {**SOFTWARE.versions, "torch": "9.9"}
    del versions["ray"]
    sources = {**SOFTWARE.sources, "reports": "0" * 64, "study": "1" * 64}
    new = replace(SOFTWARE, versions=versions, sources=sources, commit="f" * 40 + "-dirty")
    of_ray, of_torch, of_code = list_software_differences(SOFTWARE, new)
    assert "ray" in of_ray
    assert "2.60.0" in of_ray
    assert all(part in of_torch for part in ("torch", "2.13.0", "9.9"))
    assert all(name in of_code for name in ("reports", "study", "e" * 12, "f" * 12 + "-dirty"))
    assert "bloodnets" not in of_code
    assert "e" * 13 not in of_code


def test_describe_sources_has_commit_and_hashes() -> None:
    text = describe_sources(SOFTWARE)
    assert all(part in text for part in ("e" * 12, "bloodnets bbbbbbbbbbbb…"))
    assert "e" * 12 not in describe_sources(replace(SOFTWARE, commit=None))


def test_list_software_differences_ignores_pythons_patch_and_torchs_build() -> None:
    python = SOFTWARE.versions["python"].rpartition(".")[0] + ".99"
    versions = {**SOFTWARE.versions, "python": python, "torch": "2.13.0+cu130"}
    assert list_software_differences(SOFTWARE, replace(SOFTWARE, versions=versions)) == []


def test_describe_trial_versions_names_what_differs_between_trials(tmp_path: Path) -> None:
    loaded_study = read_study_files(
        grid_builder.build_grid(tmp_path / "s", {"x": [ASYMMETRIC] * 4})
    )
    first, second, third, old = (
        {"python": "3.11.7", "torch": "2.13.0+cpu"},
        {"python": "3.11.7", "torch": "2.13.0+cu130"},
        {"python": "3.11.7", "torch": "2.13.0+cpu"},
        None,  # of version 3 of the file format
    )

    def describe(*versions: dict[str, str] | None) -> str | None:
        records = {
            trial_id: replace(record, versions=trial_versions)
            for (trial_id, record), trial_versions in zip(
                loaded_study.records.items(), versions, strict=True
            )
        }
        return describe_trial_versions(replace(loaded_study, records=records))

    text = describe(first, second, third, old)
    assert text == "torch 2.13.0+cpu: 2 trials; torch 2.13.0+cu130: 1 trial"
    assert describe(first, old, third, first) is None


def test_list_software_notices_counts_the_trials_after_each_change(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"x": [ASYMMETRIC] * 3})
    loaded_study = read_study_files(ledger)
    unused, changed = (
        replace(SOFTWARE, versions={**SOFTWARE.versions, "torch": version})
        for version in ("9.8", "9.9")
    )
    first, *others = loaded_study.records.values()
    records = [first, *(replace(record, software_sha256=changed.sha256) for record in others)]
    changes = tuple(
        SoftwareChange(changed_at=f"2026-01-0{day}", software=software)
        for day, software in ((2, unused), (3, changed))
    )
    (notice,) = list_software_notices(
        replace(
            loaded_study,
            records={record.id: record for record in records},
            software_changes=changes,
        )
    )
    assert all(part in notice for part in ("2026-01-03", "2.13.0", "9.9", "2 of 3"))
    assert list_software_notices(loaded_study) == []


def test_list_software_notices_compares_each_change_with_the_one_before(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"x": [ASYMMETRIC] * 2})
    loaded_study = read_study_files(ledger)
    softwares = [
        replace(SOFTWARE, versions={**SOFTWARE.versions, "torch": version})
        for version in ("9.8", "9.9")
    ]
    records = [
        replace(record, software_sha256=software.sha256)
        for record, software in zip(loaded_study.records.values(), softwares, strict=True)
    ]
    _, second = list_software_notices(
        replace(
            loaded_study,
            records={record.id: record for record in records},
            software_changes=tuple(
                SoftwareChange(changed_at="2026-01-01", software=software) for software in softwares
            ),
        )
    )
    assert "9.8" in second
    assert SOFTWARE.versions["torch"] not in second
