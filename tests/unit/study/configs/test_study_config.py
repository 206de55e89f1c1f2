"""`TrialConfig` and `GridConfig`: ranges, names, plans."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.errors import DataError
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import GpusPerTrial
from study.configs.presets import CONFIGURATIONS
from study.configs.study_config import GridConfig, make_resnet_baseline, make_resume_config
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.search_builder import SEARCH_RECORD
from tests.helpers.study_configs import make_search_config


def study(**changes: Any) -> GridConfig:
    defaults: dict[str, Any] = {
        "name": "a-study",
        "storage_root": Path("results"),
        "configurations": ("cnn-config-1", "mlnn-config-2"),
        "seeds": 3,
        "max_epochs": 7,
        "patience": 2,
        "width": None,
        "batch_size": 32,
        "precision": "float32",
        "cpus_per_trial": 1,
        "gpus_per_trial": None,
        "max_concurrent": None,
        "address": None,
    }
    return GridConfig(**defaults | changes)


def get_training_settings(trial: PlannedTrial) -> tuple[int, int, int]:
    return trial.config["max_epochs"], trial.config["patience"], trial.config["batch_size"]


def test_plan_trials_missing_settings_are_those_of_each_configuration() -> None:
    names = ("cnn-config-1", "resnet", "resnet-no-cycle")
    own = study(configurations=names, seeds=1, max_epochs=None, batch_size=None).plan_trials()
    assert [get_training_settings(trial) for trial in own] == [
        (100, 2, 64),
        (60, 60, 128),
        (60, 60, 128),
    ]
    given = study(configurations=names, seeds=1, width=16).plan_trials()
    assert [get_training_settings(trial) for trial in given] == [
        (7, 2, 32),
        (7, 7, 32),
        (7, 7, 32),
    ]
    assert [trial.config.get("width") for trial in given] == [None, 16, 16]


def test_plan_trials_with_folds_every_seed_gets_every_fold() -> None:
    trials = study(configurations=("cnn-config-1",), seeds=2, folds=3).plan_trials()
    replicates = [(t.config["seed"], t.config["fold"]) for t in trials]
    assert replicates == [(seed, fold) for seed in (0, 1) for fold in (0, 1, 2)]
    assert {t.config["folds"] for t in trials} == {3}
    assert trials[4].id.startswith("cnn-config-1-s1-f1-")
    assert len({t.id for t in trials}) == 6


@pytest.mark.parametrize("folds", [1, 101])
def test_grid_config_number_of_folds_out_of_range_raises(folds: int) -> None:
    with pytest.raises(DataError) as caught:
        study(folds=folds)
    assert caught.value.value == folds


def test_plan_trials_every_configuration_gets_every_seed() -> None:
    trials = study().plan_trials()
    assert [(t.configuration, t.config["seed"]) for t in trials] == [
        (name, seed) for name in ("cnn-config-1", "mlnn-config-2") for seed in (0, 1, 2)
    ]
    assert len({trial.id for trial in trials}) == 6
    assert all(trial.config["max_epochs"] == 7 for trial in trials)
    mixed = study(precision="bfloat16").plan_trials()
    assert all(trial.config["precision"] == "bfloat16" for trial in mixed)


@pytest.mark.parametrize("name", ["", ".x", "a/b", "a b", "x" * 65, "é", "a\n"])
def test_study_config_invalid_name_raises(name: str) -> None:
    with pytest.raises(DataError) as caught:
        study(name=name)
    assert caught.value.problem.startswith("--name ")
    assert caught.value.value == name


@pytest.mark.parametrize("name", ["a", "A.1_b-c", "x" * 64])
def test_study_config_valid_name_gives_its_location(name: str) -> None:
    assert study(name=name).location == Path("results") / name


@pytest.mark.parametrize("gpus", [-0.5, 1.5, math.nan, math.inf])
def test_study_config_invalid_gpus_per_trial_raise(gpus: float) -> None:
    with pytest.raises(DataError) as caught:
        study(gpus_per_trial=gpus)
    assert caught.value.problem.startswith("--gpus-per-trial ")
    assert caught.value.value is gpus


def test_study_config_invalid_gpus_of_a_family_raise() -> None:
    with pytest.raises(DataError) as caught:
        study(gpus_per_trial={"cnn": 0.25, "resnet": 1.5})
    assert caught.value.value == 1.5


@pytest.mark.parametrize(
    ("gpus_per_trial", "shares", "of_resnet"),
    [(None, {0.0}, 0.0), (0.5, {0.5}, 0.5), ({"cnn": 0.25, "resnet": 1.0}, {0.25, 1.0}, 1.0)],
)
def test_get_gpus_is_the_number_of_all_trials_or_of_the_family(
    gpus_per_trial: GpusPerTrial | None, shares: set[float], of_resnet: float
) -> None:
    config = study(gpus_per_trial=gpus_per_trial)
    assert set(config.gpu_shares) == shares
    assert config.get_gpus("resnet") == of_resnet


def test_families_are_those_of_the_trials_once_each(tmp_path: Path) -> None:
    names = ("resnet-no-decay", "mlnn-config-1", "resnet", "mlnn-config-2")
    assert study(configurations=names).families == ("resnet", "mlnn")
    search = replace(SEARCH_RECORD, families=("mlnn", "cnn"))
    assert make_search_config(tmp_path, search=search).families == ("mlnn", "cnn")


def test_grid_config_misspelled_configuration_suggests_close_names() -> None:
    with pytest.raises(DataError) as caught:
        study(configurations=("cnn-config-9",))
    assert (caught.value.value, caught.value.expected) == ("cnn-config-9", None)
    assert "did you mean cnn-config-" in str(caught.value.remedy)


def test_grid_config_unknown_configuration_lists_the_known() -> None:
    with pytest.raises(DataError) as caught:
        study(configurations=("vgg",))
    assert ", ".join(CONFIGURATIONS) in str(caught.value.remedy)


@pytest.mark.parametrize(
    "name",
    ["seeds", "max_epochs", "patience", "width", "batch_size", "cpus_per_trial", "max_concurrent"],
)
def test_grid_config_number_below_1_raises(name: str) -> None:
    with pytest.raises(DataError) as caught:
        study(**{name: 0})
    assert caught.value.value == 0
    assert caught.value.problem.startswith(f"--{name.replace('_', '-')} ")


def test_grid_config_unknown_precision_raises() -> None:
    with pytest.raises(DataError) as caught:
        study(precision="float16")
    assert caught.value.value == "float16"


def test_make_resnet_baseline_value_out_of_range_raises() -> None:
    with pytest.raises(DataError) as caught:
        make_resnet_baseline(max_epochs=0, batch_size=1, precision="float32", seed=0)
    assert caught.value.problem.startswith("max_epochs ")


@pytest.mark.parametrize("address", [None, "local"])
def test_make_resume_config_grid_has_the_settings_of_its_record(
    tmp_path: Path, address: str | None
) -> None:
    record = build_grid(
        tmp_path / "s", {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ).study
    config = make_resume_config(
        record, tmp_path / "moved", gpus_per_trial=0.5, max_concurrent=None, address=address
    )
    assert isinstance(config, GridConfig)
    assert config.to_record() == record.grid
    assert (config.location, config.gpus_per_trial) == (tmp_path / "moved", 0.5)
    assert (config.address, config.max_concurrent) == (None, record.resources.max_concurrent)
