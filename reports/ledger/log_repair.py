"""Add entries to the log of a study that an interruption prevented."""

from bloodnets.errors import ConflictError
from reports.ledger.event_log import EVENTS_FILE, EventLog, begin_log, compute_sha256
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.states import EventKind
from reports.ledger.trial_predictions import read_predictions

INTERRUPTED_REASON = "before an interruption; entered when the study was resumed"
LOST_REASON = "in an attempt that failed; entered when the trial was retried"


def append_lost_evaluation(ledger: Ledger, log: EventLog, trial_id: str) -> None:
    """Append the test evaluation of an attempt that failed before the driver heard of it.

    The worker had written the predictions. In object storage, the driver does not see them.

    Args:
        ledger: Ledger of a study that runs.
        log: Log to append to.
        trial_id: Id of a trial whose next attempt starts.

    Raises:
        ConflictError: The predictions cannot be read.
    """
    attempt = log.find_attempt(trial_id)
    if not attempt.number or attempt.is_ended:
        return
    sha256 = _hash_test_predictions(ledger, trial_id)
    if sha256 is not None and sha256 not in attempt.tested_sha256s:
        log.append(EventKind.TESTED, trial_id=trial_id, sha256=sha256, reason=LOST_REASON)


def repair_log(ledger: Ledger) -> None:
    """Complete the log of a study that is resumed; a study of version 3 has none.

    The driver writes a trial's record before it logs the end. A worker evaluates on test before the
    driver hears of it, and writes the predictions.

    Args:
        ledger: Ledger of the study.

    Raises:
        ConflictError: A file is unreadable.
        ResourceError: The folder cannot be written.
    """
    if not ledger.files.has_log:
        return
    planned_trials = ledger.list_planned_trials()
    if not ledger.files.exists(EVENTS_FILE) and not any(
        ledger.list_partial_files(planned.id) for planned in planned_trials
    ):
        # In object storage, the log is written after `study.json`.
        ledger.log.write(begin_log(ledger.study.fingerprint))
    log = ledger.log.read()
    n_bytes = len(log.lines)
    for planned in planned_trials:
        _complete_trial(ledger, log, planned)
    if len(log.lines) > n_bytes:
        ledger.log.write(log)


def _complete_trial(ledger: Ledger, log: EventLog, planned: PlannedTrial) -> None:
    attempt = log.find_attempt(planned.id)
    if attempt.is_ended:
        return
    record = ledger.read_trial(planned)
    predictions_sha256 = _hash_test_predictions(ledger, planned.id)
    if record is None:  # predictions of an earlier attempt may remain
        is_entered = predictions_sha256 in attempt.tested_sha256s
    else:
        is_entered = attempt.is_tested
    if predictions_sha256 is not None and not is_entered:
        log.append(
            EventKind.TESTED,
            trial_id=planned.id,
            sha256=predictions_sha256,
            reason=INTERRUPTED_REASON,
        )
    if record is not None:
        log.append_end(record, ledger.files.read(f"trials/{planned.id}.json"))


def _hash_test_predictions(ledger: Ledger, trial_id: str) -> str | None:
    """Return the SHA-256 of a trial's predictions; None without predictions on test."""
    name = f"predictions/{trial_id}.npz"
    if not ledger.files.exists(name):
        return None
    content = ledger.files.read(name)
    try:
        read_predictions(ledger, trial_id, "test", content=content)
    except ConflictError:
        return None
    return compute_sha256(content)
