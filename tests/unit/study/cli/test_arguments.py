"""`arguments`: options to values, and studies by their names."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.location import RemotePath
from reports.ledger.records import GpusPerTrial
from study.cli.arguments import (
    open_grid_record,
    open_ledger,
    require_resnet,
    require_unset,
    resolve_configurations,
    resolve_gpus_per_trial,
    resolve_optimizers,
    resolve_study_location,
    resolve_study_name,
)
from study.cli.options import Device
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL, PUBLISHED, RESNET
from study.configs.variants import Variant
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.study_configs import make_grid_config


@pytest.mark.parametrize(
    ("device", "given", "expected"),
    [
        ("auto", None, None),
        ("auto", 0.5, 0.5),
        ("cpu", None, 0.0),
        ("cpu", 0, 0.0),
        ("cuda", None, DEFAULT_GPUS_PER_TRIAL),
        ("cuda", 1, 1),
    ],
)
def test_resolve_gpus_per_trial_consistent_options_return_gpus(
    device: Device, given: float | None, expected: GpusPerTrial | None
) -> None:
    assert resolve_gpus_per_trial(device, given) == expected


@pytest.mark.parametrize(("device", "given"), [("cpu", 0.5), ("cuda", 0)])
def test_resolve_gpus_per_trial_contradicting_options_raise(device: Device, given: float) -> None:
    with pytest.raises(DataError) as caught:
        resolve_gpus_per_trial(device, given)
    assert f"--device {device}" in caught.value.problem
    assert f"--gpus-per-trial {given:g}" in caught.value.problem


def test_open_ledger_misspelled_study_suggests_close_names(tmp_path: Path) -> None:
    for name in ("grid-x", "unrelated"):
        build_grid(tmp_path / name, {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    assert open_ledger(str(tmp_path), "grid-x").name == "grid-x"
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(tmp_path), "gird-x")
    assert caught.value.remedy == "did you mean grid-x?"


@pytest.mark.parametrize("by_path", [True, False])
def test_open_ledger_no_close_name_lists_the_studies(tmp_path: Path, by_path: bool) -> None:
    build_grid(tmp_path / "grid-x", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    (tmp_path / "a+b").mkdir()
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(tmp_path), str(tmp_path / "zzz") if by_path else "zzz")
    assert (caught.value.path, caught.value.value) == (str(tmp_path / "zzz"), "zzz")
    assert caught.value.remedy == "there are: grid-x"
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(tmp_path), "a+b")
    assert caught.value.remedy == "there are: grid-x"


@pytest.mark.parametrize("storage", ["", "no-such-folder"])
def test_open_ledger_without_any_study_says_so(tmp_path: Path, storage: str) -> None:
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(tmp_path / storage), "gird-x")
    assert caught.value.path == str(tmp_path / storage / "gird-x")
    assert caught.value.remedy == "there are none"


@pytest.mark.parametrize("by_path", [True, False])
def test_open_ledger_damaged_study_does_not_suggest_itself(
    tmp_path: Path, by_path: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "grid-of-cells"
    folder = Path("results") / name
    folder.mkdir(parents=True)
    (folder / "study.json").write_text("{}")
    with pytest.raises(ConflictError) as caught:
        open_ledger("results", f"results/{name}" if by_path else name)
    assert caught.value.remedy is None


def test_open_ledger_misspelled_path_suggests_close_name(tmp_path: Path) -> None:
    build_grid(tmp_path / "grid-x", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(tmp_path), f"{tmp_path}/gird-x")
    assert caught.value.remedy == "did you mean grid-x?"


def test_open_ledger_misspelled_remote_study_suggests_close_name(
    tmp_path: Path, running: S3Server
) -> None:
    root = RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}")
    build_grid(root / "grid-x", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    with pytest.raises(ConflictError) as caught:
        open_ledger(str(root), "gird-x")
    assert caught.value.remedy == "did you mean grid-x?"


def test_require_resnet_width_without_resnet_raises() -> None:
    wide = {"wide": Variant(RESNET, {"dropout": 0.1})}
    require_resnet(8, ["cnn-config-1", "resnet"], {})
    require_resnet(8, ["cnn-config-1", "wide"], wide)
    require_resnet(None, ["cnn-config-1"], {})
    for names in (["cnn-config-1"], ["flat"]):
        flat = {"flat": Variant(PUBLISHED["cnn-config-1"], {})}
        with pytest.raises(DataError) as caught:
            require_resnet(8, names, flat)
        assert caught.value.value == 8


def test_resolve_study_name_default_is_valid() -> None:
    name = resolve_study_name("grid", None, Path("results"), resume=False)
    assert name.startswith("grid-")
    assert make_grid_config(Path("results"), name=name).name == name


def test_resolve_study_name_default_in_object_storage_is_unique() -> None:
    address = RemotePath("s3://bucket/studies")
    names = {resolve_study_name("grid", None, address, resume=False) for _ in range(20)}
    assert len(names) == 20


def test_resolve_study_name_given_name_is_returned() -> None:
    assert resolve_study_name("grid", "mine", Path("results"), resume=True) == "mine"


def test_resolve_configurations_repeated_name_is_listed_once() -> None:
    names = ["cnn-config-2", "cnn-config-1", "cnn-config-2"]
    chosen = resolve_configurations(names, ablation=False)
    assert chosen == (("cnn-config-2", "cnn-config-1"), {})


def test_resolve_configurations_ablation_with_configurations_raises() -> None:
    with pytest.raises(DataError) as caught:
        resolve_configurations(["resnet"], ablation=True)
    assert "--config" in str(caught.value.remedy)


def test_resolve_configurations_set_replaces_each_preset_by_its_variant() -> None:
    names, variants = resolve_configurations(
        ["cnn-config-1", "mlnn-config-1"], ablation=False, assignments=["dropout=0.3"]
    )
    assert names == ("cnn-config-1-dropout-0.3", "mlnn-config-1-dropout-0.3")
    assert [*variants] == [*names]


def test_resolve_configurations_set_without_config_raises() -> None:
    with pytest.raises(DataError) as caught:
        resolve_configurations(None, ablation=False, assignments=["dropout=0.3"])
    assert "--config" in str(caught.value.remedy)


def test_resolve_configurations_file_is_added_to_the_chosen(tmp_path: Path) -> None:
    file = tmp_path / "variants.toml"
    file.write_text('[small]\nbase = "cnn-config-1"\ndropout = 0.3\n')
    own, _ = resolve_configurations(None, ablation=False, file=file)
    both, variants = resolve_configurations(["resnet"], ablation=False, file=file)
    assert (own, both, [*variants]) == (("small",), ("resnet", "small"), ["small"])
    names, _ = resolve_configurations(None, ablation=False)
    assert names is None


def test_resolve_configurations_name_from_both_sources_raises(tmp_path: Path) -> None:
    file = tmp_path / "variants.toml"
    file.write_text('["cnn-config-1-dropout-0.3"]\nbase = "cnn-config-1"\n')
    with pytest.raises(DataError) as caught:
        resolve_configurations(
            ["cnn-config-1"], ablation=False, assignments=["dropout=0.3"], file=file
        )
    assert (caught.value.path, caught.value.value) == (str(file), "cnn-config-1-dropout-0.3")


def test_require_unset_option_of_a_changed_setting_raises() -> None:
    variants = {"small": Variant(PUBLISHED["cnn-config-1"], {"batch_size": 32})}
    require_unset({"batch_size": None, "max_epochs": 3}, variants)
    with pytest.raises(DataError) as caught:
        require_unset({"batch_size": 64}, variants)
    assert caught.value.value == 64


def test_open_grid_record_of_a_search_raises(tmp_path: Path) -> None:
    build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=3))
    with pytest.raises(DataError) as caught:
        open_grid_record(str(tmp_path), "s")
    assert (caught.value.value, caught.value.expected) == ("s", "a grid")


def test_resolve_optimizers_resnet_with_an_optimizer_raises() -> None:
    assert resolve_optimizers(None, "resnet") == ("adamw",)
    with pytest.raises(DataError) as caught:
        resolve_optimizers("sgd", "resnet")
    assert "--optimizer" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        ("a", "s3://bucket/results/a"),
        ("s3://other/b", "s3://other/b"),
    ],
)
def test_resolve_study_location_name_or_address_in_a_remote_storage(
    study: str, expected: str
) -> None:
    assert str(resolve_study_location("s3://bucket/results", study)) == expected
