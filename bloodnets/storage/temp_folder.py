"""Private temporary folders, each owned by a file lock that the kernel releases with its process.

Process ids are no sign of life: they mean nothing to other containers that share `/tmp`, or to
other nodes that share a `TMPDIR`.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMP_PREFIX = "bloodstudy-"
"""Prefix of the names of temporary folders; eight random characters follow."""

OWNER_FILE = ".owner"
"""File in a temporary folder that its owner keeps locked."""

_owner_by_folder: dict[Path, int] = {}
"""Id of the process that created each folder; a forked process inherits this table."""


@contextmanager
def open_temp_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new folder that only this user can access; it is removed at the end of the context.

    Folders in the same place that killed processes of this user left behind are removed first.

    Args:
        parent: Folder to create it in; None for that of the operating system.

    Raises:
        OSError: The folder cannot be created.
    """
    parent = parent or Path(tempfile.gettempdir())
    for other_folder in parent.glob(f"{TEMP_PREFIX}*"):
        if _is_abandoned(other_folder):
            shutil.rmtree(other_folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=TEMP_PREFIX, dir=parent))
    _owner_by_folder[folder] = os.getpid()
    try:
        with _own_folder(folder):
            yield folder
    finally:
        # The lock is no longer held: NFS cannot remove the folder of a file that is open.
        shutil.rmtree(folder, ignore_errors=True)
        del _owner_by_folder[folder]


def remove_temp_folders() -> None:
    """Remove the temporary folders of this process, which exits without leaving their contexts."""
    for folder, owner in list(_owner_by_folder.items()):
        if owner == os.getpid():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """Keep a folder's owner file locked; child processes do not inherit the lock when they exec.

    The file gets its name only when it is locked, so a folder never looks abandoned too early. If
    the file system has no locks, the file does not get its name, and nobody removes the folder.
    """
    new_path = folder / f"{OWNER_FILE}.new"
    with new_path.open("wb") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new_path.rename(folder / OWNER_FILE)
        yield


def _is_abandoned(folder: Path) -> bool:
    """Return whether this user's process that owned a folder has ended; False if unknown."""
    try:
        if folder.lstat().st_uid != os.getuid():
            return False
        with (folder / OWNER_FILE).open("r+b") as file:  # NFS locks only files opened for writing
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # the owner is alive, or there is no owner file, or there are no locks
        return False
    return True
