"""Protocols for objects that are notified of the progress of trials."""

from typing import Protocol

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord


class TrialListener(Protocol):
    """Listener that is notified of the progress of trials."""

    def on_trial_start(self, trial_id: str) -> None:
        """Handle the start of the first or another attempt at a trial."""

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Handle the end of an epoch.

        Args:
            trial_id: Id of the trial.
            epoch: Losses and scores of the epoch.
            best_val_macro_f1: Best val macro F1 of the trial so far, 0 to 1.
            restored: Whether the epoch was read from the checkpoint that the trial resumed from.
        """

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Handle a failed attempt that is retried.

        Args:
            trial_id: Id of the trial.
            reason: Reason why the attempt failed, in a few words.
        """

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        """Handle a running trial that has not reported for long.

        Args:
            trial_id: Id of the trial.
            reason: Duration of its silence, in a few words.
        """

    def on_trial_end(self, record: TrialRecord) -> None:
        """Handle the end of a trial, which is in the ledger."""


class SearchListener(TrialListener, Protocol):
    """Listener that is also notified of proposals."""

    def on_proposal(self, planned: PlannedTrial) -> None:
        """Handle a proposed trial, which is about to start."""
