"""Exit when Ray's control service or the raylet of this host is lost."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import ray

from bloodnets.errors import ResourceError
from study.runtime.connection import CONNECT_TIMEOUT_S
from study.runtime.signals import kill_process_tree

CHECK_INTERVAL_S = 3.0

MAX_GCS_MISSES = 10
"""Failed checks in a row: half a minute, in which a cluster with a standby could recover."""


@contextmanager
def watch_ray(on_lost: Callable[[str], object]) -> Iterator[None]:
    """Exit if Ray's control service or the raylet of this host is lost within the context.

    Calls to a lost Ray would block forever, or Ray's C++ code would exit without a message.

    Args:
        on_lost: Function that is called before the exit, with the name of the lost part.
    """
    address = ray.get_runtime_context().gcs_address
    raylets = [child for child in psutil.Process().children() if child.name() == "raylet"]
    stop_event = threading.Event()

    def exit_when_lost() -> None:
        n_misses = 0
        while not stop_event.wait(CHECK_INTERVAL_S):
            n_misses = 0 if _is_listening(address) else n_misses + 1
            if n_misses == MAX_GCS_MISSES:
                on_lost("control service (GCS)")
                kill_process_tree(ResourceError.exit_code)
            if not all(map(_is_alive, raylets)):
                on_lost("process on this machine (raylet)")
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


def _is_listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
