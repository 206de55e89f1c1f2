"""The file format of a study, as types: with the modules imported here, its only definition.

A study is one `StudyRecord`, written when it starts, and one `TrialRecord` per trial, written when
the trial ends, with its `EpochRecord`s beside it. `serialization` writes and reads them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pydantic.dataclasses import dataclass

from reports.ledger.planned_trial import Config, PlannedTrial, Precision
from reports.ledger.search_record import SearchRecord
from reports.ledger.serialization import STRICT
from reports.ledger.states import DataKind, StopReason, StudyKind, TrialState

SCHEMA_VERSION = 3


Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ColorStats:
    """The colors of the train images, by which an image is known that is unlike them.

    Of each image there are six numbers: the means of red, green and blue, then their standard
    deviations, in gray levels, 0 to 255.

    Attributes:
        mean: of the six numbers over the train images.
        covariance: 6 x 6, in gray levels squared.
        distance: Mahalanobis distance from `mean` that 99.9 % of the train images do not exceed.
        low: of each number, the value that 99.9 % of the train images are not below.
        high: of each number, the value that 99.9 % of the train images are not above.
    """

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance: float
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DataRecord:
    """Which data a study was trained on.

    Attributes:
        kind: Official file, other file, or synthetic cells.
        path: Absolute path of the file on the driver; None for synthetic cells.
        name: Name of the file; `synthetic` for synthetic cells.
        md5: MD5 of the file's bytes; None for synthetic cells.
        sha256: SHA-256 of the file's bytes, or of the synthetic arrays.
        class_names: Names of the eight classes, in the order of the labels.
        class_counts: Images of each class by split, eight numbers each.
        color_stats: Colors of the train images.
    """

    kind: DataKind
    path: str | None
    name: str
    md5: str | None
    sha256: str
    class_names: tuple[str, ...]
    class_counts: Mapping[str, tuple[int, ...]]
    color_stats: ColorStats


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GridRecord:
    """The settings of a grid, from which its plan follows.

    Attributes:
        configurations: Names of the configurations, in the order of the tables.
        seeds: Number of seeds; seeds 0 to `seeds - 1`, the same for every configuration.
        max_epochs: Maximum number of epochs per trial; None for that of each configuration.
        patience: Epochs without a better val macro F1 before a trial ends.
        width: First-stage channels of the residual networks; None for that of each configuration.
        batch_size: Images per step; None for that of each configuration.
        precision: Precision of matrix products in training.
    """

    configurations: tuple[str, ...]
    seeds: int
    max_epochs: int | None
    patience: int
    width: int | None
    batch_size: int | None
    precision: Precision


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ResourcesRecord:
    """What a study was asked to run with.

    Attributes:
        cpus_per_trial: CPU cores per trial, and threads of a trial on a CPU.
        gpus_per_trial: GPUs per trial, a fraction if trials share one; 0 for the CPU.
        max_concurrent: Maximum number of trials at the same time; None for as many as fit.
        cluster_address: Address of the Ray cluster; None for Ray on the host of the command.
    """

    cpus_per_trial: int
    gpus_per_trial: float
    max_concurrent: int | None
    cluster_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class HardwareRecord:
    """The host that the command ran on; in a cluster, that of the driver.

    Attributes:
        cpu: Model name of the CPU.
        cores: CPU cores available to the process.
        memory_mib: Main memory in MiB.
        gpus: Names of the GPUs that PyTorch sees.
    """

    cpu: str
    cores: int
    memory_mib: int
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SoftwareRecord:
    """The software that decides a trial's result.

    Attributes:
        versions: Versions of Python and of the libraries, by name.
        sources: SHA-256 of the source code of `bloodnets`, `reports` and `study`, by package.
        commit: Git commit of the source code, with `-dirty` if files differ from it; None outside
            a Git checkout. It tells a reader more than a hash does, and decides nothing.
    """

    versions: Mapping[str, str]
    sources: Mapping[str, str]
    commit: str | None

    @property
    def sha256(self) -> str:
        """SHA-256 over versions and sources: 64 hexadecimal digits."""
        return _hash_json({"versions": dict(self.versions), "sources": dict(self.sources)})


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SoftwareChange:
    """A change of software that the user allowed when resuming a study.

    Attributes:
        changed_at: Time of the change, ISO 8601, UTC.
        software: Software of all trials that start after it.
    """

    changed_at: str
    software: SoftwareRecord


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class StudyRecord:
    """What a study is: written once, before its first trial starts.

    Attributes:
        schema_version: of this file format.
        name: of the study, also its folder's.
        kind: of study.
        fingerprint: SHA-256 over data, planned trials, search and software; each trial carries it.
        created_at: ISO 8601, UTC.
        command: Command line, for the reader; nothing is read from it.
        data: what it is trained on.
        trials: the plan, in the order of the tables; empty in a search, which plans as it goes.
        grid: Settings of a grid; None for a search.
        search: Search space and settings of a search; None for a grid.
        resources: Resources that were asked for.
        hardware: Host of the driver.
        software: Software when the study was created; see also `SoftwareChange`.
    """

    schema_version: int
    name: str
    kind: StudyKind
    fingerprint: str
    created_at: str
    command: tuple[str, ...]
    data: DataRecord
    trials: tuple[PlannedTrial, ...]
    grid: GridRecord | None
    search: SearchRecord | None
    resources: ResourcesRecord
    hardware: HardwareRecord
    software: SoftwareRecord


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
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


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TrialRecord:
    """How a trial ended: written once, after its other files.

    Attributes:
        id: as planned.
        configuration: as planned.
        config: as planned.
        fingerprint: Fingerprint of the study.
        software_sha256: `SoftwareRecord.sha256` of the software that trained it.
        state: `complete`; `pruned` (of a search: ended before its last epoch); or `failed`.
        stop_reason: of a complete trial `patience` or `max_epochs`; of a pruned one `asha`,
            `diverged`, or `time_budget` or `target_macro_f1`, which ended the search; else `error`.
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
        operations: Floating-point operations of one image's forward pass; None unless the trial is
            complete.
    """

    id: str
    configuration: str
    config: Config
    fingerprint: str
    software_sha256: str
    state: TrialState
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
    operations: int | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TestEvaluation:
    """One evaluation on the test split.

    Attributes:
        trial_id: whose model was evaluated.
        evaluated_at: ISO 8601, UTC.
        reason: why this model was chosen to be looked at.
    """

    trial_id: str
    evaluated_at: str
    reason: str


def compute_fingerprint(
    data: DataRecord,
    trial_ids: Sequence[str],
    software: SoftwareRecord,
    search: SearchRecord | None,
) -> str:
    """Return what tells a study from any other: a SHA-256 over all that decides its results.

    Args:
        data: Data of the study; its own SHA-256 stands for it.
        trial_ids: Ids of the planned trials, in order; each ends in a digest of configuration and
            seed.
        software: Software that the study was created with.
        search: Settings of a search; None for a grid.

    Returns:
        64 hexadecimal digits.
    """
    return _hash_json(
        {
            "data": data.sha256,
            "trials": list(trial_ids),
            "software": software.sha256,
            "search": None if search is None else asdict(search),
        }
    )


def _hash_json(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
