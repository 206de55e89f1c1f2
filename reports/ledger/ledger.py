"""A study's folder, on this machine or at an address: the one place where results live.

    study.json              what the study is (`StudyRecord`)
    proposals.jsonl         of a search: the trials it proposed so far (`PlannedTrial`), a line each
    confirmation.json       of a search: how it ended, and what is trained again (`Confirmation`)
    trials/<id>.json        how a trial ended (`TrialRecord`); it exists when the trial is done
    epochs/<id>.jsonl       one `EpochRecord` a line
    predictions/<id>.npz    probabilities and labels of val, and of test where it was looked at
    models/<id>.safetensors weights of the best epoch
    test_evaluations.jsonl  every evaluation on test (`TestEvaluation`)
    software_changes.jsonl  changes of software that the user allowed (`SoftwareChange`)
    checkpoints/<id>/       states of a trial that has begun and not ended
    report/                 made from the above, and only from it

A file appears under its name whole or not at all. A trial's worker writes its model and its
predictions, the driver all else, and its record last, so a trial either is in the ledger with all
its files or is not in it.
"""

import hashlib
import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.checkpoint_header import (
    CHECKPOINT_DIR,
    MAX_HEADER_BYTES,
    get_checkpoint_name,
    read_checkpoint_header,
)
from bloodnets.storage.local import LocalStorage, sync_folder, write_atomic
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import RETRY_TIMEOUT_S, RemoteStorage
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import (
    SCHEMA_VERSION,
    EpochRecord,
    SoftwareChange,
    SoftwareRecord,
    StudyRecord,
    TestEvaluation,
    TrialRecord,
)
from reports.ledger.remote_cache import RemoteCache
from reports.ledger.search_record import Confirmation
from reports.ledger.serialization import RecordT, from_json, read_schema_version, to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEST_EVALUATIONS_FILE = "test_evaluations.jsonl"
PROPOSALS_FILE = "proposals.jsonl"
CONFIRMATION_FILE = "confirmation.json"
SOFTWARE_CHANGES_FILE = "software_changes.jsonl"

TRIAL_FILE_SUFFIXES = {"epochs": "jsonl", "models": "safetensors", "predictions": "npz"}
"""A trial's files beside its record: the ends of their names, by folder."""

