"""How far the trials of a running study are, read from its files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressReader, ProgressState, TrialProgress
from reports.ledger.states import EventKind
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.ledger_entries import log_start
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a grid with a complete, a failed and an unfinished trial."""
    names = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1")
    return build_grid(
        tmp_path / "s",
        {name: make_published_matrices()[name] for name in names},
        failed_trials={("mlnn-config-2", 0): "OSError: broken"},
        missing_trials={("cnn-config-1", 0)},
    )


def read(ledger: Ledger, now: datetime | None = None, *, is_running: bool) -> list[TrialProgress]:
    return ProgressReader().read(ledger, now or datetime.now(UTC), is_running=is_running)


def test_read_ended_trials_have_their_epochs_and_errors(ledger: Ledger) -> None:
    complete, failed, waiting = read(ledger, is_running=False)
    assert [t.state for t in (complete, failed, waiting)] == ["complete", "failed", "waiting"]
    assert complete.epochs == ledger.read_epochs(complete.planned.id)
    assert complete.best_epoch is not None
    assert complete.best_epoch.epoch == ledger.read_trials()[0].best_epoch
    assert failed.error == "OSError: broken"
    assert (waiting.name, waiting.epochs, waiting.elapsed_s) == ("cnn-config-1-s0", [], 0)


def test_read_started_trial_runs_with_the_epochs_of_its_checkpoint(ledger: Ledger) -> None:
    add_checkpoint(ledger, epochs=3)  # of one second each
    log_start(ledger, find_unfinished_trial(ledger).id)
    (*_, start) = [e for e in ledger.log.read_events() if e.kind is EventKind.STARTED]
    now = datetime.fromisoformat(start.logged_at) + timedelta(seconds=5)
    *_, running = read(ledger, now, is_running=True)
    assert running.state is ProgressState.RUNNING
    assert [epoch.epoch for epoch in running.epochs] == [1, 2, 3]
    assert (running.elapsed_s, running.since_epoch_s) == (5, 2)


def test_read_interrupted_study_has_no_running_trial(ledger: Ledger) -> None:
    add_checkpoint(ledger, epochs=3)
    log_start(ledger, find_unfinished_trial(ledger).id)
    *_, waiting = read(ledger, is_running=False)
    assert waiting.state is ProgressState.WAITING
    assert len(waiting.epochs) == 3


def test_read_damaged_checkpoint_gives_no_epochs(ledger: Ledger) -> None:
    path = add_checkpoint(ledger, epochs=3)
    path.write_bytes(path.read_bytes()[:20])
    assert read(ledger, is_running=False)[-1].epochs == []


def test_read_again_reads_no_ended_trial_again(ledger: Ledger) -> None:
    reader, now = ProgressReader(), datetime.now(UTC)
    before = reader.read(ledger, now, is_running=False)
    for path in ledger.folder.glob("trials/*.json"):
        path.write_bytes(b"changed")
    assert reader.read(ledger, now, is_running=False) == before
