"""Read the runs of a study from its ledger, with what every tracker needs."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.format.text import make_data_label
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, Problem, read_study_files
from reports.ledger.lookup import get_trial_name
from reports.ledger.planned_trial import PlannedTrial, fill_settings
from reports.ledger.progress import ProgressState, find_open_starts, read_open
from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord
from reports.ledger.states import EventKind
from study.runtime.lock import is_locked

EPOCH_METRICS = ("train_loss", "val_loss", "val_accuracy", "val_macro_f1")
"""Fields of an `EpochRecord` that are written for each epoch."""

RECORD_FACTS = (
    *("stop_reason", "error", "attempts", "best_epoch"),
    *("parameters", "operations", "device", "host", "software_sha256"),
)
"""Fields of a `TrialRecord` that are written as texts."""

Setting = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trial that has started.

    Attributes:
        trial: Planned trial.
        state: State of the trial. A trial of an interrupted study that has a checkpoint is waiting.
        started_at: Start, with a time zone. For a resumed trial, it is as long before the end as
            all epochs took together.
        ended_at: End, with a time zone; None for a trial that has not ended.
        epochs: Epochs so far, in order.
        record: Record of the trial; None for a trial that has not ended.
    """

    trial: PlannedTrial
    state: ProgressState
    started_at: datetime
    ended_at: datetime | None
    epochs: Sequence[EpochRecord]
    record: TrialRecord | None

    @property
    def name(self) -> str:
        """Name of the trial: its id without the digest."""
        return get_trial_name(self.trial.id)

    @property
    def settings(self) -> dict[str, Setting]:
        """Configuration and hyper-parameters by name, without those that do not apply."""
        settings = {"configuration": self.trial.configuration, **fill_settings(self.trial.config)}
        return {name: value for name, value in settings.items() if value is not None}

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the best epoch's weights, e.g. `val_macro_f1`, without undefined ones."""
        return {
            f"{split}_{name}": value
            for split, scores in (self.record.scores if self.record else {}).items()
            for name, value in scores.items()
            if value is not None
        }

    @property
    def facts(self) -> dict[str, str]:
        """Further fields of the trial's record by name, as texts."""
        facts: dict[str, object] = {"trial_id": self.trial.id, "state": self.state}
        if self.record is not None:
            facts |= {name: getattr(self.record, name) for name in RECORD_FACTS}
        return {name: str(value) for name, value in facts.items() if value is not None}

    def list_epoch_ends(self) -> list[datetime]:
        """Return the time at which each epoch ended, as if they followed each other from start."""
        ends, end = [], self.started_at
        for epoch in self.epochs:
            end += timedelta(seconds=epoch.duration_s)
            ends.append(end)
        return ends


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRuns:
    """Runs of a study at one time.

    Attributes:
        study: Settings and plan of the study.
        is_running: Whether a process is running the study.
        has_ended: Whether every planned trial has ended and no other can follow.
        runs: Trials that have started, in the order of the plan.
        problems: Trials that were left out because of their files.
    """

    study: StudyRecord
    is_running: bool
    has_ended: bool
    runs: Sequence[Run]
    problems: Sequence[Problem]

    @property
    def facts(self) -> dict[str, str]:
        """Study and data by the names of the records' fields, as texts."""
        return {
            "study": self.study.name,
            "kind": self.study.kind,
            "data": make_data_label(self.study.data).full,
            "fingerprint": self.study.fingerprint,
            "created_at": self.study.created_at,
            "command": shlex.join(self.study.command),
        }


def read_runs(ledger: Ledger, now: datetime) -> StudyRuns:
    """Return the runs of a study now, from its files only.

    Args:
        ledger: Ledger of the study, opened just before.
        now: Current time, with a time zone.

    Raises:
        ConflictError: The plan or the log is unreadable.
        ResourceError: The address does not respond.
    """
    is_running = is_locked(ledger.location)
    # The log is read first: a trial that ends meanwhile is then seen as ended, not as running.
    starts = find_open_starts(ledger)
    loaded_study = read_study_files(ledger)
    ends = _read_logged_ends(ledger)
    records, epochs = _merge_trials(loaded_study)
    problems = [
        problem
        for problem in loaded_study.problems
        # The worker of a running trial writes its files before the driver writes its record.
        if not (is_running and problem.trial_id in starts and not _has_record(ledger, problem))
    ]
    left_out = {problem.trial_id for problem in problems}
    runs = [
        _make_ended_run(records[trial.id], epochs[trial.id], ends.get(trial.id))
        if trial.id in records
        else _read_open_run(ledger, trial, starts.get(trial.id), now, is_running=is_running)
        for trial in loaded_study.planned_trials
        if trial.id not in left_out
    ]
    search = loaded_study.search
    is_planned = search is None or search.confirmation is not None
    closed = {*records, *left_out}
    return StudyRuns(
        study=ledger.study,
        is_running=is_running,
        has_ended=not is_running
        and is_planned
        and all(trial.id in closed for trial in loaded_study.planned_trials),
        runs=[run for run in runs if run is not None],
        problems=problems,
    )


def _merge_trials(
    loaded_study: LoadedStudy,
) -> tuple[Mapping[str, TrialRecord], Mapping[str, Sequence[EpochRecord]]]:
    """Return the records and the epochs of all trials that have ended, by id."""
    records, epochs = dict(loaded_study.records), dict(loaded_study.epochs)
    if loaded_study.search is not None:
        records |= loaded_study.search.records
        epochs |= loaded_study.search.epochs
    return records, epochs


def _read_logged_ends(ledger: Ledger) -> dict[str, datetime]:
    """Return when the last end of each trial was logged, by id."""
    return {
        event.trial_id: datetime.fromisoformat(event.logged_at)
        for event in ledger.log.read_events()
        if event.kind is EventKind.ENDED and event.trial_id is not None
    }


def _has_record(ledger: Ledger, problem: Problem) -> bool:
    return ledger.files.exists(f"trials/{problem.trial_id}.json")


def _make_ended_run(
    record: TrialRecord, epochs: Sequence[EpochRecord], logged_end: datetime | None
) -> Run:
    started_at = datetime.fromisoformat(record.started_at)
    ended_at = started_at + timedelta(seconds=record.duration_s)
    if logged_end is not None:
        # The duration of a resumed trial includes epochs from before its start. The end of a trial
        # may also have been logged late, when an interrupted study was resumed.
        ended_at = max(started_at, min(ended_at, logged_end))
    return Run(
        trial=PlannedTrial(id=record.id, configuration=record.configuration, config=record.config),
        state=ProgressState(record.state),
        started_at=min(started_at, ended_at - _sum_durations(epochs)),
        ended_at=ended_at,
        epochs=epochs,
        record=record,
    )


def _read_open_run(
    ledger: Ledger, trial: PlannedTrial, start: datetime | None, now: datetime, *, is_running: bool
) -> Run | None:
    """Return the run of a trial that has not ended; None if it has nothing to show yet."""
    progress = read_open(ledger, trial, start if is_running else None, now)
    if progress.state is ProgressState.WAITING and not progress.epochs:
        return None
    return Run(
        trial=trial,
        state=progress.state,
        started_at=min(start or now, now - _sum_durations(progress.epochs)),
        ended_at=None,
        epochs=progress.epochs,
        record=None,
    )


def _sum_durations(epochs: Sequence[EpochRecord]) -> timedelta:
    return timedelta(seconds=math.fsum(epoch.duration_s for epoch in epochs))
