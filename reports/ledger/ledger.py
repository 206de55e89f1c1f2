"""A study's folder, on this machine or at an address: the one place where results live.

    study.json              what the study is (`StudyRecord`)
    proposals.jsonl         of a search: the trials it proposed so far (`PlannedTrial`), a line each
    confirmation.json       of a search: how it ended, and what is trained again (`Confirmation`)
    trials/<id>.json        how a trial ended (`TrialRecord`); it exists when the trial is done
    epochs/<id>.jsonl       one `EpochRecord` a line
    predictions/<id>.npz    probabilities and labels of val, and of test where it was looked at
    models/<id>.safetensors weights of the best epoch
    looks.jsonl             every evaluation on test (`Look`)
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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bloodnets.errors import ConflictError, MachineError
from bloodnets.storage.atomic_write import sync_folder, write_whole
from bloodnets.storage.backends import PATIENCE_S, STUDY, Address, Local, Place, Remote
from bloodnets.storage.checkpoint_header import MAX_HEADER, STATES, read_header, state_file
from reports.ledger.records import (
    SCHEMA_VERSION,
    Confirmation,
    EpochRecord,
    Look,
    PlannedTrial,
    Record,
    StudyRecord,
    TrialRecord,
    from_json,
    to_json,
)
from reports.ledger.remote_cache import Mirror

LOOKS, PROPOSALS, CONFIRMATION = "looks.jsonl", "proposals.jsonl", "confirmation.json"

FILES = {"epochs": "jsonl", "models": "safetensors", "predictions": "npz"}
"""A trial's files beside its record: the ends of their names, by folder."""

