"""Read and write the files of a study, in a local folder or in object storage.

    study.json              settings and plan of the study (`StudyRecord`)
    proposals.jsonl         search only: proposed trials, one `PlannedTrial` per line
    confirmation.json       search only: end of the search, plan of the re-training
                            (`Confirmation`)
    trials/<id>.json        result of a trial (`TrialRecord`), written when the trial has ended
    epochs/<id>.jsonl       one `EpochRecord` per line
    predictions/<id>.npz    probabilities and labels on val, and on test if evaluated
    models/<id>.safetensors weights of the best epoch
    events.jsonl            log of the study with every evaluation on test, one `Event` per line
    software_changes.jsonl  changes of software that the user allowed (`SoftwareChange`)
    checkpoints/<id>/       checkpoint of an unfinished trial
    report/                 report, made only from the files above

Every file is written atomically. The worker of a trial writes model and predictions; the driver
writes the other files, and the trial's record last. So a trial is in the ledger with all its files,
or not at all. The end of a trial is logged after its record; if the driver is killed between the
two, `log_repair` adds the entry.

Version 3 of the format had no log. It had `test_evaluations.jsonl`, one `TestEvaluation` per line.
"""

import errno
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

from bloodnets.errors import ConflictError, DataError, ResourceError
from bloodnets.storage.checkpoint_header import (
    CHECKPOINT_DIR,
    MAX_HEADER_BYTES,
    RETRAIN_HINT,
    get_checkpoint_name,
    read_checkpoint_header,
)
from bloodnets.storage.local import LocalStorage, sync_folder, write_atomic
from bloodnets.storage.location import STUDY_FILE, RemotePath, StudyPath
from bloodnets.storage.remote import RETRY_TIMEOUT_S, RemoteStorage
from reports.ledger.event_log import EVENTS_FILE, Event, EventLog, begin_log, compute_sha256
from reports.ledger.migration import FIRST_VERSION_WITH_LOG, READABLE_VERSIONS, migrate
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
from reports.ledger.states import EventKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEST_EVALUATIONS_FILE = "test_evaluations.jsonl"
"""File of version 3 of the format, which had no log."""

PROPOSALS_FILE = "proposals.jsonl"
CONFIRMATION_FILE = "confirmation.json"
SOFTWARE_CHANGES_FILE = "software_changes.jsonl"

TRIAL_FILE_SUFFIXES = {"epochs": "jsonl", "models": "safetensors", "predictions": "npz"}
"""Suffixes of a trial's files other than its record, by folder."""

