"""A study's folder with known results: made in a moment, without training anything."""

import io
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.config import TrialConfig
from reports import published
from reports.ledger import Ledger
from reports.records import (
    SCHEMA_VERSION,
    DataKind,
    DataRecord,
    EpochRecord,
    PlannedTrial,
    StudyRecord,
    TrialRecord,
)

Matrix = NDArray[np.int64]
Trial = tuple[str, int]  # configuration and seed

CLASS_NAMES = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)
TRAIN = (852, 2181, 1085, 2026, 849, 993, 2330, 1643)
VAL = (122, 312, 155, 290, 122, 143, 333, 235)
FINGERPRINT = "5" * 64


def published_matrices(seeds: int = 1) -> dict[str, list[Matrix]]:
    """The eight published matrices, one for each seed; seeds after the first are a bit worse."""
    return {
        row.configuration: [worse(row.matrix(), moved=5 * seed) for seed in range(seeds)]
        for row in published.load().rows
    }


def worse(matrix: Matrix, *, moved: int) -> Matrix:
    """`matrix` with `moved` right predictions of each of the first four classes made wrong."""
    matrix = matrix.copy()
    for c in range(4):
        matrix[c, c] -= moved
        matrix[c, (c + 3) % 8] += moved
    return matrix


def config(name: str, *, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """The settings of `mlnn-config-1` … `cnn-config-4`; of an unknown name, `changes` decide."""
    family, _, number = name.partition("-config-")
    sgd = number in {"1", "3"}
    values: dict[str, Any] = {
        "family": family if family in {"mlnn", "cnn"} else "cnn",
        "loss": "nll" if number in {"3", "4"} else "cross_entropy",
        "optimizer": "sgd" if sgd else "adam",
        "learning_rate": 0.01 if sgd else 0.001,
        "momentum": 0.9 if sgd else None,
        "dropout": 0.2,
        "seed": seed,
    }
    return TrialConfig(**(values | changes)).to_dict()


def build(
    folder: Path,
    matrices: Mapping[str, Sequence[Matrix]],
    *,
    kind: DataKind = "official",
    failed: Mapping[Trial, str] | None = None,
    missing: Collection[Trial] = (),
    class_names: tuple[str, ...] = CLASS_NAMES,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Ledger:
    """Make a study in `folder`, which must not exist; the study has the folder's name.

    Args:
        folder: of the study.
        matrices: of each configuration, one `confusion[true, predicted]` a seed.
        kind: of the data.
        failed: trials that ended with an error, and the error.
        missing: trials that are planned and not in the ledger.
        class_names: eight.
        changes: settings of configurations whose names are not the published ones.
    """
    plan = [
        PlannedTrial(
            id=f"{_slug(name)}-s{seed}-1a2b3c4d",
            configuration=name,
            config=config(name, seed=seed, **(changes or {}).get(name, {})),
        )
        for name, replicates in matrices.items()
        for seed in range(len(replicates))
    ]
    counts = next(iter(matrices.values()))[0].sum(axis=1)
    ledger = Ledger.create(folder, _study(folder.name, kind, class_names, counts, plan))
    with TemporaryDirectory() as scratch:
        for planned in plan:
            trial = (planned.configuration, int(planned.config["seed"]))
            if trial in (failed or {}):
                _enter_failed(ledger, planned, (failed or {})[trial])
            elif trial not in missing:
                _enter(ledger, planned, matrices[trial[0]][trial[1]], Path(scratch))
    return ledger


def _study(
    name: str,
    kind: DataKind,
    class_names: tuple[str, ...],
    test_counts: Matrix,
    plan: list[PlannedTrial],
) -> StudyRecord:
    names: dict[DataKind, str] = {
        "official": "bloodmnist.npz",
        "file": "my_cells.npz",
        "rendered": "rendered",
    }
    md5 = {"official": "7053d0359d879ad8a5505303e11de1dc", "file": "e" * 32, "rendered": None}
    return StudyRecord(
        schema_version=SCHEMA_VERSION,
        name=name,
        kind="grid",
        fingerprint=FINGERPRINT,
        created_at="2026-01-02T03:04:05Z",
        command=("bloodstudy", "grid", "--name", name),
        data=DataRecord(
            kind=kind,
            name=names[kind],
            md5=md5[kind],
            sha256="0123456789abcdef" * 4,
            class_names=class_names,
            class_counts={"train": TRAIN, "val": VAL, "test": tuple(int(n) for n in test_counts)},
        ),
        trials=tuple(plan),
        versions={"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.0", "ray": "2.60.0"},
        hardware={"cpu": "Imaginary 9000", "cores": "2", "memory": "8 GiB", "gpus": "none"},
    )


def _epochs(planned: PlannedTrial, last: int) -> list[EpochRecord]:
    """A falling loss and a rising F1, equal for equal settings but the loss, with some noise."""
    # No hash(): it differs between processes.
    traits = [planned.config["family"] == "cnn", planned.config["optimizer"] == "adam"]
    random = np.random.default_rng([*map(int, traits), int(planned.config["seed"])])
    noise = random.normal(scale=0.03 if traits[1] else 0.01, size=last)
    speed = 3 if traits[1] else 6
    return [
        EpochRecord(
            epoch=epoch,
            train_loss=(0.1 + 1.4 * math.exp(-epoch / speed)) * math.exp(noise[epoch - 1]),
            val_loss=0.3 + math.exp(-epoch / speed),
            val_accuracy=0.9 - 0.5 * math.exp(-epoch / speed),
            val_macro_f1=0.88
            + 0.05 * traits[0]
            - 0.5 * math.exp(-epoch / speed)
            - noise[-epoch] / 5,
            duration_s=2.5,
        )
        for epoch in range(1, last + 1)
    ]


def _predictions(matrix: Matrix, seed: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Probabilities whose argmax gives exactly `matrix`, and the labels."""
    cells = [(t, p) for t in range(8) for p in range(8) for _ in range(int(matrix[t, p]))]
    labels, predicted = np.array(cells).T
    probabilities = np.random.default_rng(seed).uniform(size=(len(cells), 8))
    probabilities[np.arange(len(cells)), predicted] += 2
    probabilities[np.arange(len(cells)), labels] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), labels.astype(np.uint8)


def _enter(ledger: Ledger, planned: PlannedTrial, matrix: Matrix, scratch: Path) -> None:
    probabilities, labels = _predictions(matrix, int(planned.config["seed"]))
    predicted = probabilities.argmax(axis=1)
    scores = metrics.scores(metrics.confusion_matrix(labels, predicted))
    scores["auc"] = metrics.auc(labels, probabilities)
    epochs = _epochs(planned, 30 + 3 * int(planned.config["seed"]))
    buffer = io.BytesIO()
    np.savez(
        buffer,
        val_probabilities=probabilities,
        val_labels=labels,
        test_probabilities=probabilities,
        test_labels=labels,
    )
    files = {f"predictions/{planned.id}.npz": scratch / "predictions.npz"}
    files[f"models/{planned.id}.safetensors"] = scratch / "model"
    (scratch / "predictions.npz").write_bytes(buffer.getvalue())
    (scratch / "model").write_bytes(b"no weights")
    record = _record(planned, "complete", len(epochs), None, {"val": scores, "test": scores})
    ledger.enter(record, epochs=epochs, files=files, look="planned: one look a replicate")


def _enter_failed(ledger: Ledger, planned: PlannedTrial, error: str) -> None:
    epochs = _epochs(planned, 3)
    record = _record(planned, "failed", len(epochs), error, {})
    ledger.enter(record, epochs=epochs, files={}, look=None)


def _record(
    planned: PlannedTrial,
    status: Any,
    epochs: int,
    error: str | None,
    scores: Mapping[str, Mapping[str, float]],
) -> TrialRecord:
    return TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=FINGERPRINT,
        status=status,
        stop_reason="error" if error else "patience",
        error=error,
        attempts=2 if error else 1,
        epochs=epochs,
        best_epoch=None if error else epochs - 10,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * epochs,
        device="cpu",
        host="here",
        parameters=4_179_568 if planned.config["family"] == "mlnn" else 422_344,
        scores=scores,
        files={},
    )


def _slug(name: str) -> str:
    """A configuration may be named anything; a trial's files may not."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
