"""Ray Tune searchers: hand Tune the trials of a plan, or Optuna's proposals."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ray.tune.search import Searcher as TuneSearcher

from bloodnets.errors import StudyError
from study.tuning.ledger_callback import Follower
from study.tuning.listeners import SearchListener
from study.tuning.optuna_study import Searcher
from study.tuning.parameters import tune_parameters

ROOM_S = 1.0


class Plan(TuneSearcher):
    """Hands Tune the trials of a plan, in their order.

    Of a grid of its own, Tune copies the whole for each trial, before the first one starts.
    """

    def __init__(self, parameters: Iterable[dict[str, Any]]) -> None:
        super().__init__(metric=None, mode=None)
        self.parameters = iter(parameters)

    def __reduce__(self) -> tuple[Any, ...]:
        return TuneSearcher, ()  # as in `Follower`

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next trial's parameters; Tune knows how many there are."""
        return {"trial": next(self.parameters)}

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing: the follower enters it in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has everything."""

    restore = save


class Overtaken(NamedTuple):
    """What a follower looks at of a trial of Tune's that was not started."""

    config: dict[str, Any]
    num_failures: int = 0
    status: str = "PENDING"


class Proposals(TuneSearcher):
    """Hands Tune what our searcher proposes; the follower tells the searcher how it went."""

    def __init__(
        self,
        searcher: Searcher,
        progress: SearchListener,
        follower: Follower,
        *,
        mark: str,
        room: Callable[[], int],
    ) -> None:
        super().__init__(metric=None, mode=None)
        self.mark = mark
        self.room = room
        self._fit, self._asked = 0, float("-inf")
        self.source = searcher  # not `searcher`: Tune takes what has one for a wrapper
        self.progress = progress
        self.follower = follower

    def __reduce__(self) -> tuple[Any, ...]:
        return TuneSearcher, ()  # as in `Follower`

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next trial's parameters; None if there is no room, or it could not be entered.

        A cluster grows and shrinks, so room is asked for again. No proposal is made ahead: it would
        not know of the trials that end before it starts.
        """
        if time.monotonic() - self._asked > ROOM_S:
            self._fit, self._asked = self.room(), time.monotonic()
        if self.source.running >= self._fit:
            return None
        try:
            planned = self.source.propose()
        except StudyError as error:
            self.follower.fault = error  # raised at the end of Tune's step
            return None
        self.progress.proposed(planned)
        return {"trial": tune_parameters(self.source.ledger, planned, mark=self.mark, look=False)}

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing: the searcher is told when the trial is in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has everything."""

    restore = save
