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

from bloodnets.errors import ConflictError, MachineError
from bloodnets.storage.backends import STUDY, Address, Place, Remote
from study.runtime.signals import end_at_once

LEASE = ".lease"
RENEW_S = 5.0
WATCH_S = 20.0
"""A few renewals, so that a slow store or a busy process does not lose a study to another."""


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Keep other processes away from a study; if one takes it over all the same, end.

    Args:
        place: of the study.

    Raises:
        ConflictError: another process is at work on it.
        MachineError: its folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(place) if isinstance(place, Path) else _leased(place))
        except BlockingIOError as error:
            raise _at_work(place) from error
        except OSError as error:
            raise MachineError(f"cannot write to {place}: {error.strerror or error}") from error
        yield


def is_held(place: Place) -> bool:
    """Whether a process is at work on a study; False where there is none."""
    if isinstance(place, Address):
        remote = Remote(place)
        return _changes(remote, _found(remote))
    try:
        with (place / STUDY).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def refuse_held(folder: Path) -> None:
    """As `held` of a folder, without holding it: to say so soon.

    Raises:
        ConflictError: another process is at work on it.
    """
    if is_held(folder):
        raise _at_work(folder)


def _at_work(place: Place) -> ConflictError:
    return ConflictError(f"another bloodstudy is at work on {place}; wait for it, or end it")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # `study.json` is never replaced. NFS locks only what can be written.
    with (folder / STUDY).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@contextmanager
def _leased(address: Address) -> Iterator[None]:
    remote, own, over = Remote(address), secrets.token_hex(8), threading.Event()
    terminal = os.dup(2)  # while trials run, 2 is a log
    if _changes(remote, _found(remote)):
        raise BlockingIOError
    _renew(remote, own)

    def hold() -> None:
        while not over.wait(RENEW_S):
            try:
                if not _found(remote).startswith(own.encode()):
                    words = (
                        f"bloodstudy: another bloodstudy went on with {address}; this one ends\n"
                    )
                    os.write(terminal, words.encode())
                    end_at_once(ConflictError.exit_code)
                _renew(remote, own)
            except OSError:
                continue  # what else is written to the store says so, or waits as this does

    holding = threading.Thread(target=hold, daemon=True)
    holding.start()
    try:
        yield
    finally:
        over.set()
        holding.join()
        os.close(terminal)
        with suppress(OSError):
            _renew(remote, None)


def _renew(remote: Remote, own: str | None) -> None:
    """Write a lease; an empty one is nobody's."""
    remote.write(LEASE, f"{own} {secrets.token_hex(8)}".encode() if own else b"")


def _found(remote: Remote) -> bytes:
    try:
        return remote.read(LEASE)
    except FileNotFoundError:
        return b""


def _changes(remote: Remote, lease: bytes) -> bool:
    """Whether somebody renews a lease; watches for it as long as there is one."""
    deadline = time.monotonic() + WATCH_S
    while lease:
        if (now := _found(remote)) != lease:
            return bool(now)
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return False
