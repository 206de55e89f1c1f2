"""Protocols of what is told how trials go."""

from typing import Protocol

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord


class TrialListener(Protocol):
    """Is told what happens to the trials."""

    def on_trial_start(self, trial_id: str) -> None:
        """Hear that an attempt at a trial begins, the first one or another."""

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        """Hear of an epoch.

        Args:
            trial_id: Id of the trial.
            epoch: Losses and scores.
            best_val_macro_f1: Best val macro F1 of the trial so far, 0 to 1.
            restored: Whether the epoch comes from a checkpoint that the trial resumed from.
        """

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """Hear that an attempt at a trial failed and another follows."""

    def on_trial_end(self, record: TrialRecord) -> None:
        """Hear that a trial is in the ledger."""


class SearchListener(TrialListener, Protocol):
    """Is also told what is proposed."""

    def on_proposal(self, planned: PlannedTrial) -> None:
        """Hear that a trial is about to begin."""
