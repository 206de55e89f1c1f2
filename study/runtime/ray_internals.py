"""Every use of Ray's private API, each with its reason and the upstream discussion.

None of it is covered by Ray's compatibility promise: `pyproject.toml` bounds Ray to the versions
with which `tests/unit/study/runtime/test_ray_internals.py` passes.
"""

from typing import Any

import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

KILLED_BY_RAY = "out of memory: killed by Ray, as its machine had little left"

_PENDING = "PENDING"


class PickledAsBlank:
    """Mixin for callbacks, searchers and schedulers: Tune's snapshots hold a blank object instead.

    Tune pickles these objects for `Tuner.restore`, which is not used here, and ours hold the ledger
    and the terminal. `TUNE_GLOBAL_CHECKPOINT_S` makes snapshots rare, but does not switch them off.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        blank = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("ray."))
        return blank, ()


def connect_gcs(address: str) -> None:
    """Connect to a cluster's control service (GCS), as the command `ray health-check` does.

    `ray.init` keeps trying for minutes where something listens that is no GCS (ray#43070).

    Args:
        address: Host and port.

    Raises:
        RpcError: The service does not answer.
        AuthenticationError: It refuses our token.
    """
    GcsClient(address=address)


def start_ray(temp_folder: str, **options: Any) -> None:
    """Start Ray on this host with its files in a folder of ours, which no other user can read.

    The argument is private, and its length is limited by that of socket paths (ray#7945).

    Args:
        temp_folder: Folder for Ray's logs and sockets.
        **options: Arguments of `ray.init`.
    """
    ray.init(_temp_dir=temp_folder, **options)


def patch_oom_handling() -> None:
    """Make Tune handle a trial that Ray's memory monitor killed like one whose process died.

    Ray raises an exception that Tune's actor manager does not expect, so that `Tuner.fit` fails
    with all its trials. Seen with Ray 2.60; no upstream issue was found.
    """
    original_handler = RayActorManager._actor_task_failed
    if getattr(original_handler, "handles_oom", False):
        return

    def handle_as_actor_death(self: Any, *, exception: Exception, **task: Any) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=f"{KILLED_BY_RAY}. {exception}")
        original_handler(self, exception=exception, **task)

    handle_as_actor_death.handles_oom = True  # type: ignore[attr-defined]
    RayActorManager._actor_task_failed = handle_as_actor_death


def find_pending_trial(controller: Any) -> Any:
    """Return the first pending trial whose process is not already starting; None if there is none.

    With `reuse_actors`, Tune's FIFO scheduler gives a free process to the first pending trial, and
    stops the process that was just starting for it (ray#42951 describes the swap). Where trials
    end more often than processes take to start, a node that joins is never used.

    Args:
        controller: What Tune passes to `TrialScheduler.choose_trial_to_run`.
    """
    tune_controller = controller._tune_controller
    for trial in tune_controller.get_trials():
        if trial.status == _PENDING:
            actor = tune_controller._trial_to_actor.get(trial)
            if actor is None or not tune_controller._actor_manager.is_actor_started(actor):
                return trial
    return None


def clear_trial_metrics(trial: Any) -> None:
    """Drop the statistics that Tune keeps of every reported number: 70 kB per trial (ray#64231).

    Args:
        trial: One of Tune's trials, which has ended.
    """
    trial.run_metadata.metric_analysis.clear()
    trial.run_metadata.metric_n_steps.clear()
