"""All uses of Ray's private API, each with its reason and the upstream issue.

Ray does not guarantee compatibility for them. So `pyproject.toml` limits Ray to the versions with
which `tests/unit/study/runtime/test_ray_internals.py` passes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import cloudpickle
from ray._private import utils, worker
from ray._private.node import Node
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.job_config import JobConfig

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

_UNUSED_SERVICES = ("start_api_server", "start_log_monitor", "start_monitor")
"""Methods of `Node` that start services which a study does not use.

They start the dashboard's server (even without a dashboard), the process that copies the output of
workers to the driver, and the autoscaler. Each takes half a second of a core, and `ray.init` waits
for the first."""

_SYSTEM_CONFIG = {"idle_worker_killing_time_threshold_ms": 600_000}
"""Idle time in milliseconds before Ray ends a worker; the default is one second.

Ray ends an idle worker as soon as its core is reserved, and Tune reserves a trial's core before it
requests a worker."""

_PENDING = "PENDING"


class PickledAsBlank:
    """Mixin that pickles a callback, searcher or scheduler as an object of its base class in Ray.

    Tune pickles these objects for `Tuner.restore`, which is not used here. They hold the ledger and
    the terminal. `TUNE_GLOBAL_CHECKPOINT_S` makes snapshots rare, but does not switch them off.
    """

    def __reduce__(self) -> tuple[type, tuple[()]]:
        blank = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("ray."))
        return blank, ()


def connect_gcs(address: str) -> None:
    """Connect to a cluster's control service (GCS), as the command `ray health-check` does.

    `ray.init` retries for minutes if another kind of server listens there (ray#43070).

    Args:
        address: Host and port, e.g. `10.0.0.1:6379`.

    Raises:
        RpcError: The service does not respond.
        AuthenticationError: The service rejects our token.
    """
    GcsClient(address=address)


def start_ray(
    temp_folder: str, *, num_cpus: int, object_store_memory: int, preload: Sequence[str] = ()
) -> None:
    """Start Ray on this host with its files in a private folder.

    The argument `_temp_dir` of `ray.init` is private. The length of socket paths limits its length
    (ray#7945).

    Args:
        temp_folder: Folder for Ray's logs and sockets.
        num_cpus: Number of cores that trials may use. Ray starts a worker for each immediately.
        object_store_memory: Size of the object store in bytes.
        preload: Modules that each worker imports when it starts, not when it gets its first trial
            (ray#33572).

    Raises:
        Exception: Ray did not start; after its timeout of 30 s, the exception is a plain one.
    """
    with _without_unused_services(), _without_sigterm_handler():
        try:
            ray.init(
                # Without "local", Ray may join a cluster of another program.
                address="local",
                num_cpus=num_cpus,
                object_store_memory=object_store_memory,
                include_dashboard=False,
                log_to_driver=False,
                job_config=_make_job_config(),
                _temp_dir=temp_folder,
                _system_config=_SYSTEM_CONFIG | {"preload_python_modules": list(preload)},
            )
        except BaseException:
            ray.shutdown()  # Ray may already have connected
            raise


def join_ray(address: str) -> None:
    """Join a cluster.

    Args:
        address: Address of the cluster.

    Raises:
        Exception: The cluster cannot be joined.
    """
    # A driver that joins through `ray://` adds no folders to the workers' import path.
    job_config = None if address.startswith("ray://") else _make_job_config()
    with _without_sigterm_handler():
        ray.init(address=address, log_to_driver=False, job_config=job_config)


def shut_down_ray(restore_handlers: Callable[[], None]) -> None:
    """Shut Ray down without a time in which SIGTERM kills this process.

    Ray's C++ code removes the process's handler when the driver disconnects. Ray then takes more
    than a second to end its processes.

    Args:
        restore_handlers: Function that installs the process's signal handlers again.
    """
    if (node := worker._global_node) is not None:
        end_processes = node.kill_all_processes

        def restore_and_end_processes(**options: Any) -> None:
            restore_handlers()
            end_processes(**options)

        node.kill_all_processes = restore_and_end_processes
    ray.shutdown()


class _FixedPath(list[str]):
    """Folders that Ray puts first on the workers' import path; it cannot add any."""

    def extend(self, folders: Iterable[str]) -> None:
        """Ignore the current folder and that of the script, which Ray adds."""


def _make_job_config() -> JobConfig:
    """Return a configuration with which workers do not import from the driver's current folder.

    A user's file `random.py` or `torch.py` there would replace the library.
    """
    job_config = JobConfig()
    vars(job_config).update(_py_driver_sys_path=_FixedPath())
    return job_config


@contextmanager
def _without_sigterm_handler() -> Iterator[None]:
    """Keep the process's handler for SIGTERM within the context; Ray's raises `SystemExit`."""
    set_handler = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda _: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = set_handler


@contextmanager
def _without_unused_services() -> Iterator[None]:
    """Start Ray without the services in `_UNUSED_SERVICES` within the context.

    `ray start` has options for this, but `ray.init` has none (ray#46732). Ray needs the dashboard's
    agent. The context selects the minimal agent of an installation without `ray[default]`. The full
    agent listens on a fixed port, and `ray.init` takes three seconds longer if that is in use.
    """
    check_dependencies = utils.get_dashboard_dependency_error
    starters = {name: getattr(Node, name) for name in _UNUSED_SERVICES}
    utils.get_dashboard_dependency_error = lambda: ImportError("the dashboard is not used")
    for name in starters:
        setattr(Node, name, lambda self, **_: None)
    try:
        yield
    finally:
        utils.get_dashboard_dependency_error = check_dependencies
        for name, starter in starters.items():
            setattr(Node, name, starter)


class OutOfMemoryActorError(RayActorError):
    """Error of a trial whose process was killed by Ray's memory monitor."""


def patch_oom_handling() -> None:
    """Make Tune handle a trial killed by Ray's memory monitor like one whose process died.

    Without the patch, Ray raises an exception that Tune's actor manager does not expect, and
    `Tuner.fit` fails with all its trials. Observed with Ray 2.60; no upstream issue was found.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager
    from ray.air.execution._internal.tracked_actor_task import TrackedActorTask

    original_handler = RayActorManager._actor_task_failed
    if getattr(original_handler, "handles_oom", False):
        return

    def handle_as_actor_death(
        self: RayActorManager, tracked_actor_task: TrackedActorTask, exception: Exception
    ) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = OutOfMemoryActorError(error_msg=str(exception))
        original_handler(self, tracked_actor_task, exception)

    handle_as_actor_death.handles_oom = True  # type: ignore[attr-defined]
    RayActorManager._actor_task_failed = handle_as_actor_death


def let_trials_use_started_workers() -> None:
    """Let Tune run its trials in the workers that Ray starts initially.

    Tune sets an environment variable for PyTorch Lightning (ray#28197). For a trial with its own
    environment variables, Ray starts a new worker and ends an initial one. This still happens if
    Tune passes on the keys of an object store.
    """
    from ray.tune.execution import class_cache

    class_cache.DEFAULT_ENV_VARS.clear()


def load_trial_error(trial: "Trial") -> Exception | None:
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
    return error if isinstance(error, Exception) else None


def find_pending_trial(controller: Any) -> "Trial | None":
    """Return the first pending trial whose process is not already starting; None if there is none.

    With `reuse_actors`, Tune's FIFO scheduler gives a free process to the first pending trial and
    stops the process that was starting for it (see ray#42951). If trials end faster than processes
    start, a new node is never used.

    Args:
        controller: Argument of `TrialScheduler.choose_trial_to_run`.
    """
    tune_controller = controller._tune_controller
    trials: list[Trial] = tune_controller.get_trials()
    for trial in trials:
        if trial.status == _PENDING:
            actor = tune_controller._trial_to_actor.get(trial)
            if actor is None or not tune_controller._actor_manager.is_actor_started(actor):
                return trial
    return None


def clear_trial_metrics(trial: "Trial") -> None:
    """Discard Tune's statistics of every reported number: 70 kB per trial (ray#64231).

    Args:
        trial: Trial of Ray Tune that has ended.
    """
    trial.run_metadata.metric_analysis.clear()
    trial.run_metadata.metric_n_steps.clear()