# What numpy and zipfile raise at bytes that are not what they say.
_READ_ERRORS = (
    EOFError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class TrialPredictions(NamedTuple):
    """A trial's predictions on one split.

    Attributes:
        probabilities: float32, shape (n, 8), rows sum to 1.
        labels: the true classes, uint8, shape (n,).
    """

    probabilities: "NDArray[np.float32]"
    labels: "NDArray[np.uint8]"


class Ledger:
    """Reads a study's folder, and enters finished trials in it."""

    def __init__(self, location: StudyPath) -> None:
        """Open an existing folder.

        Raises:
            ConflictError: there is no readable study in it.
            ResourceError: its address does not answer.
        """
        self.location = location
        try:
            self.storage = (
                LocalStorage(location)
                if isinstance(location, Path)
                else _open_remote_cache(location)
            )
            has_study = self.storage.exists(STUDY_FILE)
        except OSError as error:
            raise ResourceError(
                f"cannot read the study: {error}",
                path=str(location),
                remedy="see to the network, the rights and AWS_ENDPOINT_URL",
            ) from error
        if not has_study:
            raise ConflictError(f"no study in {location}: it has no study.json", path=str(location))
        content = self.read_bytes(STUDY_FILE)
        if (version := read_schema_version(content)) not in (None, SCHEMA_VERSION):
            raise ConflictError(
                f"{location / STUDY_FILE} has schema version {version}; this bloodstudy reads "
                f"version {SCHEMA_VERSION}",
                path=str(location / STUDY_FILE),
                value=version,
            )
        self.study = self._parse_record(StudyRecord, STUDY_FILE, content)

    @property
    def folder(self) -> Path:
        """Where its files are on this machine; of an address, a copy of those that were needed."""
        return self.storage.folder

    @property
    def name(self) -> str:
        """Of the folder, which may have been moved: the study's own is `study.name`."""
        return (self.location.resolve() if isinstance(self.location, Path) else self.location).name

    @classmethod
    def create(cls, location: StudyPath, study: StudyRecord) -> "Ledger":
        """Make the folder of a new study, which appears with its `study.json` in it.

        Raises:
            ConflictError: the folder exists.
            ResourceError: it cannot be written.
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
                f"cannot write the study to {location}: {error}", path=str(location)
            ) from error
        return cls(location)

    def list_planned_trials(self) -> list[PlannedTrial]:
        """Every trial that the study means to run; of a search, proposals and then confirmation.

        Raises:
            ConflictError: a file is unreadable.
        """
        confirmation = self.read_confirmation()
        return [
            *self.study.trials,
            *self.read_proposals(),
            *(confirmation.trials if confirmation else ()),
        ]

    def read_proposals(self) -> list[PlannedTrial]:
        """What a search proposed so far; a proposal's number is its place, from 0.

        Raises:
            ConflictError: the file is unreadable.
        """
        if not self.storage.exists(PROPOSALS_FILE):
            return []
        lines = self.read_bytes(PROPOSALS_FILE).splitlines()
        return [self._parse_record(PlannedTrial, PROPOSALS_FILE, line) for line in lines]

    def add_proposal(self, trial: PlannedTrial) -> None:
        """Enter a proposal, before it runs.

        Raises:
            ResourceError: the folder cannot be written.
        """
        self._append_record(PROPOSALS_FILE, trial)

    def read_confirmation(self) -> Confirmation | None:
        """How a search ended; None while it goes on, and of a grid.

        Raises:
            ConflictError: the file is unreadable.
        """
        if not self.storage.exists(CONFIRMATION_FILE):
            return None
        return self._read_record(Confirmation, CONFIRMATION_FILE)

    def set_confirmation(self, confirmation: Confirmation) -> None:
        """Enter the end of a search.

        Raises:
            ResourceError: the folder cannot be written.
        """
        self._write_file(CONFIRMATION_FILE, to_json(confirmation, indent=2))

    @property
    def current_software(self) -> SoftwareRecord:
        """Software of the trials that start now: that of the last change, or of the study.

        Raises:
            ConflictError: a file is unreadable.
        """
        changes = self.read_software_changes()
        return changes[-1].software if changes else self.study.software

    def list_software_hashes(self) -> set[str]:
        """Return `SoftwareRecord.sha256` of every software that the study was trained with.

        Raises:
            ConflictError: a file is unreadable.
        """
        changes = (change.software for change in self.read_software_changes())
        return {software.sha256 for software in (self.study.software, *changes)}

    def read_software_changes(self) -> list[SoftwareChange]:
        """Return the changes of software that the user allowed, the oldest first.

        Raises:
            ConflictError: the file is unreadable.
        """
        if not self.storage.exists(SOFTWARE_CHANGES_FILE):
            return []
        lines = self.read_bytes(SOFTWARE_CHANGES_FILE).splitlines()
        return [self._parse_record(SoftwareChange, SOFTWARE_CHANGES_FILE, line) for line in lines]

    def add_software_change(self, change: SoftwareChange) -> None:
        """Append a change of software, before a trial starts with it.

        Raises:
            ResourceError: the folder cannot be written.
        """
        self._append_record(SOFTWARE_CHANGES_FILE, change)

    def read_trials(self) -> list[TrialRecord]:
        """The trials entered so far, in the order of the plan.

        Raises:
            ConflictError: a record is unreadable or belongs to another study.
        """
        records = (self.read_trial(planned) for planned in self.list_planned_trials())
        return [record for record in records if record is not None]

    def read_trial(self, planned: PlannedTrial) -> TrialRecord | None:
        """The record of a planned trial; None if the trial is not in the ledger (yet).

        Raises:
            ConflictError: the record is unreadable or belongs to another study.
        """
        name = f"trials/{planned.id}.json"
        if not self.storage.exists(name):
            return None
        record = self._read_record(TrialRecord, name)
        if record.fingerprint != self.study.fingerprint or record.id != planned.id:
            path = str(self.location / name)
            raise ConflictError(f"{path} belongs to another study", path=path)
        return record

    def list_partial_files(self, trial_id: str) -> list[str]:
        """Names of the files of a trial that are there beside its record, or without it."""
        names = (f"{folder}/{trial_id}.{suffix}" for folder, suffix in TRIAL_FILE_SUFFIXES.items())
        return [name for name in names if self.storage.exists(name)]

    def read_epochs(self, trial_id: str, *, content: bytes | None = None) -> list[EpochRecord]:
        """A trial's epochs, from the first to the last it ran.

        Args:
            trial_id: Id of the trial.
            content: Bytes of the file, where they have been read already.
        """
        name = f"epochs/{trial_id}.jsonl"
        lines = (self.read_bytes(name) if content is None else content).splitlines()
        return [self._parse_record(EpochRecord, name, line) for line in lines]

    def read_predictions(
        self, trial_id: str, split: str, *, content: bytes | None = None
    ) -> TrialPredictions:
        """A trial's predictions on `val` or `test`, by the weights of its best epoch.

        Args:
            trial_id: Id of the trial.
            split: Name of the split.
            content: Bytes of the file, where they have been read already.

        Raises:
            ConflictError: the file is missing or unreadable, or lacks the split.
        """
        import numpy as np  # here, because `bloodstudy status` does not need it

        name = f"predictions/{trial_id}.npz"
        try:
            content = self.read_bytes(name) if content is None else content
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return TrialPredictions(arrays[f"{split}_probabilities"], arrays[f"{split}_labels"])
        except _READ_ERRORS as error:
            raise self._make_read_error(name, error) from error

    def read_test_evaluations(self) -> list[TestEvaluation]:
        """Every evaluation on test so far."""
        if not self.storage.exists(TEST_EVALUATIONS_FILE):
            return []
        lines = self.read_bytes(TEST_EVALUATIONS_FILE).splitlines()
        return [self._parse_record(TestEvaluation, TEST_EVALUATIONS_FILE, line) for line in lines]

    def add_trial(
        self, record: TrialRecord, *, epochs: Iterable[EpochRecord], test_reason: str | None
    ) -> TrialRecord:
        """Enter a trial that has ended.

        Args:
            record: how it ended; its `files` are those that its worker wrote, with their hashes.
            epochs: what it ran.
            test_reason: why the trial was evaluated on test; None if it was not.

        Returns:
            The record as entered.

        Raises:
            ResourceError: the folder cannot be written, as when the disk is full.
        """
        name = f"epochs/{record.id}.jsonl"
        lines = b"".join(to_json(epoch, indent=None) + b"\n" for epoch in epochs)
        self._write_file(name, lines)
        if test_reason is not None:
            self._add_test_evaluation(
                TestEvaluation(
                    trial_id=record.id, evaluated_at=record.started_at, reason=test_reason
                )
            )
        record = replace(record, files={name: hashlib.sha256(lines).hexdigest(), **record.files})
        self._write_file(f"trials/{record.id}.json", to_json(record, indent=2))
        return record

    def count_checkpoint_epochs(self, trial_id: str) -> int:
        """How many epochs a trial that has not ended has behind it, by the state that it left.

        Raises:
            ConflictError: the state is cut off or cannot be read.
            DataError: it is no state.
        """
        name = get_checkpoint_name(trial_id)
        try:
            content, size = self.storage.read_prefix(name, 8 + MAX_HEADER_BYTES)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._make_read_error(name, error) from error
        return len(read_checkpoint_header(content, size, str(self.location / name)).epochs)

    def remove_checkpoint(self, trial_id: str) -> None:
        """Remove what a trial would have needed to go on, when it is in the ledger."""
        self.storage.remove(f"{CHECKPOINT_DIR}/{trial_id}")

    def upload(self, name: str) -> None:
        """Put a file or a folder, made in `folder` by something else, where the study is.

        Raises:
            ResourceError: it could not be written.
        """
        try:
            self.storage.upload(name)
        except OSError as error:
            raise self._make_write_error(name, error) from error

    def read_bytes(self, name: str) -> bytes:
        """A file's bytes.

        Args:
            name: its path within the study's folder.

        Raises:
            ConflictError: it cannot be read.
        """
        try:
            return self.storage.read(name)
        except OSError as error:
            raise self._make_read_error(name, error) from error

    def _add_test_evaluation(self, evaluation: TestEvaluation) -> None:
        """Enter a look, in the place of one that was interrupted before its trial was entered."""
        previous_lines = (
            self.read_bytes(TEST_EVALUATIONS_FILE)
            if self.storage.exists(TEST_EVALUATIONS_FILE)
            else b""
        )
        # Reading them all each time would be most of the work.
        if evaluation.trial_id.encode() in previous_lines:
            other_evaluations = (
                other
                for other in self.read_test_evaluations()
                if other.trial_id != evaluation.trial_id
            )
            previous_lines = b"".join(
                to_json(other, indent=None) + b"\n" for other in other_evaluations
            )
        self._write_file(
            TEST_EVALUATIONS_FILE, previous_lines + to_json(evaluation, indent=None) + b"\n"
        )

    def _append_record(self, name: str, record: RecordT) -> None:
        """Add a line to a file. The whole file is written anew, so that no line is ever half."""
        previous_lines = self.read_bytes(name) if self.storage.exists(name) else b""
        self._write_file(name, previous_lines + to_json(record, indent=None) + b"\n")

    def _write_file(self, name: str, content: bytes) -> None:
        try:
            self.storage.write(name, content)
        except OSError as error:
            raise self._make_write_error(name, error) from error

    def _make_read_error(self, name: str, error: Exception) -> ConflictError:
        path = str(self.location / name)
        return ConflictError(f"{path} cannot be read: {error}", path=path)

    def _make_write_error(self, name: str, error: OSError) -> ResourceError:
        path = str(self.location / name)
        return ResourceError(f"cannot write {path}: {error}", path=path)

    def _parse_record(self, record_type: type[RecordT], name: str, text: bytes) -> RecordT:
        try:
            return from_json(record_type, text)
        except ValidationError as error:
            first_error = error.errors(include_url=False)[0]
            key_path = "".join(f"{key}: " for key in first_error["loc"])
            problem, path = f"{key_path}{first_error['msg']}", str(self.location / name)
            raise ConflictError(f"{path} is not readable: {problem:.200}", path=path) from error

    def _read_record(self, record_type: type[RecordT], name: str) -> RecordT:
        return self._parse_record(record_type, name, self.read_bytes(name))


def _open_remote_cache(address: RemotePath) -> RemoteCache:
    """Who began a command hears soon if the store is not there; later it may fail for a while."""
    remote = RemoteStorage(address, retry_timeout_s=0)
    cache = RemoteCache(remote)
    remote.retry_timeout_s = RETRY_TIMEOUT_S
    return cache


def _create_local(folder: Path, study: StudyRecord) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temp_folder:
        for name in ("trials", *TRIAL_FILE_SUFFIXES, CHECKPOINT_DIR):
            Path(temp_folder, name).mkdir()
        write_atomic(Path(temp_folder, STUDY_FILE), to_json(study, indent=2))
        if os.path.lexists(folder):  # renaming would replace an empty folder
            raise _make_exists_error(folder)
        os.rename(temp_folder, folder)
    sync_folder(folder.parent)


def _create_remote(address: RemotePath, study: StudyRecord) -> None:
    remote = RemoteStorage(address)
    if remote.list_files(""):
        raise _make_exists_error(address)
    remote.write(STUDY_FILE, to_json(study, indent=2))


def _make_exists_error(location: StudyPath) -> ConflictError:
    return ConflictError(
        f"{location} exists already", path=str(location), remedy="choose another --name"
    )
