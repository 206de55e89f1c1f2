"""Check that a Ray cluster responds, and keep Ray's token private."""

import os
import secrets
import socket
import threading
from contextlib import suppress
from pathlib import Path

from ray.exceptions import AuthenticationError, RpcError

from bloodnets.errors import ResourceError
from study.runtime.ray_internals import connect_gcs

CONNECT_TIMEOUT_S = 3.0


def ensure_private_token() -> bool:
    """Make Ray's token file readable only by its owner; return whether others could read it before.

    Anyone who has the token can run programs on the cluster. Ray uses an existing file, but would
    itself create one that every user of this host can read.
    """
    token_path = Path.home() / ".ray" / "auth_token"
    with suppress(OSError):  # the home folder is not writable, or another user owns the file
        token_path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            with os.fdopen(
                os.open(token_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as token_file:
                token_file.write(secrets.token_hex(32))
        except FileExistsError:
            if token_path.stat().st_mode & 0o077:
                token_path.chmod(0o600)
                return True
    return False


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
    action = "start" if address is None else f"join the cluster at {address}"
    reason = " ".join(str(error).split())
    remedy = None if address is None else "check the address, the network and Ray's token"
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
