"""The Ray Tune stopper of a search: its time budget and its target."""

import time
from typing import Any

from ray import tune

from reports.ledger.search_record import SearchRecord
from reports.ledger.states import EndReason


class SearchStopper(tune.Stopper):
    """Ends a search when its time is over or its target reached.

    Attributes:
        reason: which of the two; None before.
    """

    def __init__(self, search: SearchRecord, elapsed_s: float) -> None:
        self.search = search
        self.reason: EndReason | None = None
        self.deadline = time.monotonic() + (search.time_budget_s or float("inf")) - elapsed_s

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Look for the target; no single trial is stopped."""
        target = self.search.target_macro_f1
        if target is not None and "epoch" in result and self.reason is None:
            self.reason = (
                EndReason.TARGET_MACRO_F1 if result["epoch"]["val_macro_f1"] >= target else None
            )
        return False

    def stop_all(self) -> bool:
        """Whether the search is over."""
        if self.reason is None and time.monotonic() >= self.deadline:
            self.reason = EndReason.TIME_BUDGET
        return self.reason is not None
