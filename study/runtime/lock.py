"""Lock a study, so that only one process runs it; the lock ends with its process.

A local folder is locked with the file locks of the operating system. Object storage has none, so
the process renews a lease, which expires if it is not renewed. Clocks of different hosts are never
compared: a process that finds a lease watches whether it changes.
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
N_LOCK_ATTEMPTS, LOCK_WAIT_S = 5, 0.05
"""Attempts to lock a folder, and seconds between them. `status` and `watch` test whether a study is
locked, and so hold a shared lock for an instant."""
RENEW_INTERVAL_S = 5.0
LEASE_TIMEOUT_S = 20.0
"""Four renewal intervals, so that slow storage or a busy process does not lose the lease."""


@contextmanager
def lock_study(location: StudyPath) -> Iterator[None]:
    """Hold the lock of a study within the context; if another process takes it over, exit.

    Args:
        location: Folder or address of the study.

    Raises:
        ConflictError: Another process is running the study.
        ResourceError: The location cannot be written.
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


@contextmanager
def keep_locked(location: StudyPath) -> Iterator[None]:
    """Hold the lock of a study within the context after `study.json` was replaced.

    The lock of a local study is on the file that was replaced, and a lease is on its name. If
    another process locks the new file first, this process ends and the other one runs the study.

    Args:
        location: Folder or address of the study, which this process has locked.

    Raises:
        ConflictError: Another process is running the study.
    """
    if isinstance(location, RemotePath):
        yield
        return
    with lock_study(location):
        yield


def is_locked(location: StudyPath) -> bool:
    """Return whether a process is running a study; False if there is no study."""
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
    """Raise if the study in a folder is locked; this fails early and takes no lock.

    Raises:
        ConflictError: Another process is running the study.
    """
    if is_locked(folder):
        raise _make_locked_error(folder)


def _make_locked_error(location: StudyPath) -> ConflictError:
    return ConflictError(
        f"another bloodstudy process is running {location}",
        path=str(location),
        remedy="wait until it has finished, or stop it",
    )


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    # Only `keep_locked` allows `study.json` to be replaced. It is opened for writing because NFS
    # requires that.
    with (folder / STUDY_FILE).open("r+b") as file:
        for n_left in reversed(range(N_LOCK_ATTEMPTS)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if n_left == 0:
                    raise
                time.sleep(LOCK_WAIT_S)
        yield


@contextmanager
def _acquire_lease(address: RemotePath) -> Iterator[None]:
    remote, owner, stop_event = RemoteStorage(address), secrets.token_hex(8), threading.Event()
    terminal = os.dup(2)  # stderr is redirected to a log while trials run
    if _is_lease_renewed(remote, _read_lease(remote)):
        raise BlockingIOError
    _write_lease(remote, owner)

    def renew_lease() -> None:
        while not stop_event.wait(RENEW_INTERVAL_S):
            try:
                if not _read_lease(remote).startswith(owner.encode()):
                    message = (
                        f"bloodstudy: another process took over {address}; this process exits\n"
                    )
                    os.write(terminal, message.encode())
                    kill_process_tree(ConflictError.exit_code)
                _write_lease(remote, owner)
            except OSError:
                continue  # other writes to the storage report the error

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
    """Write the lease of an owner, or an empty one if there is none."""
    remote.write(LEASE_FILE, f"{owner} {secrets.token_hex(8)}".encode() if owner else b"")


def _read_lease(remote: RemoteStorage) -> bytes:
    try:
        return remote.read(LEASE_FILE)
    except FileNotFoundError:
        return b""


def _is_lease_renewed(remote: RemoteStorage, lease: bytes) -> bool:
    """Return whether a process renews a lease, after watching it until it changes or expires."""
    deadline = time.monotonic() + LEASE_TIMEOUT_S
    while lease:
        if (current_lease := _read_lease(remote)) != lease:
            return bool(current_lease)
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return False
