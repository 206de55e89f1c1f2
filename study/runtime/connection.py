"""Check that a Ray cluster responds, and explain why Ray cannot be used."""

import socket
import threading

from ray.exceptions import AuthenticationError, RpcError

from bloodnets.errors import ResourceError
from study.runtime.ray_internals import connect_gcs
from study.runtime.token import ensure_private_token

CONNECT_TIMEOUT_S = 3.0

START_REMEDY = "check that memory, disk space and cores are free, then run the command again"


def check_reachable(address: str) -> None:
    """Raise if a cluster does not respond within seconds; Ray itself would retry for minutes.

    Args:
        address: Address of the cluster, e.g. `host:6379`. Names such as "auto" are not checked.

    Raises:
        ResourceError: The cluster cannot be joined.
    """
    ensure_private_token()
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return  # a name that Ray resolves, e.g. "auto"
    try:
        _connect(address, host, int(port))
    except (AuthenticationError, OSError, RuntimeError, RpcError, ValueError) as error:
        raise make_ray_error(address, error) from error


def make_ray_error(address: str | None, error: Exception) -> ResourceError:
    """Return an error that Ray cannot be used, with Ray's message on one line.

    Args:
        address: Address of the cluster; None if Ray should have started on this host.
        error: Exception that Ray raised.
    """
    if address is None:
        action, remedy = "start", START_REMEDY
    else:
        action = f"join the cluster at {address}"
        remedy = "check the address, the network and Ray's token"
    reason = " ".join(str(error).split())
    return ResourceError(f"Ray could not {action}: {reason:.300}", path=address, remedy=remedy)


def _connect(address: str, host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    results: list[Exception | None] = []

    def request_answer() -> None:
        try:
            connect_gcs(address)
            results.append(None)
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=request_answer, daemon=True)
    thread.start()
    thread.join(CONNECT_TIMEOUT_S)
    if not results:
        raise TimeoutError(f"it did not respond within {CONNECT_TIMEOUT_S:g} s")
    if (error := results[0]) is not None:
        raise error


def is_listening(address: str) -> bool:
    """Return whether a server accepts connections within seconds.

    Args:
        address: Host and port, e.g. `10.0.0.1:6379`.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
