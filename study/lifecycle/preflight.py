"""Refuse a folder or an address that a study could not use, before data are read."""

import os
import secrets
import tempfile
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import open_storage
from study.runtime.lock import require_unlocked


def check_location(location: StudyPath, *, resume: bool) -> None:
    """Refuse a study's folder that cannot be made, or, of one that goes on, that is not there.

    Raises:
        ConflictError: it is there, or is not.
        ResourceError: it is a link or a file, or lies in a folder that cannot be written.
    """
    exists = (
        check_remote_location(location)
        if isinstance(location, RemotePath)
        else _check_local_location(location)
    )
    if resume and not exists:
        raise ConflictError(
            f"no study in {location}",
            path=str(location),
            remedy="leave --resume out to begin one",
        )
    if not resume and exists:
        raise ConflictError(
            f"{location} exists already",
            path=str(location),
            remedy="choose another --name, or go on with it: --resume",
        )


def check_remote_location(address: RemotePath) -> bool:
    """Whether there is a study; that one could be written is tried, and not waited for.

    Raises:
        DataError: pyarrow knows no such kind of address.
        ResourceError: it could not.
    """
    probe_folder = f".{secrets.token_hex(8)}"
    try:
        remote = open_storage(address, retry_timeout_s=0)
        exists = remote.exists(STUDY_FILE)
        remote.write(f"{probe_folder}/empty", b"")
        remote.remove(probe_folder)
    except OSError as error:
        raise ResourceError(
            f"cannot use {error}",
            path=str(address),
            remedy="choose another --storage, or see to the network, the rights and "
            "AWS_ENDPOINT_URL",
        ) from error
    return exists


def find_existing_parent(folder: Path) -> Path:
    """Return the folder itself if it exists, or the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _check_local_location(folder: Path) -> bool:
    """Whether there is such a folder; it can be written, or made."""
    if folder.is_symlink():
        raise ResourceError(
            f"{folder} is a symbolic link", path=folder, expected="a folder, or no file yet"
        )
    if os.path.lexists(folder) and not folder.is_dir():
        raise ResourceError(f"{folder} is a file", path=folder, expected="a folder, or no file yet")
    require_unlocked(folder)
    parent = find_existing_parent(folder)
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except NotADirectoryError as error:
        raise ResourceError(f"{parent} is a file", path=parent, expected="a folder") from error
    except OSError as error:
        raise ResourceError(
            f"cannot write to {parent.absolute()}: {error.strerror}", path=parent.absolute()
        ) from error
    return folder.exists()
