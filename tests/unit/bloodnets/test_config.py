"""`TrialConfig`: ranges, its dict and its digest."""

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import DataError
from study.configs.presets import RESNET

CONFIG = TrialConfig(
    family="cnn",
    loss="nll",
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.9,
    dropout=0.2,
)


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
        ("orientations", 1),
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
    with pytest.raises(DataError) as caught:
        replace(CONFIG, **{name: value})
    assert caught.value.problem.startswith(f"{name} ")
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
    with pytest.raises(DataError) as caught:
        replace(RESNET, **{name: value})
    assert caught.value.problem.startswith(f"{name} ")
    assert caught.value.value is value


def test_trial_config_adam_with_momentum_raises() -> None:
    with pytest.raises(DataError) as caught:
        replace(CONFIG, optimizer="adam")
    assert caught.value.problem.startswith("momentum ")
    assert caught.value.value == CONFIG.momentum


def test_from_dict_of_to_dict_returns_the_config() -> None:
    plain = replace(
        RESNET,
        dihedral_augmentation=False,
        max_shift=0,
        label_smoothing=0.0,
        weight_decay=0.0,
    )
    for config in (CONFIG, replace(CONFIG, precision="bfloat16"), RESNET, plain):
        assert TrialConfig.from_dict(config.to_dict()) == config


def test_to_dict_has_a_key_for_every_setting() -> None:
    config = replace(CONFIG, precision="bfloat16")
    assert config.to_dict() == CONFIG.to_dict() | {"precision": "bfloat16"}
    assert config.compute_digest() != CONFIG.compute_digest()
    complete = replace(CONFIG, class_weights="balanced", orientations=True, folds=5, fold=0)
    assert {*complete.to_dict()} == {field.name for field in fields(TrialConfig)}


def test_to_dict_without_class_weights_lacks_their_key() -> None:
    weighted = replace(CONFIG, class_weights="balanced")
    assert weighted.to_dict() == {**CONFIG.to_dict(), "class_weights": "balanced"}
    assert "class_weights" not in CONFIG.to_dict()
    assert TrialConfig.from_dict(weighted.to_dict()) == weighted
    assert weighted.compute_digest() != CONFIG.compute_digest()


@pytest.mark.parametrize("change", [{"color": 1}, {"seed": None}, {"precision": None}])
def test_from_dict_other_keys_raise(change: dict[str, Any]) -> None:
    values = CONFIG.to_dict() | change
    for name in (name for name, value in change.items() if value is None):
        del values[name]
    with pytest.raises(DataError) as caught:
        TrialConfig.from_dict(values)
    assert caught.value.value == sorted(values)


def test_compute_digest_differs_by_seed() -> None:
    assert CONFIG.compute_digest() == replace(CONFIG).compute_digest()
    assert CONFIG.compute_digest() != replace(CONFIG, seed=1).compute_digest()


@pytest.mark.parametrize(
    ("folds", "fold"), [(1, 0), (101, 0), (5, None), (5, 5), (5, -1), (None, 0), (True, 0)]
)
def test_folds_out_of_range_are_rejected(folds: int | None, fold: int | None) -> None:
    with pytest.raises(DataError, match="fold"):
        replace(CONFIG, folds=folds, fold=fold)


def test_to_dict_without_folds_lacks_their_keys() -> None:
    held_out = replace(CONFIG, folds=5, fold=4)
    assert held_out.to_dict() == CONFIG.to_dict() | {"folds": 5, "fold": 4}
    assert not {"folds", "fold"} & CONFIG.to_dict().keys()
    assert TrialConfig.from_dict(held_out.to_dict()) == held_out
    assert held_out.compute_digest() != CONFIG.compute_digest()
