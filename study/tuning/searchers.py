"""Ray Tune searchers: hand Tune the trials of a plan, or Optuna's proposals."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ray.tune.search import Searcher as TuneSearcher

from bloodnets.errors import StudyError
from study.runtime.ray_internals import PickledAsBlank
from study.tuning.ledger_callback import LedgerCallback
from study.tuning.listeners import SearchListener
from study.tuning.optuna_study import OptunaProposer
from study.tuning.parameters import make_trial_parameters

CAPACITY_REFRESH_S = 1.0


class PlanSearcher(PickledAsBlank, TuneSearcher):
    """Hands Tune the trials of a plan, in their order.

    Of a grid of its own, Tune copies the whole for each trial, before the first one starts.
    """

    def __init__(self, parameters: Iterable[dict[str, Any]]) -> None:
        super().__init__(metric=None, mode=None)
        self.parameters = iter(parameters)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next trial's parameters; Tune knows how many there are."""
        return {"trial": next(self.parameters)}

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing: the callback enters it in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has everything."""

    restore = save


class UnstartedTrial(NamedTuple):
    """What the callback reads of a trial of Tune's that was not started."""

    config: dict[str, Any]
    num_failures: int = 0
    status: str = "PENDING"


class ProposalSearcher(PickledAsBlank, TuneSearcher):
    """Hands Tune what our proposer proposes; the callback tells the proposer how it went."""

    def __init__(
        self,
        proposer: OptunaProposer,
        listener: SearchListener,
        callback: LedgerCallback,
        *,
        probe_file: str,
        get_capacity: Callable[[], int],
    ) -> None:
        super().__init__(metric=None, mode=None)
        self.probe_file = probe_file
        self.get_capacity = get_capacity
        self._capacity, self._capacity_time = 0, float("-inf")
        self.proposer = proposer  # not `searcher`: Tune takes what has one for a wrapper
        self.listener = listener
        self.callback = callback

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next trial's parameters; None if there is no room, or it could not be entered.

        A cluster grows and shrinks, so room is asked for again. No proposal is made ahead: it would
        not know of the trials that end before it starts.
        """
        if time.monotonic() - self._capacity_time > CAPACITY_REFRESH_S:
            self._capacity, self._capacity_time = self.get_capacity(), time.monotonic()
        if self.proposer.n_running >= self._capacity:
            return None
        try:
            planned = self.proposer.propose()
        except StudyError as error:
            self.callback.error = error  # raised at the end of Tune's step
            return None
        self.listener.on_proposal(planned)
        return {
            "trial": make_trial_parameters(
                self.proposer.ledger, planned, probe_file=self.probe_file, evaluate_test=False
            )
        }

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing: the proposer is told when the trial is in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has everything."""

    restore = save
