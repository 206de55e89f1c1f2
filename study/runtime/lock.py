"""One process at a time works on a study; when it ends, however it ends, the next one may.

In a folder, the system's file locks see to that. At an address there are none: there the process
that works on a study renews a lease, and one that is not renewed for a while is over. Nobody's
clock is asked: whoever finds a lease watches whether it changes.
"""

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import RemoteStorage
from study.runtime.signals import kill_process_tree

LEASE_FILE = ".lease"
RENEW_INTERVAL_S = 5.0
LEASE_TIMEOUT_S = 20.0
"""A few renewals, so that a slow store or a busy process does not lose a study to another."""


@contextmanager
def lock_study(location: StudyPath) -> Iterator[None]:
    """Keep other processes away from a study; if one takes it over all the same, end.

    Args:
        location: of the study.

    Raises:
        ConflictError: another process is at work on it.
        ResourceError: its folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(
                _lock_folder(location) if isinstance(location, Path) else _acquire_lease(location)
            )
        except BlockingIOError as error:
            raise _make_locked_error(location) from error
        except OSError as error:
            raise ResourceError(
                f"cannot write to {location}: {error.strerror or error}", path=str(location)
            ) from error
        yield


def is_locked(location: StudyPath) -> bool:
    """Whether a process is at work on a study; False where there is none."""
    if isinstance(location, RemotePath):
        remote = RemoteStorage(location)
        return _is_lease_renewed(remote, _read_lease(remote))
    try:
        with (location / STUDY_FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def require_unlocked(folder: Path) -> None:
    """As `lock_study` of a folder, without holding it: to say so soon.

    Raises:
        ConflictError: another process is at work on it.
    """
    if is_locked(folder):
        raise _make_locked_error(folder)


def _make_locked_error(location: StudyPath) -> ConflictError:
    return ConflictError(
        f"another bloodstudy is at work on {location}",
        path=str(location),
        remedy="wait for it, or end it",
    )


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    # `study.json` is never replaced. NFS locks only what can be written.
    with (folder / STUDY_FILE).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def _acquire_lease(address: RemotePath) -> Iterator[None]:
    remote, owner, stop_event = RemoteStorage(address), secrets.token_hex(8), threading.Event()
    terminal = os.dup(2)  # while trials run, 2 is a log
    if _is_lease_renewed(remote, _read_lease(remote)):
        raise BlockingIOError
    _write_lease(remote, owner)

    def renew_lease() -> None:
        while not stop_event.wait(RENEW_INTERVAL_S):
            try:
                if not _read_lease(remote).startswith(owner.encode()):
                    message = (
                        f"bloodstudy: another bloodstudy went on with {address}; this one ends\n"
                    )
                    os.write(terminal, message.encode())
                    kill_process_tree(ConflictError.exit_code)
                _write_lease(remote, owner)
            except OSError:
                continue  # what else is written to the store says so, or waits as this does

    thread = threading.Thread(target=renew_lease, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop_event.set()
        thread.join()
        os.close(terminal)
        with suppress(OSError):
            _write_lease(remote, None)


def _write_lease(remote: RemoteStorage, owner: str | None) -> None:
    """Write a lease; an empty one is nobody's."""
    remote.write(LEASE_FILE, f"{owner} {secrets.token_hex(8)}".encode() if owner else b"")


def _read_lease(remote: RemoteStorage) -> bytes:
    try:
        return remote.read(LEASE_FILE)
    except FileNotFoundError:
        return b""


def _is_lease_renewed(remote: RemoteStorage, lease: bytes) -> bool:
    """Whether somebody renews a lease; watches for it as long as there is one."""
    deadline = time.monotonic() + LEASE_TIMEOUT_S
    while lease:
        if (current_lease := _read_lease(remote)) != lease:
            return bool(current_lease)
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return False
