"""The ledger: whole or not at all, strict when read, and never over another study."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord
from reports.ledger.serialization import from_json, to_json
from tests.helpers.grid_builder import build_grid, make_published_matrices

ONE = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return build_grid(tmp_path / "study", ONE)


def trial_file(ledger: Ledger) -> Path:
    (found,) = (ledger.folder / "trials").iterdir()
    return found


def test_a_record_survives_json(ledger: Ledger) -> None:
    (trial,) = ledger.read_trials()
    assert from_json(StudyRecord, to_json(ledger.study, indent=2)) == ledger.study
    assert from_json(TrialRecord, to_json(trial, indent=None)) == trial


def test_a_record_without_one_of_its_keys_is_refused(ledger: Ledger) -> None:
    values = json.loads(trial_file(ledger).read_bytes())
    for key in values:
        text = json.dumps({name: value for name, value in values.items() if name != key})
        with pytest.raises(ValueError, match=key):
            from_json(TrialRecord, text.encode())


def test_from_json_configuration_without_a_setting_or_with_another_is_refused(
    ledger: Ledger,
) -> None:
    values = json.loads(trial_file(ledger).read_bytes())
    configs = {
        key: {name: value for name, value in values["config"].items() if name != key}
        for key in values["config"]
    }
    configs["color"] = values["config"] | {"color": "red"}
    for key, config in configs.items():
        with pytest.raises(ValidationError) as caught:
            from_json(TrialRecord, json.dumps(values | {"config": config}).encode())
        assert caught.value.errors()[0]["loc"] == ("config", key)


def test_an_undefined_score_is_null_in_the_file_and_none_when_read(ledger: Ledger) -> None:
    (trial,) = ledger.read_trials()
    text = to_json(replace(trial, scores={"val": {"auc": float("nan")}}), indent=None)
    assert b'"auc":null' in text
    assert from_json(TrialRecord, text).scores == {"val": {"auc": None}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"state"', b'"status"'),
        (b'"complete"', b'"finished"'),
        (b'"epochs"', b'"epochs": "many", "x"'),
        (b"}", b""),
        (b"{", b"\xff{"),
    ],
)
def test_a_changed_record_is_an_error_that_names_the_file(
    ledger: Ledger, old: bytes, new: bytes
) -> None:
    path = trial_file(ledger)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(ConflictError, match=path.name) as caught:
        ledger.read_trials()
    assert "\n" not in str(caught.value)


def test_a_trial_of_another_study_is_refused(ledger: Ledger) -> None:
    path = trial_file(ledger)
    record = from_json(TrialRecord, path.read_bytes())
    path.write_bytes(to_json(replace(record, fingerprint="other"), indent=None))
    with pytest.raises(ConflictError, match="another study") as caught:
        ledger.read_trials()
    assert caught.value.path == str(path)


def test_another_schema_version_is_refused(ledger: Ledger) -> None:
    path = ledger.folder / "study.json"
    path.write_bytes(to_json(replace(ledger.study, schema_version=99), indent=None))
    with pytest.raises(ConflictError, match=r"version 99.*reads version 3") as caught:
        Ledger(ledger.folder)
    assert (caught.value.path, caught.value.value) == (str(path), 99)


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"no study\.json"):
        Ledger(tmp_path)


def test_a_study_is_never_made_over_another(ledger: Ledger) -> None:
    before = (ledger.folder / "study.json").read_bytes()
    with pytest.raises(ConflictError, match="exists already") as caught:
        Ledger.create(ledger.folder, replace(ledger.study, name="new"))
    assert caught.value.path == str(ledger.folder)
    assert caught.value.remedy == "choose another --name"
    assert (ledger.folder / "study.json").read_bytes() == before


def test_a_file_in_the_way_is_named(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError, match="file is not a folder"):
        Ledger.create(tmp_path / "file" / "study", ledger.study)


def test_predictions_come_back_as_they_were(ledger: Ledger) -> None:
    (trial,) = ledger.read_trials()
    probabilities, labels = ledger.read_predictions(trial.id, "test")
    assert probabilities.shape == (3421, 8)
    assert probabilities.dtype == np.float32
    assert np.bincount(labels).tolist() == [244, 624, 311, 579, 243, 284, 666, 470]


def test_damaged_predictions_are_named(ledger: Ledger) -> None:
    (path,) = (ledger.folder / "predictions").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConflictError, match=path.name):
        ledger.read_predictions(path.stem, "test")


def test_a_look_at_test_is_written_down(ledger: Ledger) -> None:
    (trial,) = ledger.read_trials()
    assert [evaluation.trial_id for evaluation in ledger.read_test_evaluations()] == [trial.id]


def test_a_look_takes_the_place_of_one_that_was_interrupted(ledger: Ledger) -> None:
    (trial,) = ledger.read_trials()
    for changed in (replace(trial, id="another"), trial):
        ledger.add_trial(changed, epochs=[], test_reason="again")
    found = [
        (evaluation.trial_id, evaluation.reason) for evaluation in ledger.read_test_evaluations()
    ]
    assert found == [("another", "again"), (trial.id, "again")]


@pytest.mark.parametrize("broken", range(3))
def test_a_fault_while_entering_leaves_no_trial_behind(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    """Whichever of the writes fails, the trial is not in the ledger and nothing is half there."""
    (trial,) = ledger.read_trials()
    trial_file(ledger).unlink()
    real, calls = os.fsync, []

    def fsync(number: int) -> None:
        calls.append(number)
        if len(calls) > 2 * broken:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    epoch = EpochRecord(
        epoch=1, train_loss=1, val_loss=1, val_accuracy=1, val_macro_f1=1, duration_s=1
    )
    with pytest.raises(ResourceError, match="No space left"):
        ledger.add_trial(trial, epochs=[epoch], test_reason="chosen in advance")
    assert ledger.read_trials() == []
    assert not list(ledger.folder.rglob("*.part"))
