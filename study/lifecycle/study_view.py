"""Read the view of a running study that `status --watch` and `watch` show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bloodnets.storage.location import StudyPath
from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressReader, ProgressState, TrialProgress
from reports.ledger.records import StudyRecord
from reports.ledger.search_record import SearchRecord
from study.configs.search_space import count_retrained_trials
from study.console.time_left import Stage, estimate_time_left_s
from study.lifecycle.search_duration import compute_elapsed_search_s
from study.lifecycle.status import REPORT_FILE, format_resume_command
from study.runtime.lock import is_locked


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """What the files of a study say at one time.

    Attributes:
        study: Settings and plan of the study.
        location: Folder or address of the study.
        read_at: Time of the view, with a time zone.
        is_running: Whether a process is running the study.
        stages: Trials that have been planned so far, and the number of the others: those of the
            grid, or of the search and of the re-training.
        time_left_s: Seconds until the study ends; None if no basis exists or it does not run.
        resume_command: Shell command that resumes the study.
        has_report: Whether the folder of the study has a report.
    """

    study: StudyRecord
    location: StudyPath
    read_at: datetime
    is_running: bool
    stages: Sequence[Stage]
    time_left_s: float | None
    resume_command: str
    has_report: bool

    @property
    def trials(self) -> list[TrialProgress]:
        """All trials that have been planned so far."""
        return [trial for stage in self.stages for trial in stage.trials]

    @property
    def has_ended(self) -> bool:
        """Whether all trials have ended and no process writes the report any more."""
        return not self.is_running and all(
            stage.n_unplanned == 0 and all(trial.state.has_ended for trial in stage.trials)
            for stage in self.stages
        )

    @property
    def best_trial(self) -> TrialProgress | None:
        """Trial with the highest val macro F1 so far, without failed and diverged ones."""
        trials = [trial for trial in self.trials if trial.error is None and trial.epochs]
        return max(trials, key=_get_best_value, default=None)

    @property
    def failed_trials(self) -> list[TrialProgress]:
        """Trials that failed."""
        return [trial for trial in self.trials if trial.state is ProgressState.FAILED]


def _get_best_value(trial: TrialProgress) -> float:
    best_epoch = trial.best_epoch
    return best_epoch.val_macro_f1 if best_epoch else 0.0


def read_study_view(ledger: Ledger, reader: ProgressReader, now: datetime) -> StudyView:
    """Return the view of a study now, from its files only.

    Args:
        ledger: Ledger of the study, opened just before.
        reader: Reader, which keeps the trials that have ended.
        now: Current time, with a time zone.

    Raises:
        ConflictError: A file is unreadable.
        ResourceError: The address does not respond.
    """
    is_running = is_locked(ledger.location)
    trials = reader.read(ledger, now, is_running=is_running)
    stages = _make_stages(ledger, reader, trials, now)
    n_running = sum(trial.state is ProgressState.RUNNING for trial in trials)
    return StudyView(
        study=ledger.study,
        location=ledger.location,
        read_at=now,
        is_running=is_running,
        stages=stages,
        time_left_s=estimate_time_left_s(stages, n_slots=n_running) if n_running else None,
        resume_command=format_resume_command(ledger, ledger.study.resources.cluster_address),
        has_report=ledger.files.exists(REPORT_FILE),
    )


def _make_stages(
    ledger: Ledger, reader: ProgressReader, trials: Sequence[TrialProgress], now: datetime
) -> list[Stage]:
    search = ledger.study.search
    if search is None:
        return [Stage(trials=trials)]
    confirmation = ledger.read_confirmation()
    retrained_ids = {trial.id for trial in confirmation.trials} if confirmation else set()
    proposed = [trial for trial in trials if trial.planned.id not in retrained_ids]
    retrained = [trial for trial in trials if trial.planned.id in retrained_ids]
    return [
        Stage(
            trials=proposed,
            n_unplanned=0 if confirmation else search.n_trials - len(proposed),
            max_epochs=search.max_epochs,
            rungs=search.rungs,
            limit_s=_compute_budget_left_s(search, reader, proposed, now),
        ),
        Stage(
            trials=retrained,
            n_unplanned=0 if confirmation else count_retrained_trials(search),
            max_epochs=search.max_epochs,
        ),
    ]


def _compute_budget_left_s(
    search: SearchRecord, reader: ProgressReader, trials: Sequence[TrialProgress], now: datetime
) -> float:
    """Return the seconds until the time budget of a search ends, without the breaks so far."""
    if search.time_budget_s is None:
        return float("inf")
    records = [reader.records[trial.planned.id] for trial in trials if trial.state.has_ended]
    ends_s = [
        datetime.fromisoformat(record.started_at).timestamp() + record.duration_s
        for record in records
    ]
    since_start_s = max(
        (trial.elapsed_s for trial in trials if trial.state is ProgressState.RUNNING), default=0.0
    )
    since_end_s = now.timestamp() - max(ends_s, default=0.0)
    elapsed_s = compute_elapsed_search_s(records) + min(since_start_s, since_end_s)
    return max(0.0, search.time_budget_s - elapsed_s)
