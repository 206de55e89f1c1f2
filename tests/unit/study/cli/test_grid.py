"""`bloodstudy grid`: options to settings."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bloodnets.constants import CLASS_NAMES
from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.errors import DataError
from reports.ledger.creation import create_study
from reports.ledger.states import DataKind
from study.cli.main import app
from study.configs.presets import ABLATIONS, PUBLISHED
from study.configs.study_config import GridConfig
from study.configs.variants import Variant
from study.datasets.data_record import make_data_record
from study.datasets.duplicates import drop_duplicates
from tests.helpers import grid_builder
from tests.helpers.cli_runs import parse_config
from tests.helpers.npz_files import saved, sound
from tests.helpers.study_configs import make_grid_config

DROP = "--drop-duplicates"


@pytest.mark.parametrize(
    "words",
    [
        ["--seeds", "0"],
        ["--folds", "1"],
        ["--max-epochs", "0"],
        ["--patience", "0"],
        ["--batch-size", "0"],
        ["--cpus-per-trial", "0"],
        ["--max-concurrent", "0"],
        ["--precision", "float16"],
        ["--class-weights", "equal"],
        ["--seeds", "two"],
        ["--seeds", "1001"],
        ["--max-epochs", "99999999999999999999"],
        ["--batch-size", "99999999999999999999"],
        ["--width", "100000"],
    ],
)
def test_grid_option_out_of_range_exits_2(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["grid", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert words[0] in done.output


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], [*PUBLISHED]),
        (["--config", "resnet", "--config", "cnn-config-1"], ["resnet", "cnn-config-1"]),
        (["--config", "resnet", "--config", "resnet"], ["resnet"]),
        (["--ablation"], ["resnet", *ABLATIONS]),
    ],
)
def test_grid_configurations_default_to_the_published_ones(
    words: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse_config(["grid", *words], tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert [*config.configurations] == names


def test_grid_all_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["grid", "--config", "resnet", "--seeds", "3", "--max-epochs", "7", "--patience", "2"]
    words += ["--folds", "5"]
    words += ["--width", "16", "--batch-size", "32", "--precision", "bfloat16", "--name", "mine"]
    words += ["--device", "cpu", "--max-concurrent", "2"]
    assert parse_config(words, tmp_path, monkeypatch) == GridConfig(
        name="mine",
        storage_root=tmp_path,
        configurations=("resnet",),
        seeds=3,
        folds=5,
        max_epochs=7,
        patience=2,
        width=16,
        batch_size=32,
        precision="bfloat16",
        cpus_per_trial=1,
        gpus_per_trial=0.0,
        max_concurrent=2,
        address=None,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--ablation", "--config", "resnet"],
        ["--width", "8"],
        ["--config", "cnn-confg-1"],
        ["--set", "dropout=0.3"],
        ["--config", "cnn-config-1", "--set", "seed=1"],
        ["--config", "cnn-config-1", "--set", "batch_size=8", "--batch-size", "8"],
        ["--config", "cnn-config-1", "--set", "patience=10", "--patience", "10"],
        ["--config", "cnn-config-1", "--set", "orientations=false", "--orientations"],
    ],
)
def test_grid_options_that_do_not_fit_raise_before_data_are_loaded(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as caught:
        parse_config(["grid", *words], tmp_path, monkeypatch)
    assert caught.value.remedy is not None


def test_grid_set_trains_only_the_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["grid", "--config", "cnn-config-1", "--set", "dropout=0.3", "--set", "max_epochs=5"]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert config.configurations == ("cnn-config-1-dropout-0.3-max-epochs-5",)
    (trial,) = config.plan_trials()
    assert (trial.config["dropout"], trial.config["max_epochs"]) == (0.3, 5)


def test_grid_configs_with_class_weights_trains_all_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "variants.toml"
    file.write_text('[small]\nbase = "cnn-config-1"\ndropout = 0.3\n')
    words = ["grid", "--config", "resnet", "--configs", str(file), "--class-weights", "balanced"]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert config.configurations == ("resnet", "small")
    assert {trial.config.get("class_weights") for trial in config.plan_trials()} == {"balanced"}


def test_grid_orientations_are_a_setting_of_every_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse_config(["grid", "--orientations"], tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert {trial.config.get("orientations") for trial in config.plan_trials()} == {True}


def build_source(folder: Path, cells: BloodCells | None = None, **settings: Any) -> GridConfig:
    """Create a grid without trained trials: a preset and a variant, with two seeds."""
    small = Variant(PUBLISHED["cnn-config-1"], {"dropout": 0.3, "batch_size": 32})
    config = make_grid_config(
        folder,
        name="source",
        configurations=("mlnn-config-1", "small"),
        variants={"small": small},
        seeds=2,
        batch_size=None,
        **settings,
    )
    record = grid_builder.make_grid_record(
        "source", DataKind.FILE, CLASS_NAMES, grid_builder.ASYMMETRIC, list(config.plan_trials())
    )
    data = record.data if cells is None else make_data_record(cells)
    create_study(folder / "source", replace(record, grid=config.to_record(), data=data))
    return config


@pytest.mark.parametrize("settings", [{}, {"class_weights": "balanced", "orientations": True}])
def test_grid_from_a_study_has_its_plan(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = build_source(tmp_path, **settings)
    words = ["grid", "--from", "source", "--data", "synthetic"]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert config.plan_trials() == source.plan_trials()
    assert config.name != "source"


def test_grid_from_a_study_given_options_replace_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_source(tmp_path)
    words = ["grid", "--from", "source", "--data", "synthetic", "--seeds", "3"]
    words += ["--max-epochs", "9", "--class-weights", "balanced"]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert (config.seeds, config.max_epochs, config.patience) == (3, 9, 1)
    configs = {trial.configuration: trial.config for trial in config.plan_trials()}
    assert [*configs] == ["mlnn-config-1", "small"]
    assert {c["max_epochs"] for c in configs.values()} == {9}
    assert {c.get("class_weights") for c in configs.values()} == {"balanced"}
    assert [c["batch_size"] for c in configs.values()] == [64, 32]
    chosen = parse_config([*words, "--config", "resnet"], tmp_path, monkeypatch)
    assert isinstance(chosen, GridConfig)
    assert (chosen.configurations, chosen.variants) == (("resnet",), {})


@pytest.mark.parametrize(
    ("recorded", "option", "expected"),
    [
        (True, "--no-orientations", None),
        (False, "--orientations", True),
        (False, "--no-orientations", None),
    ],
)
def test_grid_from_a_study_orientations_option_replaces_its_value(
    recorded: bool,
    option: str,
    expected: bool | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build_source(tmp_path, orientations=recorded)
    words = ["grid", "--from", "source", "--data", "synthetic", option]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert {trial.config.get("orientations") for trial in config.plan_trials()} == {expected}


def test_grid_from_a_study_trains_the_named_ones_of_its_variants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = build_source(tmp_path)
    words = ["grid", "--from", "source", "--data", "synthetic", "--config", "small"]
    config = parse_config(words, tmp_path, monkeypatch)
    assert isinstance(config, GridConfig)
    assert config.plan_trials() == source.plan_trials()[2:]


@pytest.mark.parametrize(
    "words",
    [
        ["--batch-size", "8"],  # the variant has its own
        ["--width", "8"],
    ],
)
def test_grid_from_a_study_option_that_does_not_fit_raises(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_source(tmp_path)
    with pytest.raises(DataError) as caught:
        parse_config(["grid", "--from", "source", *words], tmp_path, monkeypatch)
    assert caught.value.value == 8


def load_data_of(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> BloodCells:
    """Return the data that `grid --from source` loads with further options."""
    loaded: list[BloodCells] = []
    monkeypatch.setattr(
        "study.cli.grid.launch", lambda _, load_cells, __: loaded.append(load_cells(nullcontext()))
    )
    words = ["grid", "--from", "source", *words, "--storage", str(folder)]
    CliRunner().invoke(app, words, catch_exceptions=False)
    return loaded[0]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(("was_dropped", "option"), [(False, []), (True, []), (False, [DROP])])
def test_grid_from_a_study_loads_its_data(
    moved: bool,
    was_dropped: bool,
    option: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = sound()
    arrays["train_images"][0] = arrays["test_images"][0]
    file = saved(tmp_path / "cells.npz", arrays)
    cells = load_file(file)
    build_source(tmp_path, drop_duplicates(cells) if was_dropped else cells)
    if moved:
        file = file.rename(tmp_path / "moved.npz")
        option = [*option, "--data-file", str(file)]
    found = load_data_of(option, tmp_path, monkeypatch)
    assert found.sha256 == cells.sha256
    assert (found.dropped is not None) == (was_dropped or DROP in option)


def test_grid_from_a_study_with_changed_data_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path / "cells.npz", sound())
    build_source(tmp_path, load_file(file))
    arrays = sound()
    arrays["train_images"][0] = 0
    saved(file, arrays)
    with pytest.raises(DataError) as caught:
        load_data_of([], tmp_path, monkeypatch)
    assert caught.value.path == str(file)
    assert load_data_of(["--data-file", str(file)], tmp_path, monkeypatch).path == file


def test_grid_from_a_study_with_a_root_of_other_data_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_source(tmp_path, load_file(saved(tmp_path / "cells.npz", sound())))
    with pytest.raises(DataError) as caught:
        load_data_of(["--data-root", str(tmp_path)], tmp_path, monkeypatch)
    assert caught.value.remedy is not None
