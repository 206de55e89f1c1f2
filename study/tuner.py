"""Run trials with Ray Tune: those of a plan, or those that a search proposes as it goes."""

import shutil
import textwrap
import time
from collections.abc import Sequence
from typing import Any, Literal

from ray import tune
from ray.exceptions import RayError
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher as TuneSearcher

from bloodnets.data import BloodCells
from bloodnets.errors import MachineError, StudyError
from bloodnets.trainable import run_trial
from reports.ledger import Ledger
from reports.records import EndReason, PlannedTrial, SearchRecord, StopReason
from study.asha import Rungs
from study.config import StudyConfig
from study.follow import Follower, Listener, SearchListener
from study.grid import PUBLISHED
from study.resources import RAY_LOG, slots
from study.searcher import Searcher

RETRIES = 1
"""How often a failed trial is started again before it counts as failed."""

CHECKPOINTS = "checkpoints"


def run_trials(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    trials: Sequence[PlannedTrial],
    *,
    look: str,
    progress: Listener,
) -> None:
    """Train every planned trial, and evaluate each once on test. Ray must be running.

    Args:
        config: resources.
        cells: the data.
        ledger: where the trials are entered.
        trials: the plan.
        look: why they are evaluated on test.
        progress: is told how they go.

    Raises:
        StudyError: the ledger could not be written, or Ray gave up; the trials entered so far
            are in the ledger.
    """
    follower = Follower(ledger, [progress], look=look)
    parameters = [_parameters(trial, look=True) for trial in _longest_first(trials)]
    _fit(
        config,
        cells,
        ledger,
        follower,
        param_space={"trial": tune.grid_search(parameters)},
        tune_config={},
        stop=None,
    )


def run_proposals(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    search: SearchRecord,
    *,
    progress: SearchListener,
) -> EndReason:
    """Train what Optuna proposes, as long as ASHA lets it, on train and val alone.

    Args:
        config: resources.
        cells: the data.
        ledger: where proposals and trials are entered.
        search: what to draw from, and how.
        progress: is told what is proposed, and how the trials go.

    Returns:
        What ended it.

    Raises:
        StudyError: as in `run_trials`.
    """
    searcher = Searcher(ledger, search)
    stopped: dict[str, StopReason] = {}
    follower = Follower(ledger, [searcher, progress], stopped=stopped)
    end = _End(search)
    _fit(
        config,
        cells,
        ledger,
        follower,
        param_space={},
        tune_config={
            "search_alg": _Proposals(searcher, progress, follower),
            "scheduler": _Asha(searcher.rungs, stopped),
            "num_samples": search.trials - len(ledger.trials()),
        },
        stop=end,
    )
    if end.reason is None:
        return "trials"
    follower.stop_running(end.reason)
    return end.reason


def _fit(
    config: StudyConfig,
    cells: BloodCells,
    ledger: Ledger,
    follower: Follower,
    *,
    param_space: dict[str, Any],
    tune_config: dict[str, Any],
    stop: tune.Stopper | None,
) -> None:
    resources = {"cpu": config.cpus_per_trial, "gpu": config.gpus_per_trial or 0}
    # `with_parameters` puts the data into Ray's object store: once a node, shared by its trials.
    trainable = tune.with_resources(tune.with_parameters(run_trial, cells=cells), resources)
    tuner = tune.Tuner(
        trainable,
        param_space=param_space,
        tune_config=tune.TuneConfig(
            max_concurrent_trials=slots(config),
            # A fresh process a trial would import torch each time: some two seconds.
            reuse_actors=True,
            trial_name_creator=_trial_id,
            trial_dirname_creator=_trial_id,
            **tune_config,
        ),
        run_config=tune.RunConfig(
            name=CHECKPOINTS,
            storage_path=str(ledger.folder.resolve()),
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            callbacks=[follower],
            stop=stop,
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except (RayError, tune.TuneError) as error:
        # Tune's own message is a traceback: its end says what happened.
        reason = textwrap.shorten(str(error).strip().rpartition("\n")[2], 200)
        raise MachineError(
            f"Ray gave up: {reason}; more is in {ledger.folder / RAY_LOG}"
        ) from error
    # What Tune keeps for itself: everything that counts is in the ledger by now.
    shutil.rmtree(ledger.folder / CHECKPOINTS, ignore_errors=True)


def _longest_first(trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """CNNs first, so that no long trial is left to the end alone."""
    return sorted(trials, key=lambda trial: trial.config["family"] != "cnn")


def _parameters(trial: PlannedTrial, *, look: bool) -> dict[str, Any]:
    """A trial as Tune's parameters, and `bloodnets.trainable`'s."""
    return {
        "id": trial.id,
        "configuration": trial.configuration,
        "config": dict(trial.config),
        "look": look,
    }


def _trial_id(trial: Any) -> str:
    return str(trial.config["trial"]["id"])


class _Proposals(TuneSearcher):
    """Hands Tune what our searcher proposes; the follower tells the searcher how it went."""

    def __init__(self, searcher: Searcher, progress: SearchListener, follower: Follower) -> None:
        super().__init__(metric=None, mode=None)
        self.source = searcher  # not `searcher`: Tune takes what has one for a wrapper
        self.progress = progress
        self.follower = follower

    def __reduce__(self) -> tuple[Any, ...]:
        return TuneSearcher, ()  # as in `Follower`

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        try:
            planned = self.source.propose()
        except StudyError as error:
            self.follower.fault = error  # raised at the end of Tune's step
            return None
        self.progress.proposed(planned)
        return {"trial": _parameters(planned, look=False)}

    def on_trial_complete(self, *args: Any, **info: Any) -> None:
        """Nothing: the searcher is told when the trial is in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has everything."""

    restore = save


class _Asha(FIFOScheduler):
    """Stops a trial that is not among the best at a rung, but no published configuration.

    Those run in full, so that the search never ends below what they reach, and the best of them
    is known.
    """

    def __init__(self, rungs: Rungs, stopped: dict[str, StopReason]) -> None:
        super().__init__()
        self.rungs = rungs
        self.stopped = stopped
        self.best: dict[str, float] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return FIFOScheduler, ()  # as in `Follower`

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        epoch, value = result.get("epoch/epoch"), result.get("epoch/val_macro_f1")
        if epoch is None or value is None:
            return str(TrialScheduler.CONTINUE)
        trial_id = _trial_id(trial)
        # A trial that is tried again begins anew.
        best = max(value, self.best.get(trial_id, 0.0)) if epoch > 1 else value
        self.best[trial_id] = best
        goes_on = self.rungs.goes_on(trial_id, epoch, best)
        if goes_on or trial.config["trial"]["configuration"] in PUBLISHED:
            return str(TrialScheduler.CONTINUE)
        self.stopped[trial_id] = "asha"
        return str(TrialScheduler.STOP)


class _End(tune.Stopper):
    """Ends a search when its time is over or its target reached.

    Attributes:
        reason: which of the two; None before.
    """

    def __init__(self, search: SearchRecord) -> None:
        self.search = search
        self.reason: Literal["time_budget", "target_f1"] | None = None
        self.deadline = time.monotonic() + (search.time_budget_s or float("inf"))

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        target = self.search.target_f1
        if target is not None and "epoch" in result and self.reason is None:
            self.reason = "target_f1" if result["epoch"]["val_macro_f1"] >= target else None
        return False

    def stop_all(self) -> bool:
        if self.reason is None and time.monotonic() >= self.deadline:
            self.reason = "time_budget"
        return self.reason is not None
