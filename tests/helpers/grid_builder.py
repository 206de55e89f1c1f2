"""Build a study's folder with known results, quickly and without training."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bloodnets.config import TrialConfig
from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import MedMnistFile, parse_option
from bloodnets.storage.location import StudyPath
from reports.ledger import published
from reports.ledger.creation import create_study
from reports.ledger.data_record import ColorStats, DataRecord
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import Config, PlannedTrial, get_replicate_name
from reports.ledger.records import (
    SCHEMA_VERSION,
    EpochRecord,
    GridRecord,
    HardwareRecord,
    ResourcesRecord,
    SoftwareRecord,
    StudyRecord,
    TrialRecord,
    compute_fingerprint,
)
from reports.ledger.states import DataKind, StopReason, StudyKind, TrialState
from reports.verification.configurations import compute_digest
from study.configs.study_config import make_config_record
from tests.helpers.ledger_entries import add_trial, log_start
from tests.helpers.trial_results import halve_matrix, make_epochs, make_split_results, skip_fsync

ConfusionMatrix = NDArray[np.int64]
TrialKey = tuple[str, int]  # configuration and number of the replicate: the seed without folds

# Number of parameters and floating-point operations per image of each family.
FAMILY_COSTS = {
    "mlnn": (4_179_568, 8_354_400),
    "cnn": (422_344, 16_462_848),
    "resnet": (698_888, 68_000_000),
}
SOFTWARE = SoftwareRecord(
    versions={"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.0", "ray": "2.60.0"},
    sources={"bloodnets": "b" * 64, "reports": "c" * 64, "study": "d" * 64},
    commit="e" * 40,
)
GRID_RECORD = GridRecord(
    configurations=("cnn-config-1",),
    seeds=1,
    folds=None,
    max_epochs=None,
    patience=10,
    width=None,
    batch_size=None,
    precision="float32",
)
"""Settings of a grid; no test resumes a built study with them."""
COLOR_STATS = ColorStats(
    mean=(200.0, 180.0, 200.0, 30.0, 40.0, 20.0),
    covariance=tuple(tuple(100.0 if i == k else 0.0 for k in range(6)) for i in range(6)),
    distance=5.0,
    low=(150.0, 130.0, 150.0, 5.0, 5.0, 5.0),
    high=(250.0, 230.0, 250.0, 60.0, 80.0, 50.0),
)
MEDMNIST_FILE = parse_option("tissuemnist:64")
"""File of a study with the data kind `medmnist`; it has eight classes, like BloodMNIST."""
TRAIN_COUNTS = (852, 2181, 1085, 2026, 849, 993, 2330, 1643)

ASYMMETRIC = np.diag([60, 100, 50, 40, 30, 20, 10, 10]).astype(np.int64)
ASYMMETRIC[0, 1] = 40
"""Matrix in which class 0 is often predicted as 1, but never the reverse.

