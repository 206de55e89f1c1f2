"""Write a folder of runs, and replace only one that this command wrote for the same study."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.local import replace_folder, sync_folder, write_atomic
from reports.ledger.records import StudyRecord

MARKER_FILE = "bloodstudy-runs.json"
"""File that names the study and the files of a folder of runs."""


def require_runs_folder(folder: Path, study: StudyRecord, tracker: str) -> None:
    """Check that a folder does not exist, or holds only runs of the study for the tracker.

    Args:
        folder: Folder to write.
        study: Settings and plan of the study.
        tracker: Name of the tracker.

    Raises:
        ConflictError: The folder holds anything else, or it is a file.
        ResourceError: The folder cannot be read.
    """
    if not os.path.lexists(folder):
        return
    try:
        names = {path.name for path in folder.iterdir()} - {MARKER_FILE}
        marker = json.loads((folder / MARKER_FILE).read_bytes())
        foreign_names = names - {*marker.pop("names")}
        if marker == _make_marker(study, tracker) and not foreign_names:
            return
    except NotADirectoryError as error:
        raise _make_conflict(folder, "is a file") from error
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _make_conflict(folder, "exists and holds no runs of bloodstudy") from error
    except OSError as error:
        raise ResourceError(f"cannot read {folder}: {error.strerror}", path=folder) from error
    if foreign_names:
        raise _make_conflict(folder, f"holds another file, {min(foreign_names)}")
    raise _make_conflict(folder, f"holds runs of {marker.get('study')} for {marker.get('tracker')}")


@contextmanager
def new_runs_folder(folder: Path, study: StudyRecord, tracker: str) -> Iterator[Path]:
    """Provide a temporary folder within the context, which then replaces `folder`.

    If the context raises, `folder` is unchanged.

    Args:
        folder: Folder to write; missing parent folders are created.
        study: Settings and plan of the study.
        tracker: Name of the tracker.

    Raises:
        ConflictError: The folder holds anything else than runs of the study for the tracker.
        ResourceError: The folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # A new path each time, because MLflow keeps the connection to a database by its path.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as parent:
            new_folder = Path(parent, folder.name)
            new_folder.mkdir()
            yield new_folder
            names = sorted(path.name for path in new_folder.iterdir())
            marker = {**_make_marker(study, tracker), "names": names}
            write_atomic(new_folder / MARKER_FILE, json.dumps(marker, indent=2).encode())
            require_runs_folder(folder, study, tracker)
            replace_folder(folder, new_folder)
        sync_folder(folder.parent)
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"cannot write {folder}: {reason}", path=folder) from error


def _make_marker(study: StudyRecord, tracker: str) -> dict[str, str]:
    return {
        "tracker": tracker,
        "study": study.name,
        "created_at": study.created_at,
        "fingerprint": study.fingerprint,
    }


def _make_conflict(folder: Path, problem: str) -> ConflictError:
    return ConflictError(
        f"{folder} {problem}", path=folder, remedy="choose another --output, or remove it"
    )
