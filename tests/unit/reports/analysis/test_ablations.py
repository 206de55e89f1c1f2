"""What each ingredient brings: told by the settings, on the same seeds, honest about chance."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.analysis import ablations, frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.intervals import adjust_holm
from reports.ledger import loading
from reports.sections.comparison import ablation, scores
from reports.sections.elements import Section
from reports.sections.findings import Analysis, analyze
from reports.sections.study import provenance
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix

BASE: dict[str, Any] = {
    "family": "resnet",
    "optimizer": "adamw",
    "learning_rate": 0.003,
    "momentum": None,
    "dropout": 0.1,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "dihedral_augmentation": True,
    "max_shift": 2,
    "schedule": "one_cycle",
    "width": 64,
}
GOOD = np.diag([200] * 8).astype(np.int64)


def without(*keys: str, **changed: Any) -> dict[str, Any]:
    return {key: value for key, value in BASE.items() if key not in keys} | changed


VARIANTS: dict[str, dict[str, Any]] = {
    "resnet-no-shifts": without("max_shift"),
    "resnet-no-orientations": without("dihedral_augmentation"),
    "resnet-no-dropout": without(dropout=0.0),
    "resnet-no-width": without(width=32),
}


def wrong(matrix: ConfusionMatrix, errors: int, seed: int) -> ConfusionMatrix:
    """`errors` images of each class taken for the next one, give or take one by the seed."""
    moved = (errors + seed % 2) * (np.roll(np.eye(8, dtype=np.int64), 1, axis=1) - np.eye(8))
    return np.asarray(matrix + moved, dtype=np.int64)


def study(
    folder: Path,
    configs: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, int],
    seeds: int = 3,
) -> Analysis:
    matrices = {
        name: [wrong(GOOD, errors.get(name, 4), seed) for seed in range(seeds)] for name in configs
    }
    return analyze(grid_builder.build_grid(folder, matrices, record_overrides=configs), None)


def make_ablation_section(found: Analysis) -> Section | None:
    return ablation.make_section(
        ablations.compute_ablations(found.study.loaded_study.study, found.study.bootstrap),
        comparison=found.comparison,
        data=found.context.data,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Without shifts nothing changes, without orientations much, without dropout it is better."""
    errors = {"resnet-no-orientations": 40, "resnet-no-shifts": 5, "resnet-no-dropout": 2}
    configs = {"resnet-no-shifts": VARIANTS["resnet-no-shifts"], "resnet": BASE, **VARIANTS}
    return study(tmp_path_factory.mktemp("ablations") / "s", configs, errors)


def test_the_difference_is_the_base_minus_what_lacks_the_ingredient(found: Analysis) -> None:
    frame = ablations.compute_ablations(
        found.study.loaded_study.study, found.study.bootstrap
    ).differences
    names = ["orientations", "shifts", "width", "dropout"]
    assert frame["configuration"].tolist() == [f"resnet-no-{name}" for name in names]
    assert frame["setting"].tolist() == ["dihedral_augmentation", "max_shift", "width", "dropout"]
    scores = found.comparison.set_index("configuration")["test_macro_f1"]
    expected = scores["resnet"] - scores.loc[frame["configuration"]].to_numpy()
    np.testing.assert_allclose(frame["difference"], expected)
    assert frame["difference"].iloc[0] > 0.15
    assert frame["difference"].is_monotonic_decreasing
    assert frame["seeds"].tolist() == [3] * 4
    np.testing.assert_allclose(frame["p_holm"], adjust_holm(frame["p"].to_numpy()))
    assert (frame["p_holm"] > frame["p"]).sum() >= 2


def test_the_table_says_what_was_left_out_and_whether_it_matters(found: Analysis) -> None:
    section = make_ablation_section(found)
    assert section is not None
    (table,) = section.tables
    assert [(row[0], row[-1]) for row in table.rows] == [
        ("the eight orientations", "higher with it"),
        ("shifts by up to 2 pixels", "not separated"),
        ("width 64 (without: 32)", "not separated"),
        ("dropout of 0.1", "lower with it"),
    ]
    assert "Of 4 ingredients, 2 make a difference beyond chance" in section.paragraphs[0]
    assert section.paragraphs[1].startswith("An ablation at fixed other settings shows")
    assert len(section.paragraphs) == 2
    (picture,) = section.figures
    assert picture.name == "ablation-resnet"
    assert picture.caption.endswith("Data: official BloodMNIST")