Macro F1 alone would not reveal that a matrix is transposed.
"""


def make_published_matrices(n_seeds: int = 1) -> dict[str, list[ConfusionMatrix]]:
    """Return the eight published matrices, one per seed; later seeds are slightly worse."""
    return {
        row.configuration: [
            worsen_matrix(row.get_confusion_matrix(), n_moved=5 * seed) for seed in range(n_seeds)
        ]
        for row in published.load_published().rows
    }


def worsen_matrix(matrix: ConfusionMatrix, *, n_moved: int) -> ConfusionMatrix:
    """Return the matrix with `n_moved` more errors in each of the first four classes."""
    matrix = matrix.copy()
    for c in range(4):
        matrix[c, c] -= n_moved
        matrix[c, (c + 3) % 8] += n_moved
    return matrix


def make_config(name: str, *, seed: int = 0, **overrides: Any) -> Config:
    """Return the settings of a published configuration; for other names, `overrides` decide."""
    family, _, number = name.partition("-config-")
    is_sgd = number in {"1", "3"}
    values: dict[str, Any] = {
        "family": family if family in {"mlnn", "cnn"} else "cnn",
        "loss": "nll" if number in {"3", "4"} else "cross_entropy",
        "optimizer": "sgd" if is_sgd else "adam",
        "learning_rate": 0.01 if is_sgd else 0.001,
        "momentum": 0.9 if is_sgd else None,
        "dropout": 0.2,
        "seed": seed,
    }
    return make_config_record(TrialConfig(**(values | overrides)))


def remove_class(matrix: ConfusionMatrix, index: int) -> ConfusionMatrix:
    """Return a matrix without the images of a class."""
    matrix = matrix.copy()
    matrix[index] = 0
    return matrix


@skip_fsync()
def build_grid(
    location: StudyPath,
    matrices: Mapping[str, Sequence[ConfusionMatrix]],
    *,
    kind: DataKind = DataKind.OFFICIAL,
    failed_trials: Mapping[TrialKey, str] | None = None,
    missing_trials: Collection[TrialKey] = (),
    class_names: tuple[str, ...] = CLASS_NAMES,
    config_overrides: Mapping[str, Mapping[str, Any]] | None = None,
    record_overrides: Mapping[str, Mapping[str, Any]] | None = None,
    folds: int | None = None,
) -> Ledger:
    """Build a study in `location`, which must not exist; the study has the folder's name.

    Args:
        location: Folder or address of the study.
        matrices: Test matrices `confusion[true, predicted]` by configuration, one per replicate.
        kind: Kind of the data.
        failed_trials: Errors of failed trials, by configuration and number of the replicate.
        missing_trials: The same of trials that are planned but not in the ledger.
        class_names: Names of the eight classes; ignored for `medmnist`, which is TissueMNIST.
        config_overrides: Settings that differ from `make_config`, by configuration.
        record_overrides: Further settings in the records, by configuration; they are not validated.
        folds: Number of folds, which count fastest among the replicates; None for seeds only.
    """
    failed_trials, config_overrides = failed_trials or {}, config_overrides or {}
    trial_by_key = {
        (name, number): _plan_trial(
            name,
            _make_replicate_settings(number, folds) | dict(config_overrides.get(name, {})),
            (record_overrides or {}).get(name),
        )
        for name, replicates in matrices.items()
        for number in range(len(replicates))
    }
    first_matrix = next(iter(matrices.values()))[0]
    record = make_grid_record(
        location.name, kind, class_names, first_matrix, [*trial_by_key.values()]
    )
    record = replace(record, grid=replace(GRID_RECORD, folds=folds))
    ledger = create_study(location, record)
    for (name, number), planned in trial_by_key.items():
        if (name, number) in failed_trials:
            _add_failed_trial(ledger, planned, failed_trials[name, number])
        elif (name, number) not in missing_trials:
            _add_grid_trial(ledger, planned, matrices[name][number], number)
    return ledger


def _make_replicate_settings(number: int, folds: int | None) -> dict[str, Any]:
    if folds is None:
        return {"seed": number}
    return {"seed": number // folds, "folds": folds, "fold": number % folds}


def add_complete_trial(
    ledger: Ledger,
    record: TrialRecord,
    *,
    epochs: Iterable[EpochRecord],
    model: bytes = b"no weights",
    predictions: bytes,
    test_reason: str | None,
) -> None:
    """Enter a complete trial, after writing the files that its worker would have written."""
    files = {
        f"models/{record.id}.safetensors": model,
        f"predictions/{record.id}.npz": predictions,
    }
    for name, content in files.items():
        ledger.files.write(name, content)
    log_start(ledger, record.id)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    add_trial(ledger, replace(record, files=hashes), epochs=epochs, test_reason=test_reason)


def make_grid_record(
    name: str,
    kind: DataKind,
    class_names: tuple[str, ...],
    test_matrix: ConfusionMatrix,
    planned_trials: list[PlannedTrial],
) -> StudyRecord:
    """Return the record of a grid; `test_matrix` sets the class counts of val and test."""
    data = _make_data_record(kind, class_names, test_matrix)
    return StudyRecord(
        schema_version=SCHEMA_VERSION,
        name=name,
        kind=StudyKind.GRID,
        fingerprint=compute_fingerprint(
            data, [planned.id for planned in planned_trials], SOFTWARE, None
        ),
        created_at="2026-01-02T03:04:05Z",
        command=("bloodstudy", "grid", "--name", name),
        data=data,
        trials=tuple(planned_trials),
        grid=GRID_RECORD,
        search=None,
        resources=ResourcesRecord(
            cpus_per_trial=1, gpus_per_trial=0.0, max_concurrent=None, cluster_address=None
        ),
        hardware=HardwareRecord(cpu="Imaginary 9000", cores=2, memory_mib=8192, gpus=()),
        software=SOFTWARE,
    )


def to_medmnist(data: DataRecord, file: MedMnistFile) -> DataRecord:
    """Return the record as if the data were a file of MedMNIST other than the official one."""
    return replace(
        data,
        kind=DataKind.MEDMNIST,
        path=f"/data/{file.file_name}",
        name=file.file_name,
        md5=file.md5,
        class_names=file.data_set.class_names,
        channels=file.data_set.channels,
        side=file.side,
    )


def _make_data_record(
    kind: DataKind, class_names: tuple[str, ...], test_matrix: ConfusionMatrix
) -> DataRecord:
    if kind is DataKind.MEDMNIST:
        file_data = _make_data_record(DataKind.FILE, class_names, test_matrix)
        return to_medmnist(file_data, MEDMNIST_FILE)
    path_by_kind = {"official": "/data/bloodmnist.npz", "file": "/data/my_cells.npz"}
    name_by_kind = {"official": "bloodmnist.npz", "file": "my_cells.npz", "synthetic": "synthetic"}
    md5_by_kind = {
        "official": "7053d0359d879ad8a5505303e11de1dc",
        "file": "e" * 32,
        "synthetic": None,
    }
    matrices = {"val": halve_matrix(test_matrix), "test": test_matrix}
    class_counts = {split: tuple(matrix.sum(axis=1).tolist()) for split, matrix in matrices.items()}
    return DataRecord(
        kind=kind,
        path=path_by_kind.get(kind),
        name=name_by_kind[kind],
        md5=md5_by_kind[kind],
        sha256="0123456789abcdef" * 4,
        class_names=class_names,
        channels=3,
        side=28,
        class_counts={"train": TRAIN_COUNTS, **class_counts},
        color_stats=COLOR_STATS,
        dropped=None,
        duplicates=None,
        groups=None,
        test_sha256=None,
    )


def _plan_trial(
    name: str, settings: Mapping[str, Any], record_overrides: Mapping[str, Any] | None
) -> PlannedTrial:
    config_values = cast("Config", {**make_config(name, **settings), **(record_overrides or {})})
    # The name of a configuration is arbitrary; that of a file is not.
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())
    trial_id = f"{slug}-{get_replicate_name(config_values)}-{compute_digest(config_values)}"
    return PlannedTrial(id=trial_id, configuration=name, config=config_values)


def _add_grid_trial(
    ledger: Ledger, planned: PlannedTrial, matrix: ConfusionMatrix, number: int
) -> None:
    scores, predictions = make_split_results({"val": halve_matrix(matrix), "test": matrix}, number)
    best_epoch = 20 + 3 * (number % 20)  # bounded, however many replicates there are
    epochs = make_epochs(
        planned, best_epoch + int(planned.config["patience"]), best_epoch, scores["val"]
    )
    record = _make_trial_record(ledger, planned, epochs, error=None, scores=scores)
    test_reason = "planned: one look a replicate"
    add_complete_trial(
        ledger, record, epochs=epochs, predictions=predictions, test_reason=test_reason
    )


def _add_failed_trial(ledger: Ledger, planned: PlannedTrial, error: str) -> None:
    epochs = make_epochs(planned, 3, 3, {"accuracy": 0.8, "macro_f1": 0.75})
    record = _make_trial_record(ledger, planned, epochs, error=error, scores={})
    add_trial(ledger, record, epochs=epochs, test_reason=None)


def _make_trial_record(
    ledger: Ledger,
    planned: PlannedTrial,
    epochs: list[EpochRecord],
    *,
    error: str | None,
    scores: Mapping[str, Mapping[str, float]],
) -> TrialRecord:
    return TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=ledger.study.fingerprint,
        software_sha256=ledger.current_software.sha256,
        state=TrialState.FAILED if error else TrialState.COMPLETE,
        stop_reason=StopReason.ERROR if error else StopReason.PATIENCE,
        error=error,
        attempts=2 if error else 1,
        epochs=len(epochs),
        best_epoch=max(epochs, key=lambda epoch: epoch.val_macro_f1).epoch,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * len(epochs),
        device="cpu",
        host="here",
        versions=None,
        parameters=FAMILY_COSTS[planned.config["family"]][0],
        scores=scores,
        files={},
        operations=None if error else FAMILY_COSTS[planned.config["family"]][1],
    )
