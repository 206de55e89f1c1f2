"""Ray Tune schedulers: which trial starts next, and which ASHA stops."""

from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from reports.ledger.records import StopReason
from study.configs.presets import CONFIGURATIONS
from study.tuning.asha import Rungs
from study.tuning.ledger_callback import get_trial_id


class PendingFirstScheduler(FIFOScheduler):
    """Gives a process that a trial left to the first trial that waits for room.

    Tune's own gives it to the first that waits for anything, which is one whose process is just
    starting, and stops that process: where trials end oftener than processes take to start, a
    machine that joins is never used.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return FIFOScheduler, ()  # as in `LedgerCallback`

    def choose_trial_to_run(self, controller: Any) -> Any:
        """One of Tune's trials, or None."""
        tune_controller = controller._tune_controller
        for trial in tune_controller.get_trials():
            if trial.status == "PENDING":
                actor = tune_controller._trial_to_actor.get(trial)
                if actor is None or not tune_controller._actor_manager.is_actor_started(actor):
                    return trial
        return None


class AshaScheduler(PendingFirstScheduler):
    """Stops a trial that is not among the best at a rung, but no configuration with a name.

    Those run in full, so that the search never ends below what they reach, and the best of them
    is known.
    """

    def __init__(self, rungs: Rungs, stop_reasons: dict[str, StopReason]) -> None:
        super().__init__()
        self.rungs = rungs
        self.stop_reasons = stop_reasons
        self.best_values: dict[str, float] = {}

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether a trial goes on after an epoch."""
        epoch, value = result.get("epoch/epoch"), result.get("epoch/val_macro_f1")
        if epoch is None or value is None:
            return str(TrialScheduler.CONTINUE)
        trial_id = get_trial_id(trial)
        # A trial that is tried again begins anew, or says again what let it go on before.
        best_value = max(value, self.best_values.get(trial_id, 0.0)) if epoch > 1 else value
        self.best_values[trial_id] = best_value
        promoted = self.rungs.report(trial_id, epoch, best_value) or result.get("again", False)
        if promoted or trial.config["trial"]["configuration"] in CONFIGURATIONS:
            return str(TrialScheduler.CONTINUE)
        self.stop_reasons[trial_id] = "asha"
        return str(TrialScheduler.STOP)
