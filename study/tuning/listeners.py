"""Protocols of what is told how trials go."""

from typing import Protocol

from reports.ledger.records import EpochRecord, PlannedTrial, TrialRecord


class Listener(Protocol):
    """Is told what happens to the trials."""

    def started(self, trial_id: str) -> None:
        """A trial begins, for the first time or again."""

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool) -> None:
        """A trial finished an epoch, or, again, goes on from a state that has it behind it."""

    def retried(self, trial_id: str, reason: str) -> None:
        """A trial failed and is started again."""

    def ended(self, record: TrialRecord) -> None:
        """A trial is in the ledger."""


class SearchListener(Listener, Protocol):
    """Is also told what is proposed."""

    def proposed(self, planned: PlannedTrial) -> None:
        """A trial is about to begin."""
