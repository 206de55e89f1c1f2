"""Protocols of what is told how trials go."""

from typing import Protocol

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord


class TrialListener(Protocol):
    """Is told what happens to the trials."""

    def on_trial_start(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""

    def on_epoch(self, trial_id: str, epoch: EpochRecord, *, restored: bool) -> None:
        """A trial finished an epoch, or, again, goes on from a state that has it behind it."""

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again."""

    def on_trial_end(self, record: TrialRecord) -> None:
        """A trial is in the ledger."""


class SearchListener(TrialListener, Protocol):
    """Is also told what is proposed."""

    def on_proposal(self, planned: PlannedTrial) -> None:
        """A trial is about to begin."""
