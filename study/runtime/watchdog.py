"""End the process when Ray's control service or this node's raylet is gone."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import ray

from bloodnets.errors import MachineError
from study.runtime.connection import CONNECT_TIMEOUT_S
from study.runtime.signals import end_at_once

CHECK_S = 3.0


GCS_MISSES = 10
"""In a row: half a minute, in which a cluster with a standby could recover."""


@contextmanager
def watched(say: Callable[[str], object]) -> Iterator[None]:
    """End this process when Ray's control service, or this machine's part of Ray, is gone.

    What waits for them waits for ever, or is ended by Ray from C++, without a word to the user.

    Args:
        say: is called before the end, with what is gone.
    """
    address = ray.get_runtime_context().gcs_address
    raylets = [child for child in psutil.Process().children() if child.name() == "raylet"]
    over = threading.Event()

    def watch() -> None:
        missed = 0
        while not over.wait(CHECK_S):
            missed = 0 if _listens(address) else missed + 1
            if missed == GCS_MISSES:
                say("control service (GCS)")
                end_at_once(MachineError.exit_code)
            if not all(map(_lives, raylets)):
                say("process for this machine (raylet)")
                end_at_once(MachineError.exit_code)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
