"""Reject a folder or an address that a study cannot use, before data are read."""

import os
import secrets
import tempfile
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import open_storage
from study.runtime.lock import require_unlocked

_JOB_FOLDERS = "working_dir_files"
"""Name of the folder in which Ray unpacks the `--working-dir` of jobs, on each node."""


def check_location(location: StudyPath, *, resume: bool) -> None:
    """Raise if a new study cannot be created at a location, or if none exists there to resume.

    Args:
        location: Folder or address of the study.
        resume: Whether the study should exist.

    Raises:
        ConflictError: The study exists and `resume` is False, or it does not and `resume` is True.
        ResourceError: The location is a link or a file, cannot be written, or would be deleted with
            a Ray job.
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
            remedy="omit --resume to create it",
        )
    if not resume and exists:
        raise ConflictError(
            f"{location} already exists",
            path=str(location),
            remedy="choose another --name, or resume the study with --resume",
        )


def check_remote_location(address: RemotePath) -> bool:
    """Return whether a study exists at an address, after a test write that is not retried.

    Raises:
        DataError: pyarrow does not support this kind of address.
        ResourceError: The address cannot be read or written.
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
            remedy="choose another --storage, or check the network, the permissions and "
            "AWS_ENDPOINT_URL",
        ) from error
    return exists


def find_existing_parent(folder: Path) -> Path:
    """Return a folder if it exists, or else its closest parent that does."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _check_local_location(folder: Path) -> bool:
    """Return whether a folder exists; raise if it cannot be written or created."""
    if folder.is_symlink():
        raise ResourceError(
            f"{folder} is a symbolic link",
            path=folder,
            expected="a folder or a path that does not exist",
        )
    if os.path.lexists(folder) and not folder.is_dir():
        raise ResourceError(
            f"{folder} is a file", path=folder, expected="a folder or a path that does not exist"
        )
    if _JOB_FOLDERS in folder.absolute().parts:
        raise ResourceError(
            f"{folder} would be in the working directory of a Ray job, which Ray deletes",
            path=folder,
            remedy="pass --storage with an absolute path or an address, or omit --working-dir",
        )
    require_unlocked(folder)
    parent = find_existing_parent(folder)
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except NotADirectoryError as error:
        raise ResourceError(f"{parent} is a file", path=parent, expected="a folder") from error
    except OSError as error:
        raise ResourceError(
            f"cannot write to {parent.absolute()}: {error.strerror}",
            path=parent.absolute(),
            remedy="choose another --storage",
        ) from error
    return folder.exists()
