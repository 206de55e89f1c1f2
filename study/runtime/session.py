"""Start Ray on this host or join a cluster, and keep its output out of the terminal."""

import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TextIO

import ray
from ray.exceptions import RayError

from bloodnets.errors import ResourceError
from bloodnets.storage.temp_folder import open_temp_folder
from study.configs.study_config import StudyConfig
from study.runtime.connection import START_REMEDY, make_ray_error
from study.runtime.cores import count_available_cores
from study.runtime.environment import prepare_ray_environment
from study.runtime.ray_internals import join_ray, shut_down_ray, start_ray
from study.runtime.resources import (
    check_cluster_resources,
    check_local_resources,
    count_usable_cores,
    find_largest_node,
)
from study.runtime.signals import defer_interrupts, list_signals, start_processes
from study.runtime.token import ensure_private_token

OBJECT_STORE_BYTES = 2**29
"""Minimum size of the object store in bytes: it holds the data once per node, 40 MB for BloodMNIST,
and little else."""

_OTHER_OBJECT_BYTES = 2**28
"""Size that the object store has in addition to that of the data, in bytes."""

MAX_TEMP_PATH_BYTES = 20
"""Maximum length in bytes: of a socket path's 104, our folder takes 20 and Ray's names 64."""

N_START_ATTEMPTS = 2
"""Number of attempts to start Ray on this host; Ray waits 30 s for its own processes, which is too
short on a busy computer."""

TASK_TIMEOUT_S = 60.0

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
def open_ray_session(
    config: StudyConfig, *, n_trials: int | None = None, data_bytes: int = 0
) -> Iterator[None]:
    """Start Ray or join a cluster within the context.

    Args:
        config: Settings of the study, for its resources and address.
        n_trials: Maximum number of trials that may run at the same time; None if none will run.
        data_bytes: Size of the images in bytes; a cluster must have room for them.

    Raises:
        ResourceError: Ray did not start, the cluster does not respond, or no node has the
            resources of a trial.
    """
    prepare_ray_environment(config.address)
    handlers = {number: signal.getsignal(number) for number in list_signals()}
    with ExitStack() as stack:
        with defer_interrupts() if config.address is None else nullcontext():
            if config.address is None:
                check_local_resources(config)
                stack.enter_context(_start_local_ray(config, n_trials, data_bytes))
            else:
                _join_cluster(config.address)
            stack.callback(_shut_down_ray)
        _set_signal_handlers(handlers)  # Ray has installed its own
        check_cluster_resources(config)
        yield


def _shut_down_ray() -> None:
    """Shut Ray down; a signal takes effect afterwards."""
    with defer_interrupts():
        deferring = {number: signal.getsignal(number) for number in list_signals()}
        shut_down_ray(lambda: _set_signal_handlers(deferring))


def _set_signal_handlers(handlers: Mapping[signal.Signals, _SignalHandler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _join_cluster(address: str) -> None:
    try:
        join_ray(address)
    except Exception as error:  # Ray also raises plain ones
        ray.shutdown()
        raise make_ray_error(address, error) from error


@contextmanager
def _start_local_ray(config: StudyConfig, n_trials: int | None, data_bytes: int) -> Iterator[None]:
    """Start Ray on this host, so that no other user can read its files or use it.

    The context ends with the removal of Ray's files; Ray must have been shut down.
    """
    ensure_private_token()
    n_cores = count_available_cores()
    if n_trials is not None:
        n_cores = min(n_cores, count_usable_cores(config, n_trials))
    # Ray starts a worker per core immediately. With several cores per trial, most stay idle.
    is_worker_per_trial = n_trials is not None and config.cpus_per_trial == 1
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > MAX_TEMP_PATH_BYTES:
        parent = Path("/tmp")  # noqa: S108 - only this user can access the folder in it
    with ExitStack() as stack:
        for n_attempts_left in reversed(range(N_START_ATTEMPTS)):
            try:
                folder = stack.enter_context(open_temp_folder(parent))
                with start_processes():
                    start_ray(
                        str(folder),
                        num_cpus=n_cores,
                        object_store_memory=max(
                            OBJECT_STORE_BYTES, data_bytes + _OTHER_OBJECT_BYTES
                        ),
                        preload=PRELOADED_MODULES if is_worker_per_trial else (),
                    )
                break
            except Exception as error:  # Ray raises a plain one after its timeout
                stack.close()
                if not n_attempts_left:
                    raise make_ray_error(None, error) from error
        yield


def has_gpu(address: str) -> bool:
    """Return whether any node of a cluster has a GPU.

    Raises:
        ResourceError: The cluster cannot be joined.
    """
    with join_briefly(address):
        return find_largest_node()["GPU"] > 0


@contextmanager
def join_briefly(address: str) -> Iterator[None]:
    """Join a cluster within the context, without output.

    Raises:
        ResourceError: The cluster cannot be joined.
    """
    with redirect_output(Path(os.devnull)):
        try:
            _join_cluster(address)
            yield
        finally:
            ray.shutdown()


def run_test_task() -> str:
    """Run a task on the connected cluster and return the host name of its node.

    Raises:
        ResourceError: No worker process responded within a minute.
    """
    try:
        return str(ray.get(ray.remote(platform.node).remote(), timeout=TASK_TIMEOUT_S))
    except RayError as error:
        raise ResourceError(
            f"Ray has started, but none of its processes ran a task ({type(error).__name__})",
            remedy=START_REMEDY,
        ) from error
