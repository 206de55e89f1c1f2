"""The ledger: whole or not at all, and strict when read."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.log_repair import repair_log
from reports.ledger.records import EpochRecord, SoftwareChange, TrialRecord
from reports.ledger.serialization import from_json, to_json
from tests.helpers.ledger_entries import add_trial, log_start
from tests.helpers.small_studies import (
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


@pytest.mark.parametrize("n_written", range(3))
def test_add_trial_with_a_full_disk_raises_and_can_be_repaired(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, n_written: int
) -> None:
    """Whichever of the writes fails, nothing is half there; the entry in the log is the last."""
    trial, *others = ledger.read_trials()
    get_first_file(ledger, "trials").unlink()
    log_start(ledger, trial.id)
    fsync, calls = os.fsync, []

    def fail_after(number: int) -> None:
        calls.append(number)
        if len(calls) > 2 * n_written:
            raise OSError(28, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", fail_after)
    with pytest.raises(ResourceError) as caught:
        add_trial(ledger, trial, epochs=[EPOCH], test_reason="chosen in advance")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == 28
    assert not list(ledger.folder.rglob("*.part"))
    monkeypatch.setattr(os, "fsync", fsync)
    repair_log(ledger)
    last = [event.kind for event in ledger.log.read_events() if event.trial_id == trial.id][-2:]
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
