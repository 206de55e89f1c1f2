"""Entries that an interruption or a failed attempt kept out of the log."""

import hashlib
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.log_repair import append_lost_evaluation
from tests.helpers.ledger_entries import log_start
from tests.helpers.small_studies import get_trial_file


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def get_first_file(ledger: Ledger, kind: str) -> Path:
    return get_trial_file(ledger.folder, ledger.study.trials[0].id, kind)


def append(ledger: Ledger, trial_id: str) -> None:
    ledger.log.append([lambda log: append_lost_evaluation(ledger, log, trial_id)])


def test_append_lost_evaluation_appends_predictions_of_an_attempt_that_did_not_end(
    ledger: Ledger,
) -> None:
    """The worker evaluated the model on test and died; its next attempt does the same."""
    trial = ledger.read_trials()[0]
    get_first_file(ledger, "trials").unlink()
    predictions = get_first_file(ledger, "predictions")
    log_start(ledger, trial.id)
    predictions.write_bytes(predictions.read_bytes() + b"\0")  # another file of the same arrays
    for _ in range(2):  # the second time, it has been entered
        append(ledger, trial.id)
    log_start(ledger, trial.id)
    events = [e for e in ledger.log.read_events() if e.trial_id == trial.id][3:]
    assert [(e.kind, e.attempt) for e in events] == [("started", 2), ("tested", 2), ("started", 3)]
    assert events[1].sha256 == hashlib.sha256(predictions.read_bytes()).hexdigest()


def test_append_lost_evaluation_without_an_open_attempt_appends_nothing(ledger: Ledger) -> None:
    before = ledger.log.read_events()
    append(ledger, ledger.study.trials[0].id)
    assert ledger.log.read_events() == before
