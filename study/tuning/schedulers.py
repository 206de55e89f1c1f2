"""Ray Tune schedulers: which trial starts next, and which ASHA stops."""

from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from reports.ledger.states import StopReason
from study.configs.presets import CONFIGURATIONS
from study.runtime.ray_internals import PickledAsBlank, find_pending_trial
from study.tuning.asha import Rungs
from study.tuning.ledger_callback import get_trial_id


class PendingFirstScheduler(PickledAsBlank, FIFOScheduler):
    """FIFO scheduler that gives a free process to the first trial that has none.

    See `ray_internals.find_pending_trial` for why Tune's own does not.
    """

    def choose_trial_to_run(self, controller: Any) -> Any:
        """Return one of Tune's trials; None if none can start."""
        return find_pending_trial(controller)


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
        promoted = self.rungs.report(trial_id, epoch, best_value) or result.get("restored", False)
        if promoted or trial.config["trial"]["configuration"] in CONFIGURATIONS:
            return str(TrialScheduler.CONTINUE)
        self.stop_reasons[trial_id] = StopReason.ASHA
        return str(TrialScheduler.STOP)
