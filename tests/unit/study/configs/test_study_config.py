"""`TrialConfig` and `GridConfig`: ranges, names, plans."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import DataError
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, Config, PlannedTrial
from study.cli import arguments
from study.configs.presets import ABLATIONS, CONFIGURATIONS, PUBLISHED, RESNET
from study.configs.study_config import GridConfig

CONFIG = TrialConfig(
    family="cnn",
    loss="nll",
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.9,
    dropout=0.2,
)

RESNET_CONFIG = RESNET


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("family", "vit"),
        ("loss", "mse"),
        ("optimizer", "lion"),
        ("precision", "float16"),
        ("schedule", "cosine"),
        ("width", 32),
        ("weight_decay", 0.1),
        ("label_smoothing", 0.1),
        ("dihedral_augmentation", 1),
        ("max_shift", -1),
        ("max_shift", 28),
        ("max_shift", True),
        ("learning_rate", 0.0),
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("momentum", None),
        ("momentum", 1.0),
        ("momentum", math.nan),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", math.nan),
        ("batch_size", 0),
        ("max_epochs", 0),
        ("max_epochs", 1.5),
        ("patience", True),
        ("seed", -1),
    ],
)
def test_trial_config_value_out_of_range_raises(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"{name} is .*wanted") as caught:
        replace(CONFIG, **{name: value})
    assert caught.value.value is value
    assert caught.value.expected is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", None),
        ("width", 0),
        ("weight_decay", -0.1),
        ("weight_decay", math.nan),
        ("label_smoothing", 1.0),
        ("label_smoothing", math.nan),
        ("momentum", 0.9),
        ("patience", 39),
    ],
)
def test_trial_config_resnet_value_out_of_range_raises(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"{name} is .*wanted") as caught:
        replace(RESNET_CONFIG, **{name: value})
    assert caught.value.value is value


def test_trial_config_adam_with_momentum_raises() -> None:
    with pytest.raises(DataError, match="momentum"):
        replace(CONFIG, optimizer="adam")


def test_from_dict_of_to_dict_returns_the_config() -> None:
    plain = replace(
        RESNET_CONFIG,
        dihedral_augmentation=False,
        max_shift=0,
        label_smoothing=0.0,
        weight_decay=0.0,
    )
    for config in (CONFIG, replace(CONFIG, precision="bfloat16"), RESNET_CONFIG, plain):
        assert TrialConfig.from_dict(config.to_dict()) == config


def test_to_dict_has_a_key_for_every_setting() -> None:
    config = replace(CONFIG, precision="bfloat16")
    assert config.to_dict() == CONFIG.to_dict() | {"precision": "bfloat16"}
    assert config.compute_digest() != CONFIG.compute_digest()
    assert {*CONFIG.to_dict()} == {field.name for field in fields(TrialConfig)}


@pytest.mark.parametrize("change", [{"color": 1}, {"seed": None}, {"precision": None}])
def test_from_dict_other_keys_raise(change: dict[str, Any]) -> None:
    values = CONFIG.to_dict() | change
    for name in (name for name, value in change.items() if value is None):
        del values[name]
    with pytest.raises(DataError, match="missing or unknown keys"):
        TrialConfig.from_dict(values)


def test_compute_digest_differs_by_seed() -> None:
    assert CONFIG.compute_digest() == replace(CONFIG).compute_digest()
    assert CONFIG.compute_digest() != replace(CONFIG, seed=1).compute_digest()


def test_published_configurations_are_the_papers() -> None:
    assert list(PUBLISHED) == [f"{f}-config-{n}" for f in ("mlnn", "cnn") for n in (1, 2, 3, 4)]
    for name, config in PUBLISHED.items():
        number = int(name[-1])
        assert config.loss == ("cross_entropy" if number < 3 else "nll")
        assert config.dropout == 0.2
        expected = ("sgd", 0.01, 0.9) if number % 2 else ("adam", 0.001, None)
        assert (config.optimizer, config.learning_rate, config.momentum) == expected


def test_neutral_settings_equal_the_defaults_of_trial_config() -> None:
    defaults = {field.name: field.default for field in fields(TrialConfig)}
    assert {name: defaults[name] for name in NEUTRAL_SETTINGS} == NEUTRAL_SETTINGS
    assert {*defaults} == {*Config.__annotations__}


def test_ablations_leave_out_one_ingredient_each() -> None:
    whole = RESNET.to_dict()
    for name, config in ABLATIONS.items():
        changed = [key for key, value in config.to_dict().items() if whole[key] != value]
        assert len(changed) == 1, name
    assert [*CONFIGURATIONS] == [*PUBLISHED, "resnet", *ABLATIONS]


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
    with pytest.raises(DataError, match="--name"):
        study(name=name)


@pytest.mark.parametrize("name", ["a", "A.1_b-c", "x" * 64])
def test_study_config_valid_name_gives_its_location(name: str) -> None:
    assert study(name=name).location == Path("results") / name


@pytest.mark.parametrize("gpus", [-0.5, 1.5, math.nan, math.inf])
def test_study_config_invalid_gpus_per_trial_raise(gpus: float) -> None:
    with pytest.raises(DataError, match="--gpus-per-trial"):
        study(gpus_per_trial=gpus)


def test_grid_config_misspelled_configuration_suggests_close_names() -> None:
    with pytest.raises(DataError) as caught:
        study(configurations=("cnn-config-9",))
    assert (caught.value.value, caught.value.expected) == ("cnn-config-9", None)
    assert "did you mean cnn-config-" in str(caught.value.remedy)


def test_grid_config_unknown_configuration_lists_the_known() -> None:
    with pytest.raises(DataError) as caught:
        study(configurations=("vgg",))
    assert caught.value.expected == f"one of {', '.join(CONFIGURATIONS)}"


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


def test_resolve_study_name_default_is_valid() -> None:
    assert study(name=arguments.resolve_study_name("grid", None, resume=False)).name.startswith(
        "grid-"
    )
