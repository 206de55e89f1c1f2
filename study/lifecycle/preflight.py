"""Refuse a folder or an address that a study could not use, before data are read."""

import os
import secrets
import tempfile
from pathlib import Path

from bloodnets.errors import ConflictError, MachineError
from bloodnets.storage.backends import STUDY, Address, Place, storage_at
from study.runtime.lock import refuse_held


def check_place(place: Place, *, goes_on: bool) -> None:
    """Refuse a study's folder that cannot be made, or, of one that goes on, that is not there.

    Raises:
        ConflictError: it is there, or is not.
        MachineError: it is a link or a file, or lies in a folder that cannot be written.
    """
    there = check_remote(place) if isinstance(place, Address) else _check_local(place)
    if goes_on and not there:
        raise ConflictError(f"no study in {place}; leave --resume out to begin one")
    if not goes_on and there:
        raise ConflictError(
            f"{place} exists already; choose another --name, or go on with it: --resume"
        )


def check_remote(address: Address) -> bool:
    """Whether there is a study; that one could be written is tried, and not waited for.

    Raises:
        DataError: pyarrow knows no such kind of address.
        MachineError: it could not.
    """
    probe = f".{secrets.token_hex(8)}"
    try:
        remote = storage_at(address, patience_s=0)
        there = remote.exists(STUDY)
        remote.write(f"{probe}/empty", b"")
        remote.remove(probe)
    except OSError as error:
        raise MachineError(
            f"cannot use {error}; choose another --storage, or see to the network, the rights and "
            f"AWS_ENDPOINT_URL"
        ) from error
    return there


def _check_local(folder: Path) -> bool:
    """Whether there is such a folder; it can be written, or made."""
    if folder.is_symlink():
        raise MachineError(f"{folder} is a symbolic link; wanted: a folder, or no file yet")
    if os.path.lexists(folder) and not folder.is_dir():
        raise MachineError(f"{folder} is a file; wanted: a folder, or no file yet")
    refuse_held(folder)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except NotADirectoryError as error:
        raise MachineError(f"{parent} is a file; wanted: a folder") from error
    except OSError as error:
        raise MachineError(f"cannot write to {parent.absolute()}: {error.strerror}") from error
    return folder.exists()
