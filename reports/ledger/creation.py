"""Create the files of a new study."""

import errno
import os
import tempfile
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.storage.local import sync_folder, write_atomic
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import RemoteStorage
from reports.ledger.event_log import EVENTS_FILE, begin_log
from reports.ledger.ledger import TRIAL_FILE_SUFFIXES, Ledger
from reports.ledger.records import StudyRecord
from reports.ledger.serialization import to_json


class StudyExistsError(ConflictError):
    """Location of a new study that is already in use."""


def create_study(location: StudyPath, study: StudyRecord) -> Ledger:
    """Create the folder of a new study, together with its `study.json`.

    Args:
        location: Folder or address of the study.
        study: Settings and plan of the study.

    Returns:
        Ledger of the new study.

    Raises:
        StudyExistsError: The folder exists.
        ResourceError: The folder cannot be written.
    """
    try:
        if isinstance(location, RemotePath):
            _create_remote(location, study)
        else:
            _create_local(location, study)
    except FileExistsError as error:
        raise ResourceError(f"{error.filename} is not a folder", path=error.filename) from error
    except OSError as error:
        raise ResourceError(
            f"cannot write the study to {location}: {error}",
            path=str(location),
            remedy="choose another --storage",
        ) from error
    return Ledger(location)


def _create_local(folder: Path, study: StudyRecord) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temp_folder:
        for name in ("trials", *TRIAL_FILE_SUFFIXES, CHECKPOINT_DIR):
            Path(temp_folder, name).mkdir()
        for name, content in _make_first_files(study).items():
            write_atomic(Path(temp_folder, name), content)
        if os.path.lexists(folder):  # `os.rename` would replace an empty folder
            raise _make_exists_error(folder)
        try:
            os.rename(temp_folder, folder)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # created since the check
                raise _make_exists_error(folder) from error
            raise
    sync_folder(folder.parent)


def _create_remote(address: RemotePath, study: StudyRecord) -> None:
    remote = RemoteStorage(address)
    if remote.list_files(""):
        raise _make_exists_error(address)
    for name, content in _make_first_files(study).items():
        remote.write(name, content)


def _make_first_files(study: StudyRecord) -> dict[str, bytes]:
    """Return the contents of the files of a new study, in the order in which they are written."""
    return {
        STUDY_FILE: to_json(study, indent=2),
        EVENTS_FILE: begin_log(study.fingerprint).lines,
    }


def _make_exists_error(location: StudyPath) -> StudyExistsError:
    return StudyExistsError(
        f"{location} already exists", path=str(location), remedy="choose another --name"
    )
