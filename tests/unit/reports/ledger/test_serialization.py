"""Records to JSON and back, strictly."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord
from reports.ledger.serialization import from_json, read_schema_version, to_json
from tests.helpers.grid_builder import make_config
from tests.helpers.planted_study import make_trial_record

TRIAL = make_trial_record("cnn-config-1-s0", "cnn-config-1", make_config("cnn-config-1"))
EPOCH = EpochRecord(
    epoch=1, train_loss=1.5, val_loss=1.25, val_accuracy=0.5, val_macro_f1=0.25, duration_s=2.5
)


def test_to_json_without_indent_is_one_line() -> None:
    text = to_json(EPOCH, indent=None)
    assert text.count(b"\n") == 0
    assert json.loads(text) == {
        "epoch": 1,
        "train_loss": 1.5,
        "val_loss": 1.25,
        "val_accuracy": 0.5,
        "val_macro_f1": 0.25,
        "duration_s": 2.5,
    }


@pytest.mark.parametrize("indent", [None, 2])
def test_from_json_of_to_json_returns_the_record(indent: int | None) -> None:
    assert from_json(TrialRecord, to_json(TRIAL, indent=indent)) == TRIAL


@pytest.mark.parametrize("key", list(json.loads(to_json(TRIAL, indent=None))))
def test_from_json_without_a_key_raises_and_locates_it(key: str) -> None:
    values = json.loads(to_json(TRIAL, indent=None))
    del values[key]
    with pytest.raises(ValidationError) as caught:
        from_json(TrialRecord, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == (key,)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"color": "red"}, "color"),
        ({"epochs": "many"}, "epochs"),
        ({"state": "finished"}, "state"),
        ({"stop_reason": "boredom"}, "stop_reason"),
        ({"files": ["a"]}, "files"),
    ],
)
def test_from_json_with_an_unknown_key_or_a_wrong_value_raises_and_locates_it(
    changes: dict[str, object], key: str
) -> None:
    values = json.loads(to_json(TRIAL, indent=None)) | changes
    with pytest.raises(ValidationError) as caught:
        from_json(TrialRecord, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == (key,)


@pytest.mark.parametrize("key", list(TRIAL.config))
def test_from_json_configuration_without_a_setting_raises_and_locates_it(key: str) -> None:
    values = json.loads(to_json(TRIAL, indent=None))
    del values["config"][key]
    with pytest.raises(ValidationError) as caught:
        from_json(TrialRecord, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == ("config", key)


def test_from_json_configuration_with_another_setting_raises_and_locates_it() -> None:
    values = json.loads(to_json(TRIAL, indent=None))
    values["config"]["color"] = "red"
    with pytest.raises(ValidationError) as caught:
        from_json(TrialRecord, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == ("config", "color")


def test_to_json_of_an_undefined_score_is_null_and_read_as_none() -> None:
    text = to_json(replace(TRIAL, scores={"val": {"auc": float("nan")}}), indent=None)
    assert json.loads(text)["scores"] == {"val": {"auc": None}}
    assert from_json(TrialRecord, text).scores == {"val": {"auc": None}}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (b'{"schema_version": 99, "another": "key"}', 99),
        (b'{"name": "s"}', None),
        (b"[99]", None),
        (b"{", None),
        (b"\xff", None),
    ],
)
def test_read_schema_version_of_any_text_returns_it_or_none(text: bytes, version: object) -> None:
    assert read_schema_version(text) == version


def test_from_json_of_another_record_type_raises() -> None:
    with pytest.raises(ValidationError):
        from_json(StudyRecord, to_json(TRIAL, indent=None))