# Errors that numpy and zipfile raise for damaged files.
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
        probabilities: Class probabilities, float32, shape (n, 8); each row sums to 1.
        labels: True classes, uint8, shape (n,), 0 to 7.
    """

    probabilities: "NDArray[np.float32]"
    labels: "NDArray[np.uint8]"


def get_access_hint(location: StudyPath) -> str:
    """Return the remedy for a location that cannot be read."""
    if isinstance(location, Path):
        return "check the permissions of the folder"
    return "check the network, the permissions and AWS_ENDPOINT_URL"


class StudyExistsError(ConflictError):
    """Location of a new study that is already in use."""


class Ledger:
    """Files of one study, the source of truth for its results.

    Attributes:
        location: Folder or address of the study.
        storage: Storage that reads and writes the files.
        study: Settings and plan of the study.
    """

    def __init__(self, location: StudyPath) -> None:
        """Open an existing study.

        Args:
            location: Folder or address of the study.

        Raises:
            ConflictError: There is no readable study at `location`.
            ResourceError: The address does not respond.
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
                remedy=get_access_hint(location),
            ) from error
        if not has_study:
            raise ConflictError(f"no study in {location}: it has no study.json", path=str(location))
        content = self.read_bytes(STUDY_FILE)
        self._schema_version = self._check_schema_version(content)
        self.study = self._parse_record(StudyRecord, STUDY_FILE, content)

    @property
    def folder(self) -> Path:
        """Local folder of the files; for an address, a copy of the files used so far."""
        return self.storage.folder

    @property
    def name(self) -> str:
        """Name of the folder, which differs from `study.name` if the folder was renamed."""
        return (self.location.resolve() if isinstance(self.location, Path) else self.location).name

    @classmethod
    def create(cls, location: StudyPath, study: StudyRecord) -> "Ledger":
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
        return cls(location)

    def upgrade(self) -> None:
        """Rewrite the files that an older version of the format wrote, before trials are added.

        A log is made from the records and the test evaluations. `study.json` is rewritten last:
        until then, the records are still migrated when read. It is replaced, so a lock on the file
        is lost.

        Raises:
            ConflictError: A file is unreadable.
            ResourceError: The folder cannot be written.
        """
        if self.is_current:
            return
        log = begin_log(self.study.fingerprint)
        evaluations = {entry.trial_id: entry for entry in self.read_test_evaluations()}
        for planned in self.list_planned_trials():
            record, evaluation = self.read_trial(planned), evaluations.get(planned.id)
            if record is not None or evaluation is not None:
                log.append(EventKind.STARTED, trial_id=planned.id)
            if evaluation is not None:
                log.append(EventKind.TESTED, trial_id=planned.id, reason=evaluation.reason)
            if record is not None:
                content = to_json(record, indent=2)
                self._write_file(f"trials/{record.id}.json", content)
                log.append_end(record, content)
        self.write_log(log)
        self._write_file(STUDY_FILE, to_json(self.study, indent=2))
        self._schema_version = SCHEMA_VERSION

    def list_planned_trials(self) -> list[PlannedTrial]:
        """Return all planned trials; for a search, the proposals and then the re-training.

        Raises:
            ConflictError: A file is unreadable.
        """
        confirmation = self.read_confirmation()
        return [
            *self.study.trials,
            *self.read_proposals(),
            *(confirmation.trials if confirmation else ()),
        ]

    def read_proposals(self) -> list[PlannedTrial]:
        """Return the trials that a search proposed so far, in order of their number, from 0.

        Raises:
            ConflictError: The file is unreadable.
        """
        if not self.storage.exists(PROPOSALS_FILE):
            return []
        lines = self.read_bytes(PROPOSALS_FILE).splitlines()
        return [self._parse_record(PlannedTrial, PROPOSALS_FILE, line) for line in lines]

    def add_proposal(self, trial: PlannedTrial) -> None:
        """Append a proposal, before it runs.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self._append_record(PROPOSALS_FILE, trial)

    def read_confirmation(self) -> Confirmation | None:
        """Return how a search ended; None for a grid and for a search that has not ended.

        Raises:
            ConflictError: The file is unreadable.
        """
        if not self.storage.exists(CONFIRMATION_FILE):
            return None
        return self._read_record(Confirmation, CONFIRMATION_FILE)

    def set_confirmation(self, confirmation: Confirmation) -> None:
        """Write the end of a search.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self._write_file(CONFIRMATION_FILE, to_json(confirmation, indent=2))

    @property
    def current_software(self) -> SoftwareRecord:
        """Software of trials that start now: that of the last change, else that of the study.

        Raises:
            ConflictError: A file is unreadable.
        """
        changes = self.read_software_changes()
        return changes[-1].software if changes else self.study.software

    def list_software_hashes(self) -> set[str]:
        """Return the `SoftwareRecord.sha256` of every software that the study was trained with.

        Raises:
            ConflictError: A file is unreadable.
        """
        changes = (change.software for change in self.read_software_changes())
        return {software.sha256 for software in (self.study.software, *changes)}

    def read_software_changes(self) -> list[SoftwareChange]:
        """Return the changes of software that the user allowed, the oldest first.

        Raises:
            ConflictError: The file is unreadable.
        """
        if not self.storage.exists(SOFTWARE_CHANGES_FILE):
            return []
        lines = self.read_bytes(SOFTWARE_CHANGES_FILE).splitlines()
        return [self._parse_record(SoftwareChange, SOFTWARE_CHANGES_FILE, line) for line in lines]

    def add_software_change(self, change: SoftwareChange) -> None:
        """Append a change of software, before a trial starts with it.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self._append_record(SOFTWARE_CHANGES_FILE, change)

    def read_trials(self) -> list[TrialRecord]:
        """Return the records of all trials that have ended, in the order of the plan.

        Raises:
            ConflictError: A record is unreadable or belongs to another study.
        """
        records = (self.read_trial(planned) for planned in self.list_planned_trials())
        return [record for record in records if record is not None]

    def read_trial(self, planned: PlannedTrial) -> TrialRecord | None:
        """Return the record of a planned trial; None if the trial has not ended.

        Raises:
            ConflictError: The record is unreadable or belongs to another study.
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
        """Return the names of a trial's existing files, without its record."""
        names = (f"{folder}/{trial_id}.{suffix}" for folder, suffix in TRIAL_FILE_SUFFIXES.items())
        return [name for name in names if self.storage.exists(name)]

    def read_epochs(self, trial_id: str, *, content: bytes | None = None) -> list[EpochRecord]:
        """Return the epochs of a trial, in order.

        Args:
            trial_id: Id of the trial.
            content: Bytes of the file, if they have already been read.

        Raises:
            ConflictError: The file is missing or unreadable.
        """
        name = f"epochs/{trial_id}.jsonl"
        lines = (self.read_bytes(name) if content is None else content).splitlines()
        return [self._parse_record(EpochRecord, name, line) for line in lines]

    def read_predictions(
        self, trial_id: str, split: str, *, content: bytes | None = None
    ) -> TrialPredictions:
        """Return a trial's predictions on a split, made with the weights of its best epoch.

        Args:
            trial_id: Id of the trial.
            split: Name of the split, `val` or `test`.
            content: Bytes of the file, if they have already been read.

        Raises:
            ConflictError: The file is missing or unreadable, or lacks the split.
        """
        import numpy as np  # imported here because `bloodstudy status` does not need it

        name = f"predictions/{trial_id}.npz"
        try:
            content = self.read_bytes(name) if content is None else content
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return TrialPredictions(arrays[f"{split}_probabilities"], arrays[f"{split}_labels"])
        except _READ_ERRORS as error:
            raise self._make_read_error(name, error) from error

    @property
    def is_current(self) -> bool:
        """Whether the files have the current version of the format."""
        return self._schema_version == SCHEMA_VERSION

    @property
    def has_log(self) -> bool:
        """Whether the format of the study has a log; False for version 3."""
        return self._schema_version >= FIRST_VERSION_WITH_LOG

    def read_events(self) -> list[Event]:
        """Return the events of the log, in order; none for a study of version 3.

        Raises:
            ConflictError: The log is missing or unreadable.
        """
        if not self.has_log:
            return []
        lines = self.read_bytes(EVENTS_FILE).splitlines()
        return [self._parse_record(Event, EVENTS_FILE, line) for line in lines]

    def read_test_evaluations(self) -> list[TestEvaluation]:
        """Return all test evaluations so far, in the order of the log.

        Raises:
            ConflictError: The log is unreadable.
        """
        if self.has_log:
            return [
                TestEvaluation(
                    trial_id=event.trial_id or "",
                    evaluated_at=event.logged_at,
                    reason=event.reason or "",
                )
                for event in self.read_events()
                if event.kind is EventKind.TESTED
            ]
        if not self.storage.exists(TEST_EVALUATIONS_FILE):
            return []
        lines = self.read_bytes(TEST_EVALUATIONS_FILE).splitlines()
        return [self._parse_record(TestEvaluation, TEST_EVALUATIONS_FILE, line) for line in lines]

    def open_log(self) -> EventLog:
        """Return the log, to append events to it.

        Raises:
            ConflictError: The log is missing or unreadable.
        """
        self.read_events()
        return EventLog(self.read_bytes(EVENTS_FILE))

    def write_log(self, log: EventLog) -> None:
        """Write a log to which events were appended.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self._write_file(EVENTS_FILE, log.lines)

    def add_start(self, trial_id: str) -> None:
        """Log the start of an attempt at a trial.

        Raises:
            ResourceError: The folder cannot be written.
        """
        log = EventLog(self.read_bytes(EVENTS_FILE))
        log.append(EventKind.STARTED, trial_id=trial_id)
        self.write_log(log)

    def add_test_evaluation(self, trial_id: str, *, reason: str) -> None:
        """Log an evaluation on test of a model whose trial has ended.

        Args:
            trial_id: Id of the trial.
            reason: Reason of the evaluation.

        Raises:
            ConflictError: The log is unreadable.
            ResourceError: The folder cannot be written.
        """
        log = self.open_log()
        log.append(EventKind.TESTED, trial_id=trial_id, reason=reason)
        self.write_log(log)

    def add_report(self) -> None:
        """Log the report in the folder of the study, unless the last event says the same.

        Raises:
            ConflictError: The log is unreadable.
            ResourceError: The folder cannot be written.
        """
        log, events = self.open_log(), self.read_events()
        sha256 = compute_sha256(self.read_bytes("report/index.html"))
        if events and (events[-1].kind, events[-1].sha256) == (EventKind.REPORTED, sha256):
            return
        log.append(EventKind.REPORTED, sha256=sha256)
        self.write_log(log)

    def add_trial(
        self, record: TrialRecord, *, epochs: Iterable[EpochRecord], test_reason: str | None
    ) -> TrialRecord:
        """Add a trial that has ended.

        Args:
            record: Record of the trial; its `files` are those that the worker wrote.
            epochs: Epochs of the trial, in order.
            test_reason: Reason why the trial was evaluated on test; None if it was not.

        Returns:
            Record as written, with the hash of the epochs in its `files`.

        Raises:
            ResourceError: The folder cannot be written, e.g. because the disk is full.
        """
        name = f"epochs/{record.id}.jsonl"
        epoch_lines = b"".join(to_json(epoch, indent=None) + b"\n" for epoch in epochs)
        self._write_file(name, epoch_lines)
        record = replace(record, files={name: compute_sha256(epoch_lines), **record.files})
        content = to_json(record, indent=2)
        self._write_file(f"trials/{record.id}.json", content)
        log = EventLog(self.read_bytes(EVENTS_FILE))
        if test_reason is not None:
            sha256 = record.files.get(f"predictions/{record.id}.npz")
            log.append(EventKind.TESTED, trial_id=record.id, sha256=sha256, reason=test_reason)
        log.append_end(record, content)
        self.write_log(log)
        return record

    def read_checkpoint_epochs(self, trial_id: str) -> list[EpochRecord]:
        """Return the epochs in the checkpoint of an unfinished trial, in order; none without one.

        Raises:
            ConflictError: The checkpoint is truncated or cannot be read.
            DataError: The file is not a checkpoint.
        """
        name = get_checkpoint_name(trial_id)
        try:
            content, size = self.storage.read_prefix(name, 8 + MAX_HEADER_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._make_read_error(name, error) from error
        path = str(self.location / name)
        header = read_checkpoint_header(content, size, path)
        try:
            return [EpochRecord(**epoch) for epoch in header.epochs]
        except (TypeError, ValidationError) as error:
            raise DataError(f"{path} has invalid epochs", path=path, remedy=RETRAIN_HINT) from error

    def remove_checkpoint(self, trial_id: str) -> None:
        """Remove the checkpoint of a trial, once its record is written."""
        self.storage.remove(f"{CHECKPOINT_DIR}/{trial_id}")

    def upload(self, name: str) -> None:
        """Upload a file or folder that was created in `folder`; a local study needs no upload.

        Args:
            name: Path in the study's folder.

        Raises:
            ResourceError: It could not be written.
        """
        try:
            self.storage.upload(name)
        except OSError as error:
            raise self._make_write_error(name, error) from error

    def read_bytes(self, name: str) -> bytes:
        """Return the bytes of a file.

        Args:
            name: Path in the study's folder.

        Raises:
            ConflictError: The file cannot be read.
        """
        try:
            return self.storage.read(name)
        except OSError as error:
            raise self._make_read_error(name, error) from error

    def _check_schema_version(self, content: bytes) -> int:
        """Return the version of the format of a `study.json`; the current one if it has none.

        Raises:
            ConflictError: The version cannot be read.
        """
        version = read_schema_version(content)
        if version is None:
            return SCHEMA_VERSION  # parsing the record reports what is wrong
        if not isinstance(version, int) or version not in READABLE_VERSIONS:
            path = str(self.location / STUDY_FILE)
            raise ConflictError(
                f"{path} has schema version {version}; this bloodstudy reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}",
                path=path,
                value=version,
                remedy="use the bloodstudy version that created the study",
            )
        return version

    def _append_record(self, name: str, record: RecordT) -> None:
        """Append a line to a file; the whole file is rewritten, so no line is ever partial."""
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
            return from_json(record_type, migrate(record_type, text, self._schema_version))
        except ValidationError as error:
            first_error = error.errors(include_url=False)[0]
            key_path = "".join(f"{key}: " for key in first_error["loc"])
            problem, path = f"{key_path}{first_error['msg']}", str(self.location / name)
            raise ConflictError(f"{path} is invalid: {problem:.200}", path=path) from error

    def _read_record(self, record_type: type[RecordT], name: str) -> RecordT:
        return self._parse_record(record_type, name, self.read_bytes(name))


def _open_remote_cache(address: RemotePath) -> RemoteCache:
    """Open a remote study without retries; later requests are retried."""
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
        write_atomic(Path(temp_folder, EVENTS_FILE), begin_log(study.fingerprint).lines)
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
    remote.write(STUDY_FILE, to_json(study, indent=2))
    remote.write(EVENTS_FILE, begin_log(study.fingerprint).lines)


def _make_exists_error(location: StudyPath) -> StudyExistsError:
    return StudyExistsError(
        f"{location} already exists", path=str(location), remedy="choose another --name"
    )
