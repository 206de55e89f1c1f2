"""Types of the records of a study, which define its file format with the modules imported here.

A study has one `StudyRecord`, written when it starts. Each trial has one `TrialRecord`, written
when the trial ends, and one `EpochRecord` per epoch. `serialization` writes and reads them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pydantic.dataclasses import dataclass

from reports.ledger.data_record import DataRecord
from reports.ledger.planned_trial import Config, PlannedTrial, Precision
from reports.ledger.search_record import SearchRecord
from reports.ledger.serialization import STRICT
from reports.ledger.states import StopReason, StudyKind, TrialState

SCHEMA_VERSION = 5
"""Version of the file format. `migration` converts records of older versions."""

Scores = Mapping[str, float | None]

GpusPerTrial = float | Mapping[str, float]
"""GPUs per trial: one number, or a number for each family of a study whose families differ."""


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GridRecord:
    """Settings of a grid, which determine its planned trials.

    Attributes:
        configurations: Names of the configurations, in the order of the tables.
        seeds: Number of seeds; every configuration is trained with the seeds 0 to `seeds - 1`.
        folds: Number of folds of a cross-validation; every configuration is trained with each seed
            on each fold. None without a cross-validation.
        max_epochs: Maximum number of epochs per trial; None for that of each configuration.
        patience: Epochs without a better val macro F1 before a trial ends.
        width: First-stage channels of the residual networks; None for that of each configuration.
        batch_size: Images per step; None for that of each configuration.
        precision: Precision of matrix products in training.
    """

    configurations: tuple[str, ...]
    seeds: int
    folds: int | None
    max_epochs: int | None
    patience: int
    width: int | None
    batch_size: int | None
    precision: Precision


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ResourcesRecord:
    """Resources that the user requested for a study.

    Attributes:
        cpus_per_trial: CPU cores per trial, and threads of a trial on a CPU.
        gpus_per_trial: GPUs per trial; a fraction if trials share one, 0 for training on the CPU.
            If the families of a grid differ, this is an object with a number per family.
        max_concurrent: Maximum number of concurrent trials; None for as many as fit.
        cluster_address: Address of the Ray cluster; None for Ray on the host of the command.
    """

    cpus_per_trial: int
    gpus_per_trial: GpusPerTrial
    max_concurrent: int | None
    cluster_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class HardwareRecord:
    """Hardware of the host that the command ran on; in a cluster, of the driver.

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
    """Software that determines the result of a trial.

    Attributes:
        versions: Versions of Python and of the libraries, by name.
        sources: SHA-256 of the source code of `bloodnets`, `reports` and `study`, by package.
        commit: Git commit of the source code, with `-dirty` if files differ from it; None outside
            a Git checkout. It is for information only and is not part of `software_sha256`.
    """

    versions: Mapping[str, str]
    sources: Mapping[str, str]
    commit: str | None

    @property
    def sha256(self) -> str:
        """SHA-256 of versions and sources, 64 hexadecimal digits."""
        return _hash_json({"versions": dict(self.versions), "sources": dict(self.sources)})


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SoftwareChange:
    """Change of software that the user allowed when resuming a study.

    Attributes:
        changed_at: Time of the change, ISO 8601, UTC.
        software: Software of all trials that start after the change.
    """

    changed_at: str
    software: SoftwareRecord


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class StudyRecord:
    """Settings and plan of a study, written once before its first trial starts.

    Attributes:
        schema_version: Version of the file format.
        name: Name of the study, and of its folder when it was created.
        kind: Kind of the study.
        fingerprint: Digest of the plan: SHA-256 of data, planned trials, search and software.
            Every trial record repeats it.
        created_at: Time of creation, ISO 8601, UTC.
        command: Command line, one element per argument; for information only.
        data: Data of the study.
        trials: Planned trials, in the order of the tables; empty for a search, which proposes its
            trials while it runs.
        grid: Settings of a grid; None for a search.
        search: Search space and settings of a search; None for a grid.
        resources: Resources that the user requested.
        hardware: Hardware of the driver.
        software: Software with which the study was created; see also `SoftwareChange`.
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
    """Result of one epoch, i.e. one pass over the training images.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Mean loss over the training images, in nats, with dropout active and, if the
            configuration has them, with class weights.
        val_loss: Mean loss over the val images after the epoch, in nats, without dropout and
            without class weights.
        val_accuracy: Accuracy on val after the epoch, 0 to 1.
        val_macro_f1: Macro F1 on val after the epoch, 0 to 1.
        duration_s: Duration of training and validation in seconds.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TrialRecord:
    """Result of a trial that ended, written once after its other files.

    Attributes:
        id: Id of the planned trial.
        configuration: Name of the configuration.
        config: Settings of the trial, including the seed.
        fingerprint: Fingerprint of the study.
        software_sha256: `sha256` of the study's software when it ended: that in `study.json`, or
            that of the last `SoftwareChange`.
        state: State of the trial: `complete`, `pruned` or `failed`.
        stop_reason: Reason why it ended: `patience` or `max_epochs` if complete; `asha`,
            `diverged`, `time_budget` or `target_macro_f1` if pruned; `error` if failed.
        error: Reason why it failed or diverged, one line; None for any other trial.
        attempts: Number of starts; 0 if the search ended before the first one.
        epochs: Number of epochs that it ran.
        best_epoch: Epoch with the highest val macro F1, from 1; None without an epoch. A complete
            trial keeps the weights of this epoch.
        started_at: Start of the last attempt, ISO 8601, UTC.
        duration_s: Duration of the last attempt in seconds. For a complete trial, this includes
            epochs that were trained before an interruption.
        device: `cpu` or the name of the GPU; None unless the trial is complete.
        host: Name of the host on which it ran; None unless the trial is complete.
        versions: Versions of Python and of the libraries in the worker process that trained it, by
            name; None if version 3 of the format wrote the record, or if no worker reported them.
        parameters: Number of trainable parameters; None unless the trial is complete.
        scores: Scores by split (`val`, and `test` if evaluated): `accuracy`, `macro_f1`,
            `weighted_f1`, `macro_precision`, `macro_recall` and `auc`, each 0 to 1 or None
            (undefined). Empty unless the trial is complete.
        files: SHA-256 of the trial's other files, by path in the study's folder.
        operations: Floating-point operations of the prediction for one image; None unless the trial
            is complete.
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
    versions: Mapping[str, str] | None
    parameters: int | None
    scores: Mapping[str, Scores]
    files: Mapping[str, str]
    operations: int | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TestEvaluation:
    """One evaluation of a model on the test split; one line of a file of version 3 of the format.

    Attributes:
        trial_id: Id of the trial whose model was evaluated.
        evaluated_at: Time of the entry in the log, ISO 8601, UTC; in version 3, start of the
            attempt that trained the model.
        reason: Reason why this model was evaluated on test.
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
    """Return the fingerprint of a study: a SHA-256 of everything that determines its results.

    Args:
        data: Data of the study, which enter by their own SHA-256 and by whether duplicates were
            dropped.
        trial_ids: Ids of the planned trials, in order. Each ends in a digest of configuration and
            seed.
        software: Software that the study was created with.
        search: Settings of a search; None for a grid.

    Returns:
        Fingerprint, 64 hexadecimal digits.
    """
    return _hash_json(
        {
            "data": data.sha256 if data.dropped is None else [data.sha256, "drop_duplicates"],
            "trials": list(trial_ids),
            "software": software.sha256,
            "search": None if search is None else asdict(search),
        }
    )


def _hash_json(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
