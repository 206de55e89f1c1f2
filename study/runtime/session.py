"""Start Ray on this host or join a cluster, and keep its output out of the terminal."""

import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil
import ray

from bloodnets.storage.location import TEMP_PREFIX
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL
from study.configs.study_config import StudyConfig
from study.runtime.connection import ensure_private_token, make_ray_error
from study.runtime.cores import count_available_cores
from study.runtime.environment import prepare_ray_environment
from study.runtime.gpus import find_gpus
from study.runtime.ray_internals import (
    let_trials_use_started_workers,
    patch_oom_handling,
    start_ray,
)
from study.runtime.resources import (
    check_cluster_resources,
    check_local_resources,
    count_usable_cores,
    find_largest_node,
)
from study.runtime.signals import SIGNALS, defer_interrupts

OBJECT_STORE_BYTES = 2**29
"""Size of the object store in bytes: it holds the data (40 MB) once per node, and little else."""


MAX_TEMP_PATH_BYTES = 12
"""Maximum length in bytes: of a socket path's 107, our folder takes 28 and Ray's names 64."""


RAY_LOG = "ray.log"

PRELOADED_MODULES = ("torch", "ray.tune")
"""Modules that workers import while the driver prepares the trials.

Our own modules are not among them: a worker learns only with its first trial from which folder the
driver imports them."""

_SignalHandler = Callable[[int, FrameType | None], object] | int | None


@contextmanager
def redirect_output(log_path: Path) -> Iterator[TextIO]:
    """Redirect the output of this process and its children to a file; yield the original stderr.

    File descriptors are redirected, because Ray's C++ code also prints.

    Args:
        log_path: Path of the file, which is appended to.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    stdout, stderr = os.dup(1), os.dup(2)
    try:
        with (
            log_path.open("ab") as file,
            os.fdopen(
                os.dup(stderr),
                "w",
                buffering=1,
                encoding=sys.stderr.encoding,
                errors=sys.stderr.errors,
            ) as terminal,
        ):
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for saved_fd, fd in ((stdout, 1), (stderr, 2)):
            os.dup2(saved_fd, fd)
            os.close(saved_fd)


@contextmanager
def open_ray_session(config: StudyConfig, *, n_trials: int | None = None) -> Iterator[None]:
    """Start Ray or join a cluster within the context.

    Args:
        config: Settings of the study, for its resources and address.
        n_trials: Maximum number of trials that may run at the same time; None if none will run.

    Raises:
        ResourceError: Ray did not start, the cluster does not respond, or no node has the
            resources of a trial.
    """
    prepare_ray_environment(config.address)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    with ExitStack() as stack:
        with defer_interrupts() if config.address is None else nullcontext():
            if config.address is None:
                check_local_resources(config)
            try:
                if config.address is None:
                    _start_local_ray(stack, config, n_trials)
                else:
                    ray.init(address=config.address, log_to_driver=False)
            # Ray calls hooks that a cluster's environment names, and raises plain Exceptions.
            except Exception as error:
                raise make_ray_error(config.address, error) from error
            # Ray installs its own handlers, and removes that for SIGTERM when it shuts down.
            stack.callback(_set_signal_handlers, handlers)
            stack.callback(ray.shutdown)
        _set_signal_handlers(handlers)
        with defer_interrupts():  # an interrupt would leave modules of Ray half imported
            patch_oom_handling()
            let_trials_use_started_workers()
        check_cluster_resources(config)
        yield


def _set_signal_handlers(handlers: Mapping[signal.Signals, _SignalHandler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _start_local_ray(stack: ExitStack, config: StudyConfig, n_trials: int | None) -> None:
    """Start Ray on this host, so that no other user can read its files or use it."""
    ensure_private_token()
    n_cores = count_available_cores()
    if n_trials is not None:
        n_cores = min(n_cores, count_usable_cores(config, n_trials))
    # Ray starts a worker per core immediately. With several cores per trial, most stay idle.
    is_worker_per_trial = n_trials is not None and config.cpus_per_trial == 1
    folder = _make_private_folder(stack)
    # Workers first import from the folder in which Ray starts: a `study.py` there would end them.
    with chdir(folder):
        start_ray(
            folder,
            num_cpus=n_cores,
            object_store_memory=OBJECT_STORE_BYTES,
            preload=PRELOADED_MODULES if is_worker_per_trial else (),
        )


def _make_private_folder(stack: ExitStack) -> str:
    """Return a new private folder for Ray's files, which other users could otherwise access.

    Folders that killed processes of this user left behind are removed.
    """
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) > MAX_TEMP_PATH_BYTES:
        parent = Path("/tmp")  # noqa: S108 - only this user can access the folder in it
    for old_folder in parent.glob(f"{TEMP_PREFIX}*-*"):
        owner_pid = old_folder.name.removeprefix(TEMP_PREFIX).partition("-")[0]
        if (
            owner_pid.isdigit()
            and not psutil.pid_exists(int(owner_pid))
            and old_folder.stat().st_uid == os.getuid()
        ):
            shutil.rmtree(old_folder, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{TEMP_PREFIX}{os.getpid()}-", dir=parent)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def get_default_gpus(address: str | None) -> float:
    """Return the default number of GPUs per trial: a fraction of one, or 0 if there is no GPU.

    Args:
        address: Address of the Ray cluster; None for this host.

    Raises:
        ResourceError: The cluster cannot be joined.
    """
    if address is None:
        return DEFAULT_GPUS_PER_TRIAL if find_gpus() else 0.0
    with redirect_output(Path(os.devnull)):
        try:
            ray.init(address=address, log_to_driver=False)
            return DEFAULT_GPUS_PER_TRIAL if find_largest_node()["GPU"] else 0.0
        except Exception as error:  # as in `open_ray_session`
            raise make_ray_error(address, error) from error
        finally:
            ray.shutdown()


def run_test_task() -> str:
    """Run a task on the connected cluster and return the host name of its node.

    Raises:
        TimeoutError: No worker process responded within a minute.
    """
    return str(ray.get(ray.remote(platform.node).remote(), timeout=60))
