"""What is in the ledger, and when, if several trials end at the same time."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer

import pytest

from bloodnets.errors import ResourceError
from reports.ledger.event_log import EVENTS_FILE, EventLog
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, TrialRecord
from study.tuning.ledger_writer import LedgerWriter
from tests.helpers.grid_builder import build_grid, make_published_matrices

REASON = "chosen in advance"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return the ledger of a grid of 24 trials that are not in it."""
    matrices = make_published_matrices()["cnn-config-1"][:1] * 24
    trials = [("cnn-config-1", seed) for seed in range(24)]
    return build_grid(tmp_path / "s", {"cnn-config-1": matrices}, missing_trials=trials)


@pytest.fixture
def records(tmp_path: Path, ledger: Ledger) -> list[TrialRecord]:
    """Return the records of the trials."""
    matrices = make_published_matrices()["cnn-config-1"][:1] * 24
    return build_grid(tmp_path / "ended", {"cnn-config-1": matrices}).read_trials()


def test_add_end_of_many_trials_logs_each_start_and_end_once(
    ledger: Ledger, records: list[TrialRecord]
) -> None:
    written: list[str] = []
    with LedgerWriter(ledger) as writer:
        for record in records:
            writer.add_start(record.id, is_retry=False)
        for record in records:
            writer.add_end(
                record,
                [],
                test_reason=REASON,
                on_written=lambda saved: written.append(saved.id),
            )
    assert [record.id for record in ledger.read_trials()] == [record.id for record in records]
    assert written == [record.id for record in records]
    events = [event for event in ledger.log.read_events() if event.trial_id is not None]
    for record in records:
        kinds = [event.kind for event in events if event.trial_id == record.id]
        assert kinds == ["started", "tested", "ended"]


def test_add_end_entries_of_several_threads_are_written_together(
    ledger: Ledger, records: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, write, is_free = Counter[str](), ledger.files.write, Event()

    def count(name: str, content: bytes) -> None:
        counts[name] += 1
        if name == EVENTS_FILE:
            is_free.wait()
        write(name, content)

    monkeypatch.setattr(ledger.files, "write", count)
    with LedgerWriter(ledger) as writer:
        for record in records[:8]:
            writer.add_end(record, [], test_reason=None, on_written=lambda _: None)
        while sum(counts[f"trials/{record.id}.json"] for record in records) < 8:
            pass
        is_free.set()
    assert counts[EVENTS_FILE] <= 2


def test_add_end_waits_for_the_start_before_it(
    ledger: Ledger, records: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    append, write, is_free, operations = ledger.log.append, ledger.write_trial, Event(), list[str]()

    def wait_and_append(entries: list[Callable[[EventLog], None]]) -> None:
        is_free.wait()
        operations.append("log")
        append(entries)

    def write_trial(record: TrialRecord, *, epochs: list[EpochRecord]) -> tuple[TrialRecord, bytes]:
        operations.append("trial")
        return write(record, epochs=epochs)

    monkeypatch.setattr(ledger.log, "append", wait_and_append)
    monkeypatch.setattr(ledger, "write_trial", write_trial)
    Timer(0.2, is_free.set).start()
    with LedgerWriter(ledger) as writer:
        writer.add_start(records[0].id, is_retry=False)
        writer.add_end(records[0], [], test_reason=None, on_written=lambda _: None)
    assert operations == ["log", "trial", "log"]


def test_collect_slow_storage_calls_on_written_later(
    ledger: Ledger, records: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, is_free, written = ledger.write_trial, Event(), list[str]()

    def wait_and_write(
        record: TrialRecord, *, epochs: list[EpochRecord]
    ) -> tuple[TrialRecord, bytes]:
        is_free.wait()
        return write(record, epochs=epochs)

    monkeypatch.setattr(ledger, "write_trial", wait_and_write)
    with LedgerWriter(ledger) as writer:
        writer.add_end(
            records[0], [], test_reason=None, on_written=lambda saved: written.append(saved.id)
        )
        writer.collect()
        assert written == []
        is_free.set()
    assert written == [records[0].id]


def test_add_end_log_that_cannot_be_written_fails_for_each_trial(
    ledger: Ledger, records: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread writes the entries of several; none may count as written."""
    is_free, written = Event(), list[str]()

    def fail(entries: object) -> None:
        is_free.wait()
        raise ResourceError("disk full")

    monkeypatch.setattr(ledger.log, "append", fail)
    writer = LedgerWriter(ledger)
    for record in records[:8]:
        writer.add_end(
            record, [], test_reason=None, on_written=lambda saved: written.append(saved.id)
        )
    Timer(0.2, is_free.set).start()
    with pytest.raises(ResourceError, match="disk full"), writer:
        pass
    assert written == []
