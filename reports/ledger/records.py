"""The file format of a study, as types. Nothing else defines it.

A study is one `StudyRecord`, written when it starts, and one `TrialRecord` a trial, written when
the trial ends, with its `EpochRecord`s beside it. JSON in both directions is strict: a missing
key, an unknown key or a wrong type is an error, never a default.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

SCHEMA_VERSION = 1

DataKind = Literal["official", "file", "rendered"]
TrialStatus = Literal["complete", "pruned", "failed"]
StopReason = Literal[
    "patience", "max_epochs", "error", "asha", "diverged", "time_budget", "target_f1"
]
EndReason = Literal["trials", "time_budget", "target_f1"]
Scores = Mapping[str, float | None]

DEFAULTS_ADDED_LATER: Mapping[str, Any] = {
    "precision": "float32",
    "width": None,
    "weight_decay": 0,
    "label_smoothing": 0,
    "orientations": False,
    "shift": 0,
    "schedule": "constant",
}
"""Keys of a configuration that it lacks where they have these values: older studies knew none, and
ids are made of the keys that are there. None is the family's own."""

_STRICT = ConfigDict(extra="forbid", ser_json_inf_nan="null")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ColorStats:
    """The colours of the train images, by which an image is known that is unlike them.

    Of each image there are six numbers: the means of red, green and blue, then their standard
    deviations, in grey levels, 0 to 255.

    Attributes:
        mean: of the six numbers over the train images.
        covariance: 6 x 6, in grey levels squared.
        distance: Mahalanobis distance from `mean` that 99.9 % of the train images do not exceed.
        low: of each number, the value that 99.9 % of the train images are not below.
        high: of each number, the value that 99.9 % of the train images are not above.
    """

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance: float
    low: tuple[float, ...]
    high: tuple[float, ...]


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
        colours: of the train images; the key may be missing, as older studies did not keep them.
    """

    kind: DataKind
    name: str
    md5: str | None
    sha256: str
    class_names: tuple[str, ...]
    class_counts: Mapping[str, tuple[int, ...]]
    colours: ColorStats | None = None


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
class ResNetSpace:
    """What a search of residual networks draws besides, and where it starts.

    Attributes:
        weight_decay: lowest and highest, drawn log-uniformly.
        label_smoothing: lowest and highest, drawn uniformly.
        width: lowest and highest, both multiples of 8, as are those drawn.
        start: the configuration `resnet` as a trial of the search: proposed first, and what the
            best is compared with. What is not drawn is as there.
    """

    weight_decay: tuple[float, float]
    label_smoothing: tuple[float, float]
    width: tuple[int, int]
    start: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class SearchRecord:
    """What a search draws from, and how: all that decides its proposals but their order.

    Attributes:
        trials: proposals, at most.
        families: drawn from.
        optimizers: drawn from.
        learning_rate: lowest and highest, drawn log-uniformly.
        dropout: lowest and highest, drawn uniformly.
        momentum: lowest and highest, drawn uniformly where the optimizer is SGD.
        sampler: of Optuna: `tpe`, `random`, `gp` or `cmaes`.
        seed: of the sampler, and of every trial's training; confirmation takes the next ones.
        max_epochs: of a trial that ASHA lets finish, and of every confirmation.
        grace: epochs before ASHA's first comparison, its first rung.
        reduction: of the trials at a rung, one in this many goes on.
        batch_size: images a step.
        confirm: best configurations to train again.
        confirm_seeds: how often, each with another seed.
        time_budget_s: seconds after which the search ends; None for no such end.
        target_f1: val macro F1, 0 to 1, at which the search ends; None for no such end.
        precision: of products in training; the key may be missing, as there was no choice at first.
        resnet: of a search of residual networks, the rest of its space; None of any other, where
            the key may be missing.
    """

    trials: int
    families: tuple[str, ...]
    optimizers: tuple[str, ...]
    learning_rate: tuple[float, float]
    dropout: tuple[float, float]
    momentum: tuple[float, float]
    sampler: str
    seed: int
    max_epochs: int
    grace: int
    reduction: int
    batch_size: int
    confirm: int
    confirm_seeds: int
    time_budget_s: float | None
    target_f1: float | None
    precision: Literal["float32", "bfloat16"] = "float32"
    resnet: ResNetSpace | None = None

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest of each setting that is a number; momentum is of SGD alone."""
        bounds_by_name: dict[str, tuple[float, float]] = {
            "momentum": self.momentum,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
        }
        if self.resnet is not None:
            bounds_by_name["weight_decay"] = self.resnet.weight_decay
            bounds_by_name["label_smoothing"] = self.resnet.label_smoothing
            bounds_by_name["width"] = self.resnet.width
        return bounds_by_name

    @property
    def rungs(self) -> list[int]:
        """The epochs, below `max_epochs`, at which ASHA compares trials.

        Each is three times the one before, and a last one lies halfway from there to the end,
        whatever the reduction; why not as far apart as that says, stands in `study.tuning.asha`.
        """
        rung_epochs, epoch = [], self.grace
        while epoch < self.max_epochs:
            rung_epochs.append(epoch)
            epoch *= 3
        halfway = (rung_epochs[-1] + self.max_epochs + 1) // 2 if rung_epochs else self.max_epochs
        return [*rung_epochs, halfway] if halfway < self.max_epochs else rung_epochs


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Confirmation:
    """How a search ended, and what is trained again because of it: written once, at its end.

    Attributes:
        ended_by: `trials` (all were run), `time_budget` or `target_f1`.
        ended_at: ISO 8601, UTC.
        duration_s: of the search, in seconds.
        at_once: trials that ran at the same time; with 1, the seed decides every proposal.
        best: configurations with the best val macro F1, the best first; never one that diverged.
        baseline: the published configurations that they are compared with: the best one of the
            search, or all of the families searched if none was in its space.
        trials: the plan: `best` and `baseline`, each with the same seeds.
    """

    ended_by: EndReason
    ended_at: str
    duration_s: float
    at_once: int
    best: tuple[str, ...]
    baseline: tuple[str, ...]
    trials: tuple[PlannedTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class StudyRecord:
    """What a study is: written once, before its first trial starts.

    Attributes:
        schema_version: of this file format.
        name: of the study, also its folder's.
        kind: of study.
        fingerprint: sha256 over data, planned trials, search and versions; each trial carries it.
        created_at: ISO 8601, UTC.
        command: the words the user typed.
        data: what it is trained on.
        trials: the plan, in the order of the tables; empty in a search, which plans as it goes.
        versions: of Python and the libraries that decide results.
        hardware: what the study ran on, in words (`cpu`, `cores`, `memory`, `gpus`).
        search: of a search, what it draws from; None of a grid.
    """

    schema_version: int
    name: str
    kind: Literal["grid", "search"]
    fingerprint: str
    created_at: str
    command: tuple[str, ...]
    data: DataRecord
    trials: tuple[PlannedTrial, ...]
    versions: Mapping[str, str]
    hardware: Mapping[str, str]
    search: SearchRecord | None = None  # the key may be missing: grids had none at first


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
        status: `complete`; `pruned` (of a search: ended before its last epoch); or `failed`.
        stop_reason: of a complete trial `patience` or `max_epochs`; of a pruned one `asha`,
            `diverged`, or `time_budget` or `target_f1`, which ended the search; else `error`.
        error: one line that says why a trial failed or diverged; None otherwise.
        attempts: how often it was started; 0 if the search ended before it could be.
        epochs: that it ran.
        best_epoch: the one with the best val macro F1, whose weights were kept; None if none.
        started_at: ISO 8601, UTC, of the last attempt.
        duration_s: of the last attempt, in seconds.
        device: `cpu` or the GPU's name; None unless it is complete.
        host: name of the machine it ran on; None unless it is complete.
        parameters: trainable numbers in the model; None unless the trial is complete.
        scores: by split (`val`, and `test` where it was looked at): accuracy, macro_f1,
            weighted_f1, macro_precision, macro_recall, auc, each 0 to 1 or None (undefined).
        files: sha256 of the trial's other files, by path within the study's folder.
        operations: floating-point operations of one image's way through the model; None unless
            the trial is complete. The key is missing where it is None, as it was in every record
            at first.
    """

    id: str
    configuration: str
    config: Mapping[str, Any]
    fingerprint: str
    status: TrialStatus
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
    operations: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class TestEvaluation:
    """One evaluation on the test split.

    Attributes:
        trial: whose model was evaluated.
        at: ISO 8601, UTC.
        reason: why this model was chosen to be looked at.
    """

    trial: str
    at: str
    reason: str


def compute_fingerprint(
    data: DataRecord,
    trial_ids: Sequence[str],
    versions: Mapping[str, str],
    search: SearchRecord | None = None,
) -> str:
    """What tells a study from any other: sha256 over data, planned trials, search and versions.

    Args:
        data: what the study is trained on; its own sha256 stands for it.
        trial_ids: of the plan, in order; each ends in a digest of its configuration and seed.
        versions: as in `StudyRecord`.
        search: as in `StudyRecord`.

    Returns:
        64 hexadecimal digits.
    """
    content: dict[str, object] = {
        "data": data.sha256,
        "trials": list(trial_ids),
        "versions": dict(versions),
    }
    if search is not None:
        settings = asdict(search)
        # As it was when there was no choice.
        if search.precision == "float32":
            del settings["precision"]
        if search.resnet is None:
            del settings["resnet"]
        content["search"] = settings
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


RecordT = TypeVar(
    "RecordT", StudyRecord, PlannedTrial, Confirmation, TrialRecord, EpochRecord, TestEvaluation
)


def to_json(record: RecordT, *, indent: int | None) -> bytes:
    """UTF-8 JSON; NaN becomes null; `indent=None` gives one line."""
    # An older record, written again, stays as it was.
    excluded = {"operations"} if getattr(record, "operations", 0) is None else None
    return _get_adapter(type(record)).dump_json(record, indent=indent, exclude=excluded)


def from_json(record_type: type[RecordT], text: bytes) -> RecordT:
    """The inverse of `to_json`.

    Raises:
        ValueError: not JSON, or not exactly the keys and types of `record_type`.
    """
    record: RecordT = _get_adapter(record_type).validate_json(text)
    return record


# Made once a type: it takes longer than to read a record with it.
_get_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
