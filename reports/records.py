"""The file format of a study, as types. Nothing else defines it.

A study is one `StudyRecord`, written when it starts, and one `TrialRecord` a trial, written when
the trial ends, with its `EpochRecord`s beside it. JSON in both directions is strict: a missing
key, an unknown key or a wrong type is an error, never a default.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

SCHEMA_VERSION = 1

DataKind = Literal["official", "file", "rendered"]
Status = Literal["complete", "pruned", "failed"]
StopReason = Literal["patience", "max_epochs", "error"]
Scores = Mapping[str, float | None]

_STRICT = ConfigDict(extra="forbid", ser_json_inf_nan="null")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class DataRecord:
    """Which data a study was trained on.

    Attributes:
        kind: `official` (the MD5 is BloodMNIST's), `file` (any other), `rendered` (drawings).
        name: of the file; `rendered` for drawings.
        md5: of the file's bytes; None for drawings.
        sha256: of the file's bytes, or of the drawn arrays.
        class_names: eight, in the order of the labels.
        class_counts: images of each class by split, eight numbers each.
    """

    kind: DataKind
    name: str
    md5: str | None
    sha256: str
    class_names: tuple[str, ...]
    class_counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PlannedTrial:
    """A trial that a study means to run.

    Attributes:
        id: names the trial's files.
        configuration: name of the configuration, shared by its replicates.
        config: `bloodnets.config.TrialConfig` as a dict, seed included.
    """

    id: str
    configuration: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class StudyRecord:
    """What a study is: written once, before its first trial starts.

    Attributes:
        schema_version: of this file format.
        name: of the study, also its folder's.
        kind: of study.
        fingerprint: sha256 over data, planned trials and versions; each trial carries it.
        created_at: ISO 8601, UTC.
        command: the words the user typed.
        data: what it is trained on.
        trials: the plan, in the order of the tables.
        versions: of Python and the libraries that decide results.
        hardware: what the study ran on, in words (`cpu`, `cores`, `memory`, `gpus`).
    """

    schema_version: int
    name: str
    kind: Literal["grid"]
    fingerprint: str
    created_at: str
    command: tuple[str, ...]
    data: DataRecord
    trials: tuple[PlannedTrial, ...]
    versions: Mapping[str, str]
    hardware: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class EpochRecord:
    """One pass over train.

    Attributes:
        epoch: from 1.
        train_loss: mean over the epoch's images, in nats, dropout active.
        val_loss: mean over val, in nats, dropout off.
        val_accuracy: 0 to 1.
        val_macro_f1: 0 to 1.
        duration_s: training and validation, in seconds.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class TrialRecord:
    """How a trial ended: written once, after its other files.

    Attributes:
        id: as planned.
        configuration: as planned.
        config: as planned.
        fingerprint: of the study it belongs to.
        status: `complete`, `pruned` or `failed`.
        stop_reason: `patience`, `max_epochs` or `error`.
        error: one line that says why a trial failed; None otherwise.
        attempts: how often it was started, at least 1.
        epochs: that it ran.
        best_epoch: the one with the best val macro F1, whose weights were kept; None if none.
        started_at: ISO 8601, UTC, of the last attempt.
        duration_s: of the last attempt, in seconds.
        device: `cpu` or the GPU's name; None where the trial failed.
        host: name of the machine it ran on; None where the trial failed.
        parameters: trainable numbers in the model; None where none was built.
        scores: by split (`val`, and `test` where it was looked at): accuracy, macro_f1,
            weighted_f1, macro_precision, macro_recall, auc, each 0 to 1 or None (undefined).
        files: sha256 of the trial's other files, by path within the study's folder.
    """

    id: str
    configuration: str
    config: Mapping[str, Any]
    fingerprint: str
    status: Status
    stop_reason: StopReason
    error: str | None
    attempts: int
    epochs: int
    best_epoch: int | None
    started_at: str
    duration_s: float
    device: str | None
    host: str | None
    parameters: int | None
    scores: Mapping[str, Scores]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Look:
    """One evaluation on the test split.

    Attributes:
        trial: whose model was evaluated.
        at: ISO 8601, UTC.
        reason: why this model was chosen to be looked at.
    """

    trial: str
    at: str
    reason: str


def fingerprint(data: DataRecord, trial_ids: Sequence[str], versions: Mapping[str, str]) -> str:
    """What tells a study from any other: sha256 over data, planned trials and versions.

    Args:
        data: what the study is trained on; its own sha256 stands for it.
        trial_ids: of the plan, in order; each ends in a digest of its configuration and seed.
        versions: as in `StudyRecord`.

    Returns:
        64 hexadecimal digits.
    """
    parts = {"data": data.sha256, "trials": list(trial_ids), "versions": dict(versions)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


Record = TypeVar("Record", StudyRecord, TrialRecord, EpochRecord, Look)


def to_json(record: StudyRecord | TrialRecord | EpochRecord | Look, *, indent: int | None) -> bytes:
    """UTF-8 JSON; NaN becomes null; `indent=None` gives one line."""
    return TypeAdapter(type(record)).dump_json(record, indent=indent)


def from_json(kind: type[Record], text: bytes) -> Record:
    """The inverse of `to_json`.

    Raises:
        ValueError: not JSON, or not exactly the keys and types of `kind`.
    """
    return TypeAdapter(kind).validate_json(text)
