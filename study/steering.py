"""What Ray Tune asks while trials run: what comes next, who goes on, and is it over?"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher as TuneSearcher

from bloodnets.errors import StudyError
from bloodnets.storage.backends import everywhere
from reports.ledger.ledger import Ledger
from reports.ledger.records import PlannedTrial, SearchRecord, StopReason
from study.asha import Rungs
from study.follow import Follower, SearchListener, id_of
from study.grid import NAMED
from study.searcher import Searcher

ROOM_S = 1.0

Overtaking = Literal["time_budget", "target_f1"]


def tune_parameters(
    ledger: Ledger, trial: PlannedTrial, *, mark: str, look: bool
) -> dict[str, Any]:
    """A trial as Tune's parameters, and `bloodnets.trainable`'s."""
    return {
        "place": everywhere(ledger.place),
        "mark": mark,
        "study": ledger.study.fingerprint,
        "id": trial.id,
        "configuration": trial.configuration,
        "config": dict(trial.config),
        "look": look,
    }


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


class InOrder(FIFOScheduler):
    """Gives a process that a trial left to the first trial that waits for room.

    Tune's own gives it to the first that waits for anything, which is one whose process is just
    starting, and stops that process: where trials end oftener than processes take to start, a
    machine that joins is never used.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return FIFOScheduler, ()  # as in `Follower`

    def choose_trial_to_run(self, controller: Any) -> Any:
        """One of Tune's trials, or None."""
        own = controller._tune_controller
        for trial in own.get_trials():
            if trial.status == "PENDING":
                process = own._trial_to_actor.get(trial)
                if process is None or not own._actor_manager.is_actor_started(process):
                    return trial
        return None


class Asha(InOrder):
    """Stops a trial that is not among the best at a rung, but no configuration with a name.

    Those run in full, so that the search never ends below what they reach, and the best of them
    is known.
    """

    def __init__(self, rungs: Rungs, stopped: dict[str, StopReason]) -> None:
        super().__init__()
        self.rungs = rungs
        self.stopped = stopped
        self.best: dict[str, float] = {}

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether a trial goes on after an epoch."""
        epoch, value = result.get("epoch/epoch"), result.get("epoch/val_macro_f1")
        if epoch is None or value is None:
            return str(TrialScheduler.CONTINUE)
        trial_id = id_of(trial)
        # A trial that is tried again begins anew, or says again what let it go on before.
        best = max(value, self.best.get(trial_id, 0.0)) if epoch > 1 else value
        self.best[trial_id] = best
        goes_on = self.rungs.goes_on(trial_id, epoch, best) or result.get("again", False)
        if goes_on or trial.config["trial"]["configuration"] in NAMED:
            return str(TrialScheduler.CONTINUE)
        self.stopped[trial_id] = "asha"
        return str(TrialScheduler.STOP)


class End(tune.Stopper):
    """Ends a search when its time is over or its target reached.

    Attributes:
        reason: which of the two; None before.
    """

    def __init__(self, search: SearchRecord, spent_s: float) -> None:
        self.search = search
        self.reason: Overtaking | None = None
        self.deadline = time.monotonic() + (search.time_budget_s or float("inf")) - spent_s

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Look for the target; no single trial is stopped."""
        target = self.search.target_f1
        if target is not None and "epoch" in result and self.reason is None:
            self.reason = "target_f1" if result["epoch"]["val_macro_f1"] >= target else None
        return False

    def stop_all(self) -> bool:
        """Whether the search is over."""
        if self.reason is None and time.monotonic() >= self.deadline:
            self.reason = "time_budget"
        return self.reason is not None
