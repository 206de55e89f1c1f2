"""Find the trial that a user names, and check that a command can use it, without PyTorch."""

from bloodnets.errors import DataError
from reports.ledger.ledger import Ledger
from reports.ledger.lookup import find_trial
from reports.ledger.records import TrialRecord
from reports.ledger.states import StopReason, TrialState


def find_complete_trial(ledger: Ledger, trial: str) -> TrialRecord:
    """Return the record of a complete trial, which has a model.

    Args:
        ledger: Ledger of the study.
        trial: Name of the trial, as in `find_trial`.

    Raises:
        DataError: There is no such trial, or it is not complete.
        ConflictError: The ledger cannot be read.
    """
    planned = find_trial(ledger.study.name, ledger.list_planned_trials(), trial)
    record = ledger.read_trial(planned)
    if record is None or record.state is not TrialState.COMPLETE:
        status_text = "has not ended" if record is None else f"is {record.state}"
        raise DataError(
            f"{planned.id} {status_text}, so it has no model",
            value=planned.id,
            remedy="choose a complete trial",
        )
    return record


def find_replayable_trial(ledger: Ledger, trial: str) -> TrialRecord:
    """Return the record of a trial that has something to compare a replay with.

    Args:
        ledger: Ledger of the study.
        trial: Name of the trial, as in `find_trial`.

    Raises:
        DataError: There is no such trial, or it has not ended or ran no epoch.
        ConflictError: The ledger cannot be read.
    """
    planned = find_trial(ledger.study.name, ledger.list_planned_trials(), trial)
    record = ledger.read_trial(planned)
    if record is None:
        raise DataError(
            f"{planned.id} has not ended, so there is nothing to compare with",
            value=planned.id,
            remedy="choose a trial that has ended",
        )
    if not record.epochs and record.stop_reason is not StopReason.DIVERGED:
        raise DataError(
            f"{planned.id} ended before its first epoch ({record.error})",
            value=planned.id,
            remedy="choose a trial that ran at least one epoch",
        )
    return record