def test_a_configuration_keeps_its_name_and_a_setting_gets_its_word(found: Analysis) -> None:
    context, study = found.context, found.study.loaded_study
    scores_section = scores.make_section(
        comparison=found.comparison, pairwise=found.pairwise, trials=found.trials, context=context
    )
    settings = provenance.make_section(
        loaded_study=study,
        trials=found.trials,
        settings=frames.make_settings_frame(study.study),
        class_counts=frames.make_class_counts_frame(study),
        search=found.search,
        data=context.data,
    )
    assert scores_section is not None
    names = ["resnet-no-shifts", "resnet", *list(VARIANTS)[1:]]
    assert [row[0] for row in scores_section.tables[0].rows] == names
    usual, further, _ = settings.tables
    assert usual.rows[1][:4] == ("resnet", "ResNet", "CrossEntropy", "AdamW")
    assert further.rows[1] == ("resnet", "64", "0.05", "0.1", "yes", "2", "one-cycle")
    assert further.rows[2][4] == "no"


def test_every_setting_of_a_residual_network_has_words() -> None:
    pairs = [
        ("label_smoothing", 0.1, 0, "label smoothing of 0.1"),
        ("weight_decay", 0.05, 0, "weight decay of 0.05"),
        ("weight_decay", 0.05, 0.01, "weight decay 0.05 (without: 0.01)"),
        ("schedule", "one_cycle", "constant", "the one-cycle learning rate"),
        ("optimizer", "adamw", "sgd", "optimizer AdamW (without: SGD)"),
        ("momentum", None, 0.9, "momentum \N{EN DASH} (without: 0.9)"),
    ]
    for setting, value, other, words in pairs:
        assert ablation._describe_ingredient(setting, value, other) == words


def test_with_one_seed_the_luck_of_the_seed_is_said_to_be_missing(tmp_path: Path) -> None:
    configs = {"resnet": BASE, "resnet-no-orientations": VARIANTS["resnet-no-orientations"]}
    section = make_ablation_section(
        study(tmp_path / "s", configs, {"resnet-no-orientations": 40}, 1)
    )
    assert section is not None
    assert (
        "With one seed the intervals hold the luck of the test images alone"
        in section.paragraphs[2]
    )
    assert "Of 1 ingredient, 1 makes a difference" in section.paragraphs[0]


def test_two_settings_at_once_are_no_ingredient(tmp_path: Path) -> None:
    configs = {
        "resnet": BASE,
        "resnet-no-shifts": VARIANTS["resnet-no-shifts"],
        "resnet-no-cycle": without("schedule", learning_rate=0.001),
        "resnet-no-nothing": BASE,
    }
    section = make_ablation_section(study(tmp_path / "s", configs, {}))
    assert section is not None
    assert [row[0] for row in section.tables[0].rows] == ["shifts by up to 2 pixels"]
    assert section.paragraphs[-1].endswith("differs: resnet-no-cycle, resnet-no-nothing.")


def test_each_base_has_its_own_table_and_correction(tmp_path: Path) -> None:
    configs = {
        "a": BASE,
        "a-no-shifts": without("max_shift"),
        "b": without(dropout=0.3),
        "b-no-dropout": without(dropout=0.0),
        "b-no-decay": without("weight_decay", dropout=0.3),
    }
    whole = study(tmp_path / "s", configs, {"b-no-dropout": 5, "a-no-shifts": 5})
    frame = ablations.compute_ablations(
        whole.study.loaded_study.study, whole.study.bootstrap
    ).differences
    assert frame["base"].tolist() == ["a", "b", "b"]
    assert frame["p_holm"].iloc[0] == frame["p"].iloc[0] > 0
    assert frame["p_holm"].iloc[1] == pytest.approx(min(1, 2 * frame["p"].iloc[1]))
    section = make_ablation_section(whole)
    assert section is not None
    assert [(table.name, len(table.rows)) for table in section.tables] == [
        ("ablation-a", 1),
        ("ablation-b", 2),
    ]


@pytest.mark.parametrize(
    "names", [["resnet-no-shifts", "resnet-no-dropout"], ["resnet"], ["a-no-shifts", "resnet"]]
)
def test_without_a_base_and_its_variants_there_is_no_section(
    tmp_path: Path, names: list[str]
) -> None:
    configs = {name: VARIANTS.get(name, BASE) for name in names}
    assert make_ablation_section(study(tmp_path / "s", configs, {})) is None


def test_the_eight_have_no_ingredients(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", grid_builder.make_published_matrices())
    read = loading.read_study_files(ledger)
    assert ablations.find_changed_settings(read.study) == {}
    result = ablations.compute_ablations(read.study, bootstrap_scores(read.predictions))
    assert result.differences.empty
    assert not result.skipped_names


def test_a_pair_without_a_common_seed_is_left_out(tmp_path: Path) -> None:
    configs = {"resnet": BASE, "resnet-no-shifts": VARIANTS["resnet-no-shifts"]}
    matrices = {name: [GOOD, GOOD] for name in configs}
    missing = [("resnet", 0), ("resnet-no-shifts", 1)]
    ledger = grid_builder.build_grid(
        tmp_path / "s", matrices, record_overrides=configs, missing_trials=missing
    )
    assert make_ablation_section(analyze(ledger, None)) is None
