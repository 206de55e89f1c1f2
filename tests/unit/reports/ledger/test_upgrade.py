"""Upgrade: a study that version 0.2.0 wrote is rewritten before it is resumed."""

import shutil
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.serialization import from_json
from reports.ledger.upgrade import upgrade_study
from reports.verification.log import check_log
from tests.helpers.small_studies import VERSION_3_DIR, write_version_4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a study of version 3: a grid of two trials, the first one complete."""
    return shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_upgrade_study_of_version_3_rewrites_the_study_and_its_trials(folder: Path) -> None:
    ledger = Ledger(folder)
    before, (record,) = read_files(folder), ledger.read_trials()
    upgrade_study(ledger)
    after = read_files(folder)
    changed_names = {name for name in before if before[name] != after[name]}
    assert changed_names == {"study.json", f"trials/{record.id}.json"}
    assert after.keys() - before.keys() == {"events.jsonl"}
    assert from_json(StudyRecord, after["study.json"]) == ledger.study  # without a migration
    assert from_json(TrialRecord, after[f"trials/{record.id}.json"]) == record
    assert Ledger(folder).read_trials() == [record]


def test_upgrade_study_of_version_3_makes_a_log_that_agrees_with_the_records(folder: Path) -> None:
    ledger = Ledger(folder)
    (evaluation,) = ledger.log.read_test_evaluations()
    assert (ledger.files.has_log, ledger.log.read_events()) == (False, [])
    upgrade_study(ledger)
    assert [event.kind for event in ledger.log.read_events()] == [
        "planned", "started", "tested", "ended",
    ]  # fmt: skip
    (entered,) = ledger.log.read_test_evaluations()
    assert (entered.trial_id, entered.reason) == (evaluation.trial_id, evaluation.reason)
    check_log(ledger, {record.id: record for record in ledger.read_trials()})


def test_upgrade_study_of_version_3_keeps_a_second_evaluation_of_a_trial(folder: Path) -> None:
    path = folder / "test_evaluations.jsonl"
    path.write_bytes(2 * path.read_bytes())
    ledger = Ledger(folder)
    upgrade_study(ledger)
    assert len(ledger.log.read_test_evaluations()) == 2
    with pytest.raises(ConflictError):
        check_log(ledger, {record.id: record for record in ledger.read_trials()})


def test_upgrade_study_that_is_interrupted_leaves_a_readable_study(folder: Path) -> None:
    old_study = (folder / "study.json").read_bytes()
    ledger = Ledger(folder)
    upgrade_study(ledger)
    (folder / "study.json").write_bytes(old_study)  # it is written last
    assert Ledger(folder).read_trials() == ledger.read_trials()


def test_upgrade_study_of_the_current_version_writes_nothing(grid_copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in grid_copy.rglob("*")}
    upgrade_study(Ledger(grid_copy))
    assert {path: path.stat().st_mtime_ns for path in grid_copy.rglob("*")} == before


def test_upgrade_study_of_version_4_rewrites_only_the_study(grid_copy: Path) -> None:
    write_version_4(grid_copy)
    ledger, before = Ledger(grid_copy), read_files(grid_copy)
    upgrade_study(ledger)
    after = read_files(grid_copy)
    assert {name for name in after if after[name] != before.get(name)} == {"study.json"}
    assert from_json(StudyRecord, after["study.json"]) == ledger.study  # without a migration
    assert ledger.files.is_current
    check_log(ledger, {record.id: record for record in ledger.read_trials()})
