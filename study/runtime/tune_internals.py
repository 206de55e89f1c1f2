"""All uses of Ray Tune's private API, each with its reason and the upstream issue."""

import re
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.air._internal import usage
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError
from ray.tune.execution import class_cache
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.experiment import trial as trial_module
from ray.tune.registry import get_trainable_cls

from study.runtime.connection import is_listening
from study.runtime.node_failures import NodeFailureError, NodeFailureKind
from study.runtime.ray_internals import find_actor_node

_ERROR_LINE = re.compile(r"[\w.]+(Error|Exception): ")
"""Last line of a traceback."""


class PickledAsBlank:
    """Mixin that pickles a callback, searcher or scheduler as an object of its base class in Ray.

    `Tuner` pickles these objects for `Tuner.restore`, which is not used here. They hold the ledger
    and the terminal.
    """

    def __reduce__(self) -> tuple[type, tuple[()]]:
        blank = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("ray."))
        return blank, ()


class OutOfMemoryActorError(RayActorError):
    """Error of a trial whose process was killed by Ray's memory monitor."""


def patch_tune() -> None:
    """Apply all patches below to Ray Tune, once per process; call it before each run."""
    _get_trainable_class.cache_clear()  # a run has its own class with the same name
    if getattr(TuneController, "is_patched", False):
        return
    TuneController.is_patched = True
    _handle_out_of_memory()
    _retry_lost_processes()
    _use_started_workers()
    _remember_trainable_class()
    _skip_snapshots()
    _skip_callback_count()


def _handle_out_of_memory() -> None:
    """Make Tune handle a trial killed by Ray's memory monitor like one whose process died.

    Without the patch, Ray raises an exception that Tune's actor manager does not expect, and
    `Tuner.fit` fails with all its trials. Observed with Ray 2.60; no upstream issue was found.
    """
    handle = RayActorManager._actor_task_failed

    def handle_as_actor_death(
        self: RayActorManager, tracked_actor_task: TrackedActorTask, exception: Exception
    ) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = OutOfMemoryActorError(error_msg=str(exception))
        handle(self, tracked_actor_task, exception)

    RayActorManager._actor_task_failed = handle_as_actor_death


def _retry_lost_processes() -> None:
    """Make Tune retry a trial whose process or node failed, without counting an attempt.

    Without the patch, a trial ends without any callback if the process that it should reuse is not
    ready within `TUNE_FUNCTION_THREAD_TIMEOUT_S`. It fails without a retry if that process dies.
    If a process cannot start, or a node dies, the trial loses an attempt. Observed with Ray 2.60;
    no upstream issue was found.
    """
    fail_actor, fail_task = TuneController._actor_failed, TuneController._trial_task_failure
    finish_reset = TuneController._on_trial_reset

    def handle_actor_failure(
        self: TuneController, tracked_actor: TrackedActor, exception: Exception
    ) -> None:
        trial = self._actor_to_trial[tracked_actor]
        if trial.status == Trial.PENDING:
            is_reused = trial in self._resetting_trials
            self._resetting_trials.discard(trial)
            kind = NodeFailureKind.REUSE if is_reused else NodeFailureKind.START
            exception = _make_node_failure(kind, exception)
        fail_actor(self, tracked_actor, exception)

    def handle_task_failure(self: TuneController, trial: Trial, exception: Exception) -> None:
        if trial.status == Trial.PENDING:
            if trial not in self._resetting_trials:
                return  # `handle_actor_failure` has already requeued the trial
            # As Tune's `_actor_failed` does for a trial that has not started.
            self._resetting_trials.remove(trial)
            self._set_trial_status(trial, Trial.RUNNING)
            self._unstage_trial_with_resources(trial)
            exception = _make_node_failure(NodeFailureKind.REUSE, exception)
        elif (
            isinstance(exception, RayActorError)
            and not isinstance(exception, NodeFailureError)
            and (exception.preempted or _is_node_lost(exception.actor_id))
        ):
            exception = _make_node_failure(NodeFailureKind.DEATH, exception)
        fail_task(self, trial, exception)

    def handle_reset(self: TuneController, trial: Trial, success: bool) -> None:
        if success:
            finish_reset(self, trial, success)
        else:
            self._trial_task_failure(trial, TimeoutError("the previous trial has not ended"))

    TuneController._actor_failed = handle_actor_failure
    TuneController._trial_task_failure = handle_task_failure
    TuneController._on_trial_reset = handle_reset


