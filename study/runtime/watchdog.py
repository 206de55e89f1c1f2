"""Exit when a part of Ray is lost, or when no trial has been heard from for long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import ray

from bloodnets.errors import ResourceError
from study.runtime.connection import is_listening
from study.runtime.signals import kill_process_tree

CHECK_INTERVAL_S = 3.0

MAX_GCS_MISSES = 10
"""Failed checks in a row: half a minute, in which a cluster with a standby could recover."""

MAX_SILENCE_S = 3600.0
"""Seconds without a start, an epoch or an end of any trial after which a study exits."""

MAX_SILENCE_EPOCHS = 5.0
"""The same limit, as a multiple of the longest epoch so far; the longer one applies."""


@dataclass(slots=True)
class Heartbeat:
    """Time at which a trial was last heard from, for a watchdog in another thread.

    Attributes:
        last_time: Time of the last event, in seconds of `time.monotonic`.
        longest_epoch_s: Duration of the longest epoch so far, in seconds.
    """

    last_time: float = field(default_factory=time.monotonic)
    longest_epoch_s: float = 0.0

    @property
    def limit_s(self) -> float:
        """Longest silence in seconds that is not a fault."""
        return max(MAX_SILENCE_S, MAX_SILENCE_EPOCHS * self.longest_epoch_s)

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for longer than the limit."""
        return time.monotonic() - self.last_time > self.limit_s


@contextmanager
def watch_ray(heartbeat: Heartbeat, on_lost: Callable[[str], object]) -> Iterator[None]:
    """Exit within the context if a part of Ray is lost, or if no trial is heard from for long.

    Calls to a lost Ray would block forever, or Ray's C++ code would exit without a message. Tune
    also waits forever for a trial that it has lost, or for a worker that does not respond.

    Args:
        heartbeat: Heartbeat of the trials.
        on_lost: Function that is called before the exit, with the reason.
    """
    address = ray.get_runtime_context().gcs_address
    raylets = [child for child in psutil.Process().children() if child.name() == "raylet"]
    stop_event = threading.Event()

    def exit_when_lost() -> None:
        n_misses = 0
        while not stop_event.wait(CHECK_INTERVAL_S):
            n_misses = 0 if is_listening(address) else n_misses + 1
            if n_misses == MAX_GCS_MISSES:
                on_lost("Ray's control service (GCS) is no longer available")
                kill_process_tree(ResourceError.exit_code)
            if not all(map(_is_alive, raylets)):
                on_lost("Ray's process on this machine (raylet) is no longer available")
                kill_process_tree(ResourceError.exit_code)
            if heartbeat.is_silent:
                on_lost(f"no trial was heard from for {heartbeat.limit_s / 60:.0f} minutes")
                kill_process_tree(ResourceError.exit_code)

    thread = threading.Thread(target=exit_when_lost, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop_event.set()
        thread.join()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
