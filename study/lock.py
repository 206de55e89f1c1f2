"""One process at a time works on a study; the system lets the next one in when it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloodnets.errors import ConflictError, MachineError


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes away from a study.

    Args:
        folder: of the study; its `study.json`, which is never replaced, bears the lock.

    Raises:
        ConflictError: another process is at work on it.
        MachineError: the folder cannot be written.
    """
    try:
        with (folder / "study.json").open("r+b") as file:  # NFS locks only what can be written
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise _at_work(folder) from error
    except PermissionError as error:
        raise MachineError(f"cannot write to {folder}: {error.strerror}") from error


def is_held(folder: Path) -> bool:
    """Whether a process is at work on a study; False where there is none."""
    try:
        with (folder / "study.json").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def refuse_held(folder: Path) -> None:
    """As `held`, without holding it: to say so soon.

    Raises:
        ConflictError: another process is at work on it.
    """
    if is_held(folder):
        raise _at_work(folder)


def _at_work(folder: Path) -> ConflictError:
    return ConflictError(f"another bloodstudy is at work on {folder}; wait for it, or end it")
