"""Migration: a study that version 0.2.0 wrote is read, and is rewritten before it is resumed."""

import json
import shutil
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.migration import READABLE_VERSIONS, migrate
from reports.ledger.records import SCHEMA_VERSION, EpochRecord, StudyRecord, TrialRecord
from reports.ledger.serialization import from_json
from reports.verification.log import check_log
from tests.helpers.small_studies import VERSION_3_DIR, edit_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a study of version 3: a grid of two trials, the first one complete."""
    return shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_ledger_of_version_3_is_read_with_none_for_new_facts_and_unchanged_files(
    folder: Path,
) -> None:
    before = read_files(folder)
    ledger = Ledger(folder)
    (record,) = ledger.read_trials()
    assert ledger.study.schema_version == SCHEMA_VERSION
    assert record.versions is None
    assert (ledger.study.data.dropped, ledger.study.data.duplicates) == (None, None)
    assert record.scores["test"]["accuracy"] == 0.125
    assert len(ledger.read_epochs(record.id)) == 1
    assert read_files(folder) == before


def test_upgrade_of_version_3_rewrites_the_study_and_its_trials(folder: Path) -> None:
    ledger = Ledger(folder)
    before, (record,) = read_files(folder), ledger.read_trials()
    ledger.upgrade()
    after = read_files(folder)
    changed_names = {name for name in before if before[name] != after[name]}
    assert changed_names == {"study.json", f"trials/{record.id}.json"}
    assert after.keys() - before.keys() == {"events.jsonl"}
    assert from_json(StudyRecord, after["study.json"]) == ledger.study  # without a migration
    assert from_json(TrialRecord, after[f"trials/{record.id}.json"]) == record
    assert Ledger(folder).read_trials() == [record]


def test_upgrade_of_version_3_makes_a_log_that_agrees_with_the_records(folder: Path) -> None:
    ledger = Ledger(folder)
    (evaluation,) = ledger.read_test_evaluations()
    assert (ledger.has_log, ledger.read_events()) == (False, [])
    ledger.upgrade()
    assert [event.kind for event in ledger.read_events()] == [
        "planned", "started", "tested", "ended",
    ]  # fmt: skip
    (entered,) = ledger.read_test_evaluations()
    assert (entered.trial_id, entered.reason) == (evaluation.trial_id, evaluation.reason)
    check_log(ledger, {record.id: record for record in ledger.read_trials()})


def test_upgrade_of_version_3_keeps_a_second_evaluation_of_a_trial(folder: Path) -> None:
    path = folder / "test_evaluations.jsonl"
    path.write_bytes(2 * path.read_bytes())
    ledger = Ledger(folder)
    ledger.upgrade()
    assert len(ledger.read_test_evaluations()) == 2
    with pytest.raises(ConflictError):
        check_log(ledger, {record.id: record for record in ledger.read_trials()})


def test_upgrade_that_is_interrupted_leaves_a_readable_study(folder: Path) -> None:
    old_study = (folder / "study.json").read_bytes()
    ledger = Ledger(folder)
    ledger.upgrade()
    (folder / "study.json").write_bytes(old_study)  # it is written last
    assert Ledger(folder).read_trials() == ledger.read_trials()


def test_upgrade_of_the_current_version_writes_nothing(grid_copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in grid_copy.rglob("*")}
    Ledger(grid_copy).upgrade()
    assert {path: path.stat().st_mtime_ns for path in grid_copy.rglob("*")} == before


@pytest.mark.parametrize("version", [2, SCHEMA_VERSION + 1, "3", 3.0, True])
def test_ledger_of_an_unreadable_version_raises_with_the_version(
    folder: Path, version: object
) -> None:
    edit_json(folder / "study.json", ("schema_version",), lambda _: version)
    with pytest.raises(ConflictError) as caught:
        Ledger(folder)
    assert caught.value.path == str(folder / "study.json")
    assert caught.value.value == version
    assert caught.value.remedy is not None


def test_ledger_of_version_3_with_a_damaged_trial_raises_with_its_path(folder: Path) -> None:
    (path,) = (folder / "trials").iterdir()
    for content in (b"", b"[]", b"{", b"\xff{}", b'{"id": 1}'):
        path.write_bytes(content)
        with pytest.raises(ConflictError) as caught:
            Ledger(folder).read_trials()
        assert caught.value.path == str(path)


@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_migrate_of_a_record_that_has_not_changed_returns_its_text(version: int) -> None:
    text = b'{"epoch": 1}'
    assert migrate(EpochRecord, text, version) == text


def test_migrate_of_a_converted_record_keeps_its_values() -> None:
    text = json.dumps({"versions": {"torch": "2.13.0"}}).encode()
    assert json.loads(migrate(TrialRecord, text, 3)) == json.loads(text)
