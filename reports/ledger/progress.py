"""Read how far the trials of a running study are, from its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bloodnets.errors import ConflictError, DataError
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import EventKind


class ProgressState(StrEnum):
    """State of a planned trial while its study runs.

    Attributes:
        WAITING: It has not started, or it waits for another attempt.
        RUNNING: It is being trained.
        COMPLETE: It trained to its end.
        PRUNED: A search stopped it before its last epoch.
        FAILED: An error ended it.
    """

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether the trial has ended."""
        return self not in (ProgressState.WAITING, ProgressState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProgress:
    """Progress of a planned trial.

    Attributes:
        planned: Planned trial.
        state: State of the trial.
        epochs: Epochs so far, in order; for a trial that is read from files and has not ended,
            those of its last checkpoint.
        elapsed_s: Duration of a running or ended trial in seconds; 0 while it waits.
        since_epoch_s: Seconds since the last epoch of a running trial ended, or since its start;
            0 if it does not run.
        error: Reason why the trial failed or diverged; None for any other trial.
    """

    planned: PlannedTrial
    state: ProgressState
    epochs: Sequence[EpochRecord]
    elapsed_s: float = 0.0
    since_epoch_s: float = 0.0
    error: str | None = None

    @property
    def name(self) -> str:
        """Name of the trial: its id without the digest."""
        return self.planned.id.rpartition("-")[0]

    @property
    def best_epoch(self) -> EpochRecord | None:
        """First epoch with the highest val macro F1; None before the first epoch."""
        return max(self.epochs, key=lambda epoch: epoch.val_macro_f1, default=None)


class ProgressReader:
    """Reader of a study's progress, which reads the files of an ended trial only once.

    Attributes:
        records: Records of the trials that have ended, by id, in the order in which they were read.
    """

    def __init__(self) -> None:
        self.records: dict[str, TrialRecord] = {}
        self._ended: dict[str, TrialProgress] = {}

    def read(self, ledger: Ledger, now: datetime, *, is_running: bool) -> list[TrialProgress]:
        """Return the progress of all planned trials, in the order of the plan.

        Args:
            ledger: Ledger of the study, opened just before.
            now: Current time, with a time zone.
            is_running: Whether a process is running the study. If not, no trial is running.

        Raises:
            ConflictError: A file is unreadable.
        """
        # The log is read first: a trial that ends meanwhile is then seen as ended, not as waiting.
        starts = find_open_starts(ledger) if is_running else {}
        return [
            self._read_ended(ledger, planned)
            or read_open(ledger, planned, starts.get(planned.id), now)
            for planned in ledger.list_planned_trials()
        ]

    def _read_ended(self, ledger: Ledger, planned: PlannedTrial) -> TrialProgress | None:
        if planned.id not in self._ended:
            record = ledger.read_trial(planned)
            if record is None:
                return None
            epochs = ledger.read_epochs(planned.id)
            self._ended[planned.id] = make_ended_progress(record, epochs)
            self.records[planned.id] = record
        return self._ended[planned.id]


def make_ended_progress(record: TrialRecord, epochs: Sequence[EpochRecord]) -> TrialProgress:
    """Return the progress of a trial that has ended."""
    return TrialProgress(
        planned=PlannedTrial(
            id=record.id, configuration=record.configuration, config=record.config
        ),
        state=ProgressState(record.state),
        epochs=epochs,
        elapsed_s=record.duration_s,
        error=record.error,
    )


def find_open_starts(ledger: Ledger) -> dict[str, datetime]:
    """Return when the last attempt at each trial started that has no end in the log, by id.

    Raises:
        ConflictError: The log is unreadable.
    """
    starts: dict[str, datetime] = {}
    for event in ledger.log.read_events():
        if event.trial_id is None:
            continue
        if event.kind is EventKind.STARTED:
            starts[event.trial_id] = datetime.fromisoformat(event.logged_at)
        elif event.kind is EventKind.ENDED:
            starts.pop(event.trial_id, None)
    return starts


def read_open(
    ledger: Ledger, planned: PlannedTrial, start: datetime | None, now: datetime
) -> TrialProgress:
    """Return the progress of a trial that has not ended, from its checkpoint.

    Args:
        ledger: Ledger of the study.
        planned: Planned trial.
        start: Start of the last attempt; None if no process is training the trial.
        now: Current time, with a time zone.
    """
    try:
        epochs = ledger.read_checkpoint_epochs(planned.id)
    except (ConflictError, DataError):  # replaced or removed at this moment, or damaged
        epochs = []
    elapsed_s = 0.0 if start is None else max(0.0, (now - start).total_seconds())
    trained_s = sum(epoch.duration_s for epoch in epochs)
    return TrialProgress(
        planned=planned,
        state=ProgressState.WAITING if start is None else ProgressState.RUNNING,
        epochs=epochs,
        elapsed_s=elapsed_s,
        # A resumed trial has epochs from before its start.
        since_epoch_s=0.0 if start is None else max(0.0, elapsed_s - trained_s),
    )
