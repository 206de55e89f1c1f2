"""A planned trial: written and read without loss, its settings of exactly their types."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from reports.ledger.planned_trial import (
    NEUTRAL_SETTINGS,
    PlannedTrial,
    fill_settings,
    get_replicate_name,
)
from reports.ledger.serialization import from_json, to_json
from tests.helpers.grid_builder import make_config

PLANNED = PlannedTrial(
    id="cnn-config-2-s1-0a1b2c3d",
    configuration="cnn-config-2",
    config=make_config("cnn-config-2", seed=1),
)


def test_planned_trial_written_and_read_is_equal() -> None:
    text = to_json(PLANNED, indent=None)
    assert from_json(PlannedTrial, text) == PLANNED
    assert json.loads(text)["config"]["momentum"] is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("seed", "1"),
        ("seed", 1.0),
        ("patience", True),
        ("learning_rate", "0.1"),
        ("precision", "float16"),
        ("dihedral_augmentation", 1),
        ("family", None),
        ("class_weights", "none"),  # the key is absent without weights
        ("orientations", False),  # the key is absent without them
    ],
)
def test_planned_trial_setting_of_another_type_is_refused(setting: str, value: object) -> None:
    values: dict[str, Any] = json.loads(to_json(PLANNED, indent=None))
    values["config"][setting] = value
    with pytest.raises(ValidationError) as caught:
        from_json(PlannedTrial, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == ("config", setting)


def test_planned_trial_with_orientations_written_and_read_is_equal() -> None:
    config = make_config("cnn-config-2", orientations=True)
    averaged = replace(PLANNED, config=config)
    assert from_json(PlannedTrial, to_json(averaged, indent=None)) == averaged
    assert fill_settings(config)["orientations"] is True


def test_planned_trial_with_class_weights_written_and_read_is_equal() -> None:
    config = make_config("cnn-config-2", class_weights="balanced")
    weighted = replace(PLANNED, config=config)
    assert from_json(PlannedTrial, to_json(weighted, indent=None)) == weighted
    assert fill_settings(config)["class_weights"] == "balanced"


def test_neutral_settings_are_those_of_a_published_configuration() -> None:
    config = fill_settings(PLANNED.config)
    assert {name: config[name] for name in NEUTRAL_SETTINGS} == dict(NEUTRAL_SETTINGS)


def test_get_replicate_name_has_the_seed_and_the_fold() -> None:
    assert get_replicate_name(PLANNED.config) == "s1"
    config = make_config("cnn-config-2", seed=1, folds=3, fold=2)
    assert get_replicate_name(config) == "s1-f2"
