"""Read and add the results of a study, from its files in a folder or in object storage.

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

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import (
    CHECKPOINT_DIR,
    MAX_HEADER_BYTES,
    RETRAIN_HINT,
    get_checkpoint_name,
    read_checkpoint_header,
)
from bloodnets.storage.location import STUDY_FILE, StudyPath
from reports.ledger.event_log import compute_sha256
from reports.ledger.event_log_file import EventLogFile
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import (
    EpochRecord,
    SoftwareChange,
    SoftwareRecord,
    StudyRecord,
    TrialRecord,
)
from reports.ledger.search_record import Confirmation
from reports.ledger.serialization import to_json
from reports.ledger.study_files import StudyFiles

PROPOSALS_FILE = "proposals.jsonl"
CONFIRMATION_FILE = "confirmation.json"
SOFTWARE_CHANGES_FILE = "software_changes.jsonl"

TRIAL_FILE_SUFFIXES = {"epochs": "jsonl", "models": "safetensors", "predictions": "npz"}
"""Suffixes of a trial's files other than its record, by folder."""


class Ledger:
    """Results of one study: its plan and its trials.

    Attributes:
        files: Files of the study, the source of truth for its results.
        log: Log of the study, with all test evaluations.
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
        self.files = StudyFiles(location)
        self.log = EventLogFile(self.files)
        self.study = self.files.read_record(StudyRecord, STUDY_FILE)

    @property
    def location(self) -> StudyPath:
        """Folder or address of the study."""
        return self.files.location

    @property
    def folder(self) -> Path:
        """Local folder of the files; for an address, a copy of the files used so far."""
        return self.files.folder

    @property
    def name(self) -> str:
        """Name of the folder, which differs from `study.name` if the folder was renamed."""
        return (self.location.resolve() if isinstance(self.location, Path) else self.location).name

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
        return self.files.read_lines(PlannedTrial, PROPOSALS_FILE, missing_ok=True)

    def add_proposal(self, trial: PlannedTrial) -> None:
        """Append a proposal, before it runs.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self.files.append_line(PROPOSALS_FILE, trial)

    def read_confirmation(self) -> Confirmation | None:
        """Return how a search ended; None for a grid and for a search that has not ended.

        Raises:
            ConflictError: The file is unreadable.
        """
        if not self.files.exists(CONFIRMATION_FILE):
            return None
        return self.files.read_record(Confirmation, CONFIRMATION_FILE)

    def set_confirmation(self, confirmation: Confirmation) -> None:
        """Write the end of a search.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self.files.write_record(CONFIRMATION_FILE, confirmation)

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
        return self.files.read_lines(SoftwareChange, SOFTWARE_CHANGES_FILE, missing_ok=True)

    def add_software_change(self, change: SoftwareChange) -> None:
        """Append a change of software, before a trial starts with it.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self.files.append_line(SOFTWARE_CHANGES_FILE, change)

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
        if not self.files.exists(name):
            return None
        record = self.files.read_record(TrialRecord, name)
        if record.fingerprint != self.study.fingerprint or record.id != planned.id:
            path = str(self.location / name)
            raise ConflictError(f"{path} belongs to another study", path=path)
        return record

    def list_partial_files(self, trial_id: str) -> list[str]:
        """Return the names of a trial's existing files, without its record."""
        names = (f"{folder}/{trial_id}.{suffix}" for folder, suffix in TRIAL_FILE_SUFFIXES.items())
        return [name for name in names if self.files.exists(name)]

    def read_epochs(self, trial_id: str, *, content: bytes | None = None) -> list[EpochRecord]:
        """Return the epochs of a trial, in order.

        Args:
            trial_id: Id of the trial.
            content: Bytes of the file, if they have already been read.

        Raises:
            ConflictError: The file is missing or unreadable.
        """
        return self.files.read_lines(EpochRecord, f"epochs/{trial_id}.jsonl", content=content)

    def write_trial(
        self, record: TrialRecord, *, epochs: Iterable[EpochRecord]
    ) -> tuple[TrialRecord, bytes]:
        """Write the epochs and the record of a trial that has ended; log its end next.

        Args:
            record: Record of the trial; its `files` are those that the worker wrote.
            epochs: Epochs of the trial, in order.

        Returns:
            Record as written, with the hash of the epochs in its `files`, and the contents of its
            file.

        Raises:
            ResourceError: The folder cannot be written, e.g. because the disk is full.
        """
        name = f"epochs/{record.id}.jsonl"
        epoch_lines = b"".join(to_json(epoch, indent=None) + b"\n" for epoch in epochs)
        self.files.write(name, epoch_lines)
        record = replace(record, files={name: compute_sha256(epoch_lines), **record.files})
        return record, self.files.write_record(f"trials/{record.id}.json", record)

    def read_checkpoint_epochs(self, trial_id: str) -> list[EpochRecord]:
        """Return the epochs in the checkpoint of an unfinished trial, in order; none without one.

        Raises:
            ConflictError: The checkpoint is truncated or cannot be read.
            DataError: The file is not a checkpoint.
        """
        name = get_checkpoint_name(trial_id)
        try:
            content, size = self.files.storage.read_prefix(name, 8 + MAX_HEADER_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self.files.make_read_error(name, error) from error
        path = str(self.location / name)
        header = read_checkpoint_header(content, size, path)
        try:
            return [EpochRecord(**epoch) for epoch in header.epochs]
        except (TypeError, ValidationError) as error:
            raise DataError(f"{path} has invalid epochs", path=path, remedy=RETRAIN_HINT) from error

    def remove_checkpoint(self, trial_id: str) -> None:
        """Remove the checkpoint of a trial, once its record is written."""
        self.files.remove(f"{CHECKPOINT_DIR}/{trial_id}")
