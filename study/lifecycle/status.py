"""Show the complete, failed and pending trials of a study, and the command to resume it."""

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.format.text import make_data_label
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.states import TrialState
from study.runtime.environment import RAY_ADDRESS
from study.runtime.lock import is_locked

REPORT_FILE = "report/index.html"
"""Path of the report in the folder of a study."""

MAX_LISTED_TRIALS = 8
"""Maximum number of failed or pending trials that are named."""


def format_status_lines(ledger: Ledger) -> Iterator[str]:
    """Yield the lines that `bloodstudy status` prints.

    Args:
        ledger: Ledger of the study.

    Raises:
        ConflictError: A file cannot be read; the message names it.
        DataError: The checkpoint of a trial is invalid.
    """
    study, confirmation = ledger.study, ledger.read_confirmation()
    yield f"{study.name}: {study.kind}, created {study.created_at}"
    yield make_data_label(study.data).short
    is_searching = study.search is not None and confirmation is None
    planned_trials = ledger.list_planned_trials()
    records = {trial.id: ledger.read_trial(trial) for trial in planned_trials}
    ended_records = [record for record in records.values() if record is not None]
    if study.search is not None:
        proposals = ledger.read_proposals()
        yield _format_counts(
            "search", [records[trial.id] for trial in proposals], study.search.n_trials
        )
        retrained_trials = confirmation.trials if confirmation else ()
        if retrained_trials:
            retrained_records = [records[trial.id] for trial in retrained_trials]
            yield _format_counts("confirmation", retrained_records, len(retrained_trials))
    else:
        yield _format_counts("trials", list(records.values()), len(planned_trials))
    for record in [
        trial_record for trial_record in ended_records if trial_record.state is TrialState.FAILED
    ][:MAX_LISTED_TRIALS]:
        yield f"failed: {record.id}: {record.error}"
    remaining_trials = [trial for trial in planned_trials if records[trial.id] is None]
    if remaining_trials:
        yield f"pending: {_format_trial_names(ledger, remaining_trials)}" + (
            ", and new proposals" if is_searching else ""
        )
    if is_locked(ledger.location):
        yield "Another bloodstudy process is running this study."
    elif is_unfinished(ledger):
        address = study.resources.cluster_address
        yield f"Resume with: {format_resume_command(ledger, address)}"
    else:
        address = "local" if study.resources.cluster_address else None  # no trial will run
        yield "All trials have ended. " + (
            f"Report: {ledger.location / REPORT_FILE}"
            if ledger.files.exists(REPORT_FILE)
            else f"Write the report with: {format_resume_command(ledger, address)}"
        )


def _format_counts(label: str, records: Sequence[TrialRecord | None], n_planned: int) -> str:
    counts = Counter(record.state for record in records if record is not None)
    summary = ", ".join(f"{counts[state]} {state}" for state in TrialState if counts[state])
    return f"{label}: {counts.total()} of {n_planned} ended" + (f" ({summary})" if summary else "")


def _format_trial_names(ledger: Ledger, trials: Sequence[PlannedTrial]) -> str:
    names = []
    for trial in trials[:MAX_LISTED_TRIALS]:
        epochs = len(ledger.read_checkpoint_epochs(trial.id))
        epochs_note = f" (after {format_count(epochs, 'epoch')})" if epochs else ""
        names.append(trial.id.rpartition("-")[0] + epochs_note)
    n_more = len(trials) - MAX_LISTED_TRIALS
    return ", ".join(names) + (f", and {n_more} more" if n_more > 0 else "")


def format_resume_command(ledger: Ledger, address: str | None) -> str:
    """Return the shell command that resumes a study.

    Args:
        ledger: Ledger of the study.
        address: Address of the Ray cluster, or `local`; None for this host if it is the default.
    """
    location = ledger.location
    arguments = ["bloodstudy", "resume"]
    arguments += [location.name] if location.parent == Path("results") else [str(location)]
    if address is None and os.environ.get(RAY_ADDRESS):
        address = "local"  # otherwise, the command would join the cluster of the variable
    return shlex.join([*arguments, *(["--address", address] if address else [])])


def format_ended_count(ledger: Ledger) -> str:
    """Return how many trials have ended as text, e.g. "2 of 3 trials have ended"."""
    n_ended, search = len(ledger.read_trials()), ledger.study.search
    if search is not None and ledger.read_confirmation() is None:
        return f"{n_ended} of at most {search.n_trials} trials have ended"
    return f"{n_ended} of {len(ledger.list_planned_trials())} trials have ended"


def is_unfinished(ledger: Ledger) -> bool:
    """Return whether a study has trials to run or a confirmation to plan."""
    if ledger.study.search is not None and ledger.read_confirmation() is None:
        return True
    return any(ledger.read_trial(planned) is None for planned in ledger.list_planned_trials())
