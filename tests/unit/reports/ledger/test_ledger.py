"""The ledger: whole or not at all, strict when read, and never over another study."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.log_repair import enter_lost_evaluation, repair_log
from reports.ledger.records import EpochRecord, SoftwareChange, TrialRecord
from reports.ledger.serialization import from_json, to_json
from reports.ledger.states import EventKind
from tests.helpers.small_studies import (
    N_SMALL_IMAGES,
    SMALL_MATRIX,
    edit_json,
    get_trial_file,
)

EPOCH = EpochRecord(epoch=1, train_loss=1, val_loss=1, val_accuracy=1, val_macro_f1=1, duration_s=1)


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def get_first_file(ledger: Ledger, kind: str) -> Path:
    return get_trial_file(ledger.folder, ledger.study.trials[0].id, kind)


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
def test_read_trials_with_a_changed_record_raises_one_line_with_its_path(
    ledger: Ledger, old: bytes, new: bytes
) -> None:
    path = get_first_file(ledger, "trials")
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(ConflictError) as caught:
        ledger.read_trials()
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


def test_read_trials_with_a_record_of_another_study_raises(ledger: Ledger) -> None:
    path = get_first_file(ledger, "trials")
    record = from_json(TrialRecord, path.read_bytes())
    path.write_bytes(to_json(replace(record, fingerprint="other"), indent=None))
    with pytest.raises(ConflictError) as caught:
        ledger.read_trials()
    assert caught.value.path == str(path)


def test_ledger_of_another_schema_version_raises(ledger: Ledger) -> None:
    path = ledger.folder / "study.json"
    path.write_bytes(to_json(replace(ledger.study, schema_version=99), indent=None))
    with pytest.raises(ConflictError) as caught:
        Ledger(ledger.folder)
    assert (caught.value.path, caught.value.value) == (str(path), 99)


def test_ledger_of_a_folder_without_a_study_raises(tmp_path: Path) -> None:
    with pytest.raises(ConflictError) as caught:
        Ledger(tmp_path)
    assert caught.value.path == str(tmp_path)


def test_ledger_with_an_unreadable_study_raises(ledger: Ledger) -> None:
    path = ledger.folder / "study.json"
    path.write_text("{}")
    with pytest.raises(ConflictError) as caught:
        Ledger(ledger.folder)
    assert caught.value.path == str(path)


@pytest.mark.parametrize("patience", ["10", None, True])
def test_ledger_with_a_planned_setting_of_another_type_raises(
    ledger: Ledger, patience: object
) -> None:
    path = ledger.folder / "study.json"
    edit_json(path, ("trials", 0, "config", "patience"), lambda _: patience)
    with pytest.raises(ConflictError) as caught:
        Ledger(ledger.folder)
    assert caught.value.path == str(path)
    assert "patience" in caught.value.problem


def test_create_over_another_study_raises_and_leaves_it_unchanged(ledger: Ledger) -> None:
    before = (ledger.folder / "study.json").read_bytes()
    with pytest.raises(ConflictError) as caught:
        Ledger.create(ledger.folder, replace(ledger.study, name="new"))
    assert caught.value.path == str(ledger.folder)
    assert "--name" in (caught.value.remedy or "")
    assert (ledger.folder / "study.json").read_bytes() == before


def test_create_below_a_file_raises_with_its_path(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError) as caught:
        Ledger.create(tmp_path / "file" / "study", ledger.study)
    assert caught.value.path == str(tmp_path / "file")


def test_create_makes_a_study_without_trials(ledger: Ledger, tmp_path: Path) -> None:
    created = Ledger.create(tmp_path / "new", ledger.study)
    assert created.study == ledger.study
    assert created.list_planned_trials() == list(ledger.study.trials)
    assert created.read_trials() == []


def test_read_predictions_returns_what_was_written(ledger: Ledger) -> None:
    probabilities, labels = ledger.read_predictions(ledger.study.trials[0].id, "test")
    assert probabilities.shape == (N_SMALL_IMAGES, 8)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(np.bincount(labels), SMALL_MATRIX.sum(axis=1))


def test_read_predictions_of_a_damaged_file_raises_with_its_path(ledger: Ledger) -> None:
    path = get_first_file(ledger, "predictions")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConflictError) as caught:
        ledger.read_predictions(path.stem, "test")
    assert caught.value.path == str(path)


def test_read_predictions_of_a_missing_split_raises_with_its_path(ledger: Ledger) -> None:
    path = get_first_file(ledger, "predictions")
    with pytest.raises(ConflictError) as caught:
        ledger.read_predictions(path.stem, "train")
    assert caught.value.path == str(path)


def test_read_test_evaluations_has_one_per_trial(ledger: Ledger) -> None:
    tested = [evaluation.trial_id for evaluation in ledger.read_test_evaluations()]
    assert tested == [trial.id for trial in ledger.study.trials]


def test_add_trial_again_adds_a_test_evaluation(ledger: Ledger) -> None:
    trial, *others = ledger.read_trials()
    ledger.add_start(trial.id)
    ledger.add_trial(trial, epochs=[], test_reason="again")
    tested = [(e.trial_id, e.reason) for e in ledger.read_test_evaluations()]
    assert [trial_id for trial_id, _ in tested] == [trial.id, *(o.id for o in others), trial.id]
    assert tested[-1] == (trial.id, "again")


def test_events_of_a_trial_name_its_attempt_and_the_hashes_of_its_files(ledger: Ledger) -> None:
    trial = ledger.read_trials()[0]
    ledger.add_start(trial.id)
    planned, *events = [e for e in ledger.read_events() if e.trial_id in {None, trial.id}]
    assert (planned.kind, planned.sha256) == ("planned", ledger.study.fingerprint)
    assert [(e.kind, e.attempt) for e in events] == [
        ("started", 1), ("tested", 1), ("ended", 1), ("started", 2),
    ]  # fmt: skip
    record = get_first_file(ledger, "trials").read_bytes()
    assert events[1].sha256 == trial.files[f"predictions/{trial.id}.npz"]
    assert events[2].sha256 == hashlib.sha256(record).hexdigest()


def test_enter_lost_evaluation_enters_predictions_of_an_attempt_that_did_not_end(
    ledger: Ledger,
) -> None:
    """The worker evaluated the model on test and died; its next attempt does the same."""
    trial = ledger.read_trials()[0]
    get_first_file(ledger, "trials").unlink()
    predictions = get_first_file(ledger, "predictions")
    ledger.add_start(trial.id)
    predictions.write_bytes(predictions.read_bytes() + b"\0")  # another file of the same arrays
    for _ in range(2):  # the second time, it has been entered
        enter_lost_evaluation(ledger, trial.id)
    ledger.add_start(trial.id)
    events = [e for e in ledger.read_events() if e.trial_id == trial.id][3:]
    assert [(e.kind, e.attempt) for e in events] == [("started", 2), ("tested", 2), ("started", 3)]
    assert events[1].sha256 == hashlib.sha256(predictions.read_bytes()).hexdigest()


def test_enter_lost_evaluation_without_an_open_attempt_enters_nothing(ledger: Ledger) -> None:
    before = ledger.read_events()
    enter_lost_evaluation(ledger, ledger.study.trials[0].id)
    assert ledger.read_events() == before


@pytest.mark.parametrize(
    "damage", [lambda log: log.replace(b"\n", b"\r\n"), lambda log: log.removesuffix(b"\n")]
)
def test_add_start_to_a_log_with_other_line_breaks_continues_its_chain(
    ledger: Ledger, damage: Callable[[bytes], bytes]
) -> None:
    path = ledger.folder / "events.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    n_events = len(ledger.read_events())
    ledger.add_start(ledger.study.trials[0].id)
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == n_events + 2
    last = json.loads(lines[-2])
    assert last["previous_sha256"] == hashlib.sha256(lines[-3]).hexdigest()


def test_add_report_again_adds_an_event_only_for_another_page(ledger: Ledger) -> None:
    for content, n_expected in ((b"one", 1), (b"one", 1), (b"two", 2), (b"one", 3)):
        ledger.storage.write("report/index.html", content)
        ledger.add_report()
        kinds = [event.kind for event in ledger.read_events()]
        assert kinds.count(EventKind.REPORTED) == n_expected


@pytest.mark.parametrize("n_written", range(3))
def test_add_trial_with_a_full_disk_raises_and_can_be_repaired(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, n_written: int
) -> None:
    """Whichever of the writes fails, nothing is half there; the entry in the log is the last."""
    trial, *others = ledger.read_trials()
    get_first_file(ledger, "trials").unlink()
    ledger.add_start(trial.id)
    fsync, calls = os.fsync, []

    def fail_after(number: int) -> None:
        calls.append(number)
        if len(calls) > 2 * n_written:
            raise OSError(28, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", fail_after)
    with pytest.raises(ResourceError) as caught:
        ledger.add_trial(trial, epochs=[EPOCH], test_reason="chosen in advance")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == 28
    assert not list(ledger.folder.rglob("*.part"))
    monkeypatch.setattr(os, "fsync", fsync)
    repair_log(ledger)
    last = [event.kind for event in ledger.read_events() if event.trial_id == trial.id][-2:]
    if n_written == 2:
        assert [record.id for record in ledger.read_trials()] == [trial.id, *(o.id for o in others)]
        assert last == ["tested", "ended"]
    else:
        assert ledger.read_trials() == others
        assert last == ["ended", "started"]


def test_current_software_after_two_changes_is_the_second(ledger: Ledger) -> None:
    original = ledger.study.software
    assert ledger.current_software == original
    second, third = (
        replace(original, versions={"torch": version}) for version in ("2.98.0", "2.99.0")
    )
    for software in (second, third):
        ledger.add_software_change(SoftwareChange(changed_at="2026-01-02", software=software))
        assert ledger.current_software == software
    hashes = {software.sha256 for software in (original, second, third)}
    assert ledger.list_software_hashes() == hashes
    assert len(hashes) == 3
