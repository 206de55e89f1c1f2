"""Where a study stands: done, failed, left, and how to go on."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import STUDY_FILE, StudyPath
from bloodnets.storage.remote import open_storage
from reports.format.text import make_data_label
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.states import TrialState
from study.runtime.lock import is_locked

MAX_LISTED_TRIALS = 8
"""Trials named of each kind; the others are counted."""


def list_study_names(storage_root: StudyPath) -> list[str]:
    """Return the names of the studies in a folder or at an address, sorted.

    Raises:
        ConflictError: There is no study.
        ResourceError: The folder or the address cannot be read.
    """
    try:
        storage = open_storage(storage_root, retry_timeout_s=0)
        folders = sorted(storage.list_folders())
        names = [folder for folder in folders if storage.exists(f"{folder}/{STUDY_FILE}")]
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise ResourceError(f"cannot list the studies: {error}", path=str(storage_root)) from error
    if not names:
        raise ConflictError(f"no study in {storage_root}", path=str(storage_root))
    return names


def format_summary(ledger: Ledger) -> str:
    """Return a study in one line, for which no trial's record is read.

    Raises:
        ConflictError: A file cannot be read.
    """
    study, n_ended = ledger.study, len(ledger.storage.list_files("trials"))
    n_planned = len(ledger.list_planned_trials())
    if study.search is not None and ledger.read_confirmation() is None:
        n_planned = study.search.n_trials
    return f"{ledger.name}: {study.kind}, begun {study.created_at}, {n_ended} of {n_planned} ended"


def format_status_lines(ledger: Ledger) -> Iterator[str]:
    """What `bloodstudy status` prints.

    Raises:
        ConflictError: a file cannot be read; the message names it.
        DataError: the state of a trial is not one.
    """
    study, confirmation = ledger.study, ledger.read_confirmation()
    yield f"{study.name}: {study.kind}, begun {study.created_at}"
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
        yield f"left: {_format_trial_names(ledger, remaining_trials)}" + (
            ", and new proposals" if is_searching else ""
        )
    if is_locked(ledger.location):
        yield "A bloodstudy is at work on it."
    elif is_unfinished(ledger):
        address = study.resources.cluster_address
        yield f"Go on with: {format_resume_command(ledger, address)}"
    else:
        report_file = "report/index.html"
        yield (
            f"All is done. Report: {ledger.location / report_file}"
            if ledger.storage.exists(report_file)
            else f"All is done but the report: {format_resume_command(ledger, None)}"
        )


def _format_counts(label: str, records: Sequence[TrialRecord | None], n_planned: int) -> str:
    counts = Counter(record.state for record in records if record is not None)
    summary = ", ".join(f"{counts[state]} {state}" for state in TrialState if counts[state])
    return f"{label}: {counts.total()} of {n_planned} ended" + (f" ({summary})" if summary else "")


def _format_trial_names(ledger: Ledger, trials: Sequence[PlannedTrial]) -> str:
    names = []
    for trial in trials[:MAX_LISTED_TRIALS]:
        epochs = ledger.count_checkpoint_epochs(trial.id)
        epochs_note = f" (after {format_count(epochs, 'epoch')})" if epochs else ""
        names.append(trial.id.rpartition("-")[0] + epochs_note)
    n_more = len(trials) - MAX_LISTED_TRIALS
    return ", ".join(names) + (f", and {n_more} more" if n_more > 0 else "")


def format_resume_command(ledger: Ledger, address: str | None) -> str:
    """What to type to go on with a study."""
    location = ledger.location
    arguments = ["bloodstudy", "resume"]
    arguments += [location.name] if location.parent == Path("results") else [str(location)]
    return shlex.join([*arguments, *(["--address", address] if address else [])])


def format_ended_count(ledger: Ledger) -> str:
    """How many trials have ended, of how many, in words."""
    n_ended, search = len(ledger.read_trials()), ledger.study.search
    if search is not None and ledger.read_confirmation() is None:
        return f"{n_ended} of at most {search.n_trials} trials have ended"
    return f"{n_ended} of {len(ledger.list_planned_trials())} trials have ended"


def is_unfinished(ledger: Ledger) -> bool:
    """Whether there is anything left to do but the report."""
    if ledger.study.search is not None and ledger.read_confirmation() is None:
        return True
    return any(ledger.read_trial(planned) is None for planned in ledger.list_planned_trials())