# What numpy and zipfile raise at bytes that are not what they say.
_UNREADABLE = (
    EOFError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class Predictions(NamedTuple):
    """A trial's predictions on one split.

    Attributes:
        probabilities: float32, shape (n, 8), rows sum to 1.
        labels: the true classes, uint8, shape (n,).
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]


class Ledger:
    """Reads a study's folder, and enters finished trials in it."""

    def __init__(self, place: Place) -> None:
        """Open an existing folder.

        Raises:
            ConflictError: there is no readable study in it.
            MachineError: its address does not answer.
        """
        self.place = place
        try:
            self.files = Local(place) if isinstance(place, Path) else _mirror(place)
            found = self.files.exists(STUDY)
        except OSError as error:
            raise MachineError(
                f"cannot read the study: {error}; see to the network, the rights and "
                f"AWS_ENDPOINT_URL"
            ) from error
        if not found:
            raise ConflictError(f"no study in {place}: it has no study.json")
        self.study = self._read(StudyRecord, STUDY)
        if self.study.schema_version != SCHEMA_VERSION:
            raise ConflictError(
                f"{place / STUDY} has schema version {self.study.schema_version}; "
                f"this bloodstudy reads version {SCHEMA_VERSION}"
            )

    @property
    def folder(self) -> Path:
        """Where its files are on this machine; of an address, a copy of those that were needed."""
        return self.files.folder

    @property
    def name(self) -> str:
        """Of the folder, which may have been moved: the study's own is `study.name`."""
        return (self.place.resolve() if isinstance(self.place, Path) else self.place).name

    @classmethod
    def create(cls, place: Place, study: StudyRecord) -> "Ledger":
        """Make the folder of a new study, which appears with its `study.json` in it.

        Raises:
            ConflictError: the folder exists.
            MachineError: it cannot be written.
        """
        try:
            if isinstance(place, Address):
                _create_remote(place, study)
            else:
                _create_local(place, study)
        except FileExistsError as error:
            raise MachineError(f"{error.filename} is not a folder") from error
        except OSError as error:
            raise MachineError(f"cannot write the study to {place}: {error}") from error
        return cls(place)

    def planned(self) -> list[PlannedTrial]:
        """Every trial that the study means to run; of a search, proposals and then confirmation.

        Raises:
            ConflictError: a file is unreadable.
        """
        end = self.confirmation()
        return [*self.study.trials, *self.proposals(), *(end.trials if end else ())]

    def proposals(self) -> list[PlannedTrial]:
        """What a search proposed so far; a proposal's number is its place, from 0.

        Raises:
            ConflictError: the file is unreadable.
        """
        if not self.files.exists(PROPOSALS):
            return []
        lines = self.content(PROPOSALS).splitlines()
        return [self._parse(PlannedTrial, PROPOSALS, line) for line in lines]

    def propose(self, trial: PlannedTrial) -> None:
        """Enter a proposal, before it runs.

        Raises:
            MachineError: the folder cannot be written.
        """
        self._append(PROPOSALS, trial)

    def confirmation(self) -> Confirmation | None:
        """How a search ended; None while it goes on, and of a grid.

        Raises:
            ConflictError: the file is unreadable.
        """
        if not self.files.exists(CONFIRMATION):
            return None
        return self._read(Confirmation, CONFIRMATION)

    def confirm(self, end: Confirmation) -> None:
        """Enter the end of a search.

        Raises:
            MachineError: the folder cannot be written.
        """
        self._write(CONFIRMATION, to_json(end, indent=2))

    def trials(self) -> list[TrialRecord]:
        """The trials entered so far, in the order of the plan.

        Raises:
            ConflictError: a record is unreadable or belongs to another study.
        """
        found = (self.trial(planned) for planned in self.planned())
        return [record for record in found if record is not None]

    def trial(self, planned: PlannedTrial) -> TrialRecord | None:
        """The record of a planned trial; None if the trial is not in the ledger (yet).

        Raises:
            ConflictError: the record is unreadable or belongs to another study.
        """
        name = f"trials/{planned.id}.json"
        if not self.files.exists(name):
            return None
        record = self._read(TrialRecord, name)
        if record.fingerprint != self.study.fingerprint or record.id != planned.id:
            raise ConflictError(f"{self.place / name} belongs to another study")
        return record

    def traces(self, trial_id: str) -> list[str]:
        """Names of the files of a trial that are there beside its record, or without it."""
        names = (f"{folder}/{trial_id}.{suffix}" for folder, suffix in FILES.items())
        return [name for name in names if self.files.exists(name)]

    def epochs(self, trial_id: str) -> list[EpochRecord]:
        """A trial's epochs, from the first to the last it ran."""
        name = f"epochs/{trial_id}.jsonl"
        return [self._parse(EpochRecord, name, line) for line in self.content(name).splitlines()]

    def predictions(self, trial_id: str, split: str) -> Predictions:
        """A trial's predictions on `val` or `test`, by the weights of its best epoch.

        Raises:
            ConflictError: the file is missing or unreadable, or lacks the split.
        """
        name = f"predictions/{trial_id}.npz"
        try:
            with np.load(io.BytesIO(self.content(name)), allow_pickle=False) as arrays:
                return Predictions(arrays[f"{split}_probabilities"], arrays[f"{split}_labels"])
        except _UNREADABLE as error:
            raise ConflictError(f"{self.place / name} cannot be read: {error}") from error

    def looks(self) -> list[Look]:
        """Every evaluation on test so far."""
        if not self.files.exists(LOOKS):
            return []
        lines = self.content(LOOKS).splitlines()
        return [self._parse(Look, LOOKS, line) for line in lines]

    def enter(
        self, record: TrialRecord, *, epochs: Iterable[EpochRecord], look: str | None
    ) -> TrialRecord:
        """Enter a trial that has ended.

        Args:
            record: how it ended; its `files` are those that its worker wrote, with their hashes.
            epochs: what it ran.
            look: why the trial was evaluated on test; None if it was not.

        Returns:
            The record as entered.

        Raises:
            MachineError: the folder cannot be written, as when the disk is full.
        """
        name = f"epochs/{record.id}.jsonl"
        lines = b"".join(to_json(epoch, indent=None) + b"\n" for epoch in epochs)
        self._write(name, lines)
        if look is not None:
            self._look(Look(trial=record.id, at=record.started_at, reason=look))
        record = replace(record, files={name: hashlib.sha256(lines).hexdigest(), **record.files})
        self._write(f"trials/{record.id}.json", to_json(record, indent=2))
        return record

    def state_epochs(self, trial_id: str) -> int:
        """How many epochs a trial that has not ended has behind it, by the state that it left.

        Raises:
            ConflictError: the state is cut off or cannot be read.
            DataError: it is no state.
        """
        name = state_file(trial_id)
        try:
            content, size = self.files.begins(name, 8 + MAX_HEADER)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise ConflictError(f"{self.place / name} cannot be read: {error}") from error
        return len(read_header(content, size, str(self.place / name))["epochs"])

    def forget_state(self, trial_id: str) -> None:
        """Remove what a trial would have needed to go on, when it is in the ledger."""
        self.files.remove(f"{STATES}/{trial_id}")

    def keep(self, name: str) -> None:
        """Put a file or a folder, made in `folder` by something else, where the study is.

        Raises:
            MachineError: it could not be written.
        """
        try:
            self.files.keep(name)
        except OSError as error:
            raise MachineError(f"cannot write {self.place / name}: {error}") from error

    def content(self, name: str) -> bytes:
        """A file's bytes.

        Args:
            name: its path within the study's folder.

        Raises:
            ConflictError: it cannot be read.
        """
        try:
            return self.files.read(name)
        except OSError as error:
            raise ConflictError(f"{self.place / name} cannot be read: {error}") from error

    def _look(self, look: Look) -> None:
        """Enter a look, in the place of one that was interrupted before its trial was entered."""
        past = self.content(LOOKS) if self.files.exists(LOOKS) else b""
        if look.trial.encode() in past:  # reading them all each time would be most of the work
            others = (each for each in self.looks() if each.trial != look.trial)
            past = b"".join(to_json(each, indent=None) + b"\n" for each in others)
        self._write(LOOKS, past + to_json(look, indent=None) + b"\n")

    def _append(self, name: str, record: Record) -> None:
        """Add a line to a file. The whole file is written anew, so that no line is ever half."""
        past = self.content(name) if self.files.exists(name) else b""
        self._write(name, past + to_json(record, indent=None) + b"\n")

    def _write(self, name: str, content: bytes) -> None:
        try:
            self.files.write(name, content)
        except OSError as error:
            raise MachineError(f"cannot write {self.place / name}: {error}") from error

    def _parse(self, kind: type[Record], name: str, text: bytes) -> Record:
        try:
            return from_json(kind, text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = "".join(f"{key}: " for key in first["loc"])
            what = f"{place}{first['msg']}"
            raise ConflictError(f"{self.place / name} is not readable: {what:.200}") from error

    def _read(self, kind: type[Record], name: str) -> Record:
        return self._parse(kind, name, self.content(name))


def _mirror(address: Address) -> Mirror:
    """Who began a command hears soon if the store is not there; later it may fail for a while."""
    remote = Remote(address, patience_s=0)
    mirror = Mirror(remote)
    remote.patience_s = PATIENCE_S
    return mirror


def _create_local(folder: Path, study: StudyRecord) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as new:
        for name in ("trials", *FILES, STATES):
            Path(new, name).mkdir()
        write_whole(Path(new, STUDY), to_json(study, indent=2))
        if os.path.lexists(folder):  # renaming would replace an empty folder
            raise _exists(folder)
        os.rename(new, folder)
    sync_folder(folder.parent)


def _create_remote(address: Address, study: StudyRecord) -> None:
    remote = Remote(address)
    if remote.names(""):
        raise _exists(address)
    remote.write(STUDY, to_json(study, indent=2))


def _exists(place: Place) -> ConflictError:
    return ConflictError(f"{place} exists already; choose another --name")
