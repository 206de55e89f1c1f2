"""Create a study, or reopen one whose data, settings and software are those requested."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from bloodnets.errors import ConflictError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from bloodnets.storage.location import StudyPath
from reports.format.text import list_software_differences
from reports.ledger.creation import StudyExistsError, create_study
from reports.ledger.ledger import Ledger
from reports.ledger.records import SoftwareChange, StudyRecord, compute_fingerprint
from study.lifecycle.status import is_unfinished
from study.lifecycle.study_differences import list_differences
from study.runtime.lock import lock_study


@contextmanager
def open_study(
    location: StudyPath,
    requested: StudyRecord,
    *,
    resume: bool,
    allow_code_change: bool = False,
    has_default_name: bool = False,
) -> Iterator[Ledger]:
    """Create a study or reopen one, and lock it.

    Args:
        location: Folder or address of the study.
        requested: Record of the study to create, or that the existing one must match.
        resume: Whether to resume an existing study.
        allow_code_change: Whether a study may be resumed with software that differs from the
            software it was created with. The change is recorded.
        has_default_name: Whether a new study gets another name if one exists at `location`.

    Raises:
        ConflictError: The study does not exist or already exists, was created with other data,
            settings or software, or is running in another process.
        ResourceError: The location cannot be written.
    """
    if resume:
        ledger = Ledger(location)
    else:
        create = _create_numbered if has_default_name else create_study
        ledger = create(location, requested)
    with lock_study(ledger.location):
        if resume:
            ledger = Ledger(location)  # read again: another process may have just changed it
            require_same_study(ledger, requested, allow_code_change=allow_code_change)
        yield ledger


def _create_numbered(location: StudyPath, requested: StudyRecord) -> Ledger:
    """Create a study; append the first number to its name with which no study exists."""
    name, numbers = location.name, count(2)
    while True:
        try:
            return create_study(location.parent / name, replace(requested, name=name))
        except StudyExistsError:
            name = f"{location.name}-{next(numbers)}"


def require_same_study(
    ledger: Ledger, requested: StudyRecord, *, allow_code_change: bool = False
) -> None:
    """Raise if a study was created with other data or settings, or trained with other software.

    A change of the software that the user allows is recorded in the ledger.

    Args:
        ledger: Ledger of the study.
        requested: Record of the study that the user requests.
        allow_code_change: Whether the software may differ.

    Raises:
        ConflictError: The data, settings or software differ; the message names the differences.
    """
    study = ledger.study
    same_software = replace(requested, software=study.software)
    reasons = list_differences(study, same_software)
    if not reasons and study.fingerprint != _compute_fingerprint(same_software):
        reasons = ["study.json was modified after the study was created"]
    if reasons:
        raise ConflictError(
            f"{ledger.location} was created with different settings: {'; '.join(reasons)}",
            path=str(ledger.location),
            remedy="pass the original settings, or choose another --name",
        )
    changes = list_software_differences(ledger.current_software, requested.software)
    if not changes or not is_unfinished(ledger):
        return  # a finished study trains nothing
    if not allow_code_change:
        raise ConflictError(
            f"{ledger.location} was trained with different software: {'; '.join(changes)}",
            path=str(ledger.location),
            remedy="restore that software, choose another --name, or pass --allow-code-change to "
            "accept that trials may differ",
        )
    ledger.add_software_change(
        SoftwareChange(
            changed_at=datetime.now(UTC).isoformat(timespec="seconds"), software=requested.software
        )
    )
    # Each trial is trained by a single version of the code, so unfinished trials restart.
    ledger.files.remove(CHECKPOINT_DIR)


def _compute_fingerprint(study: StudyRecord) -> str:
    return compute_fingerprint(
        study.data, [trial.id for trial in study.trials], study.software, study.search
    )
