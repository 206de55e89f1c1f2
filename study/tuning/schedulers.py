"""Ray Tune schedulers: which trial starts next, and which ASHA stops."""

from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from reports.ledger.records import StopReason
from study.configs.presets import NAMED
from study.tuning.asha import Rungs
from study.tuning.ledger_callback import id_of


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
