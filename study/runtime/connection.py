"""Whether a Ray cluster answers, and who may use it."""

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
    """See to it that Ray's token is its owner's alone; whether all could read it before.

    Whoever has it can run any program on the cluster. Ray takes the one that is there, and would
    make one that every user of the machine can read.
    """
    token_path = Path.home() / ".ray" / "auth_token"
    with suppress(OSError):  # a home folder that cannot be written, or another user's file
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
    """Fail soon where nothing listens or nothing answers: Ray itself would try for minutes.

    Raises:
        ResourceError: the cluster cannot be joined.
    """
    ensure_private_token()
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        return  # a name that Ray knows how to look up, as "auto"
    try:
        _connect(address, host, int(port))
    except (AuthenticationError, OSError, RuntimeError, RpcError, ValueError) as error:
        raise make_ray_error(address, error) from error


def make_ray_error(address: str | None, error: Exception) -> ResourceError:
    """Return the error of a Ray that cannot be used, with what Ray said on one line.

    Args:
        address: Address of the cluster; None for a Ray that was to start on this host.
        error: Exception that Ray raised.
    """
    action = "start" if address is None else f"join the cluster at {address}"
    reason = " ".join(str(error).split())
    return ResourceError(f"Ray could not {action}: {reason:.300}", path=address)


def _connect(address: str, host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    if address.startswith("ray://"):
        return  # Ray's client has a protocol of its own, and a time limit
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
        raise TimeoutError(f"it did not answer within {CONNECT_TIMEOUT_S:g} s")
    if (error := results[0]) is not None:
        raise error
