"""Follow one trial while it runs."""

import time
from dataclasses import dataclass, field

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.progress import ProgressState, TrialProgress
from reports.ledger.records import EpochRecord


@dataclass(slots=True)
class TrialRow:
    """Values of one trial in a table of running trials.

    Attributes:
        planned: Planned trial.
        state: State of the trial.
        epochs: Epochs of the current attempt.
        duration_s: Duration of an ended trial, in seconds.
        start_time: `time.monotonic` at the start of the current attempt, in seconds.
        epoch_time: `time.monotonic` at the end of its last epoch or at its start, in seconds.
    """

    planned: PlannedTrial
    state: ProgressState = ProgressState.WAITING
    epochs: list[EpochRecord] = field(default_factory=list)
    duration_s: float = 0.0
    start_time: float = 0.0
    epoch_time: float = 0.0

    def start(self) -> None:
        """Start another attempt."""
        self.state, self.epochs = ProgressState.RUNNING, []
        self.start_time = self.epoch_time = time.monotonic()

    def add_epoch(self, epoch: EpochRecord, *, restored: bool) -> None:
        """Add an epoch, which was restored from a checkpoint or has just been trained."""
        self.epochs.append(epoch)
        if restored:
            self.start_time -= epoch.duration_s
        else:
            self.epoch_time = time.monotonic()

    def make_progress(self) -> TrialProgress:
        """Return the progress of the trial now."""
        now, is_running = time.monotonic(), self.state is ProgressState.RUNNING
        return TrialProgress(
            planned=self.planned,
            state=self.state,
            epochs=self.epochs,
            elapsed_s=now - self.start_time if is_running else self.duration_s,
            since_epoch_s=now - self.epoch_time if is_running else 0.0,
        )