def _is_node_lost(actor_id: str | None) -> bool:
    """Return whether the node of an actor is lost.

    The control service needs seconds to notice that a raylet has died. By then, Tune has already
    counted the failure, so the raylet is asked.
    """
    node = find_actor_node(actor_id)
    return node is not None and not (node.raylet_address and is_listening(node.raylet_address))


def _make_node_failure(kind: NodeFailureKind, exception: Exception) -> NodeFailureError:
    node = find_actor_node(getattr(exception, "actor_id", None))
    # Ray's message has the traceback of the process, or ends with the reason why it died.
    lines = str(exception).strip().splitlines()
    error_lines = [line for line in lines if _ERROR_LINE.match(line)]
    return NodeFailureError(
        kind=kind,
        reason=(error_lines or lines or [""])[-1].strip(),
        node_id=node and node.node_id,
        address=node and node.address,
    )


def _use_started_workers() -> None:
    """Let Tune run its trials in the workers that Ray starts initially.

    Tune sets an environment variable for PyTorch Lightning (ray#28197). For a trial with its own
    environment variables, Ray starts a new worker and ends an initial one. This still happens if
    Tune passes on the keys of an object store.
    """
    class_cache.DEFAULT_ENV_VARS.clear()


@cache
def _get_trainable_class(name: str) -> type:
    cls: type = get_trainable_cls(name)
    return cls


def _remember_trainable_class() -> None:
    """Make Tune fetch its trainable class once per run.

    Without the patch, Tune fetches and unpickles the class twice for each trial and checks five
    times that it exists, which takes 8 ms. It also registers a new actor class for each trial.
    """
    trial_module.get_trainable_cls = _get_trainable_class
    trial_module.validate_trainable = _get_trainable_class


def _skip_snapshots() -> None:
    """Make Tune write snapshots for `Tuner.restore` without trials, which would take 7 ms each."""
    TuneController._get_trial_checkpoints = lambda self: {}


def _skip_callback_count() -> None:
    """Make Tune not count callbacks for usage statistics, for which it imports MLflow (2 s)."""
    usage.tag_callbacks = lambda _: False


def load_trial_error(trial: Trial) -> Exception | None:
    """Return the exception that ended a trial's last attempt; None if Tune stored none.

    `Trial.get_pickled_error` reads a copy in Tune's storage, which is written only at the end of
    the run.

    Args:
        trial: Trial that failed. Its pickled error is trusted, as it is in our temporary folder.
    """
    error_file = trial.pickled_error_file
    if error_file is None or not Path(error_file).exists():
        return None
    error = cloudpickle.loads(Path(error_file).read_bytes())
    if isinstance(error, RayTaskError):
        error = error.cause  # the exception that the worker raised
    return error if isinstance(error, Exception) else None


def count_ended_trials(controller: Any, n_known: int) -> int:
    """Return the number of trials that have ended before the first one that has not.

    Args:
        controller: Argument of `TrialScheduler.choose_trial_to_run`.
        n_known: Number of such trials at an earlier time.
    """
    trials: list[Trial] = controller.get_trials()
    while n_known < len(trials) and trials[n_known].is_finished():
        n_known += 1
    return n_known


def find_pending_trial(controller: Any, *, first: int = 0) -> Trial | None:
    """Return the first pending trial whose process is not already starting; None if there is none.

    With `reuse_actors`, Tune's FIFO scheduler gives a free process to the first pending trial and
    stops the process that was starting for it (see ray#42951). If trials end faster than processes
    start, a new node is never used.

    Args:
        controller: Argument of `TrialScheduler.choose_trial_to_run`.
        first: Number of trials to skip, which have ended.
    """
    tune_controller = controller._tune_controller
    trials: list[Trial] = tune_controller.get_trials()
    for trial in islice(trials, first, None):
        if trial.status == Trial.PENDING:
            actor = tune_controller._trial_to_actor.get(trial)
            if actor is None or not tune_controller._actor_manager.is_actor_started(actor):
                return trial
    return None


def kill_trial_process(trial: Trial) -> None:
    """Kill the process of a running trial, which Tune then retries.

    Tune has no public access to the actor of a trial. Ray also kills a process that has been
    stopped by a signal.
    """
    if (actor := trial.temporary_state.ray_actor) is not None:
        ray.kill(actor)


def clear_trial_metrics(trial: Trial) -> None:
    """Discard Tune's statistics of every reported number: 70 kB per trial (ray#64231).

    Args:
        trial: Trial of Ray Tune that has ended.
    """
    trial.run_metadata.metric_analysis.clear()
    trial.run_metadata.metric_n_steps.clear()
