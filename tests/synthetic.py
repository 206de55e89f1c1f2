"""A study's folder with known results: made in a moment, without training anything."""

import hashlib
import io
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.config import TrialConfig
from bloodnets.storage.backends import Place
from reports.ledger import published
from reports.ledger.ledger import Ledger
from reports.ledger.records import (
    SCHEMA_VERSION,
    DataKind,
    DataRecord,
    EpochRecord,
    PlannedTrial,
    StudyRecord,
    TrialRecord,
    fingerprint,
)
from reports.verification.search import digest

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
# Of each family: parameters, and floating-point operations of one image.
SIZES = {
    "mlnn": (4_179_568, 8_354_400),
    "cnn": (422_344, 16_462_848),
    "resnet": (698_888, 68_000_000),
}
TRAIN = (852, 2181, 1085, 2026, 849, 993, 2330, 1643)


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
    folder: Place,
    matrices: Mapping[str, Sequence[Matrix]],
    *,
    kind: DataKind = "official",
    failed: Mapping[Trial, str] | None = None,
    missing: Collection[Trial] = (),
    class_names: tuple[str, ...] = CLASS_NAMES,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    entered: Mapping[str, Mapping[str, Any]] | None = None,
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
        entered: settings that the records have besides, whether or not they can be trained.
    """
    plan = [
        _planned(
            name,
            config(name, seed=seed, **(changes or {}).get(name, {}))
            | dict((entered or {}).get(name, {})),
        )
        for name, replicates in matrices.items()
        for seed in range(len(replicates))
    ]
    first = next(iter(matrices.values()))[0]
    ledger = Ledger.create(folder, _study(folder.name, kind, class_names, first, plan))
    for planned in plan:
        trial = (planned.configuration, int(planned.config["seed"]))
        if trial in (failed or {}):
            _enter_failed(ledger, planned, (failed or {})[trial])
        elif trial not in missing:
            _enter(ledger, planned, matrices[trial[0]][trial[1]])
    return ledger


def enter(
    ledger: Ledger,
    record: TrialRecord,
    *,
    epochs: Iterable[EpochRecord],
    model: bytes = b"no weights",
    predictions: bytes,
    look: str | None,
) -> None:
    """Enter a complete trial, after writing what its worker would have written."""
    files = {
        f"models/{record.id}.safetensors": model,
        f"predictions/{record.id}.npz": predictions,
    }
    for name, content in files.items():
        ledger.files.write(name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    ledger.enter(replace(record, files=hashes), epochs=epochs, look=look)


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of an npz file."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def halved(matrix: Matrix) -> Matrix:
    """Val's matrix for a `matrix` of test: half of each class, and half of its mistakes."""
    half = matrix // 2
    # Halves of odd numbers are right ones, so that equal classes stay equal.
    half[np.diag_indices(8)] += matrix.sum(axis=1) // 2 - half.sum(axis=1)
    return half


def _planned(name: str, settings: dict[str, Any]) -> PlannedTrial:
    # A configuration may be named anything; a trial's files may not.
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())
    trial_id = f"{slug}-s{settings['seed']}-{digest(settings)}"
    return PlannedTrial(id=trial_id, configuration=name, config=settings)


def _study(
    name: str, kind: DataKind, class_names: tuple[str, ...], test: Matrix, plan: list[PlannedTrial]
) -> StudyRecord:
    names = {"official": "bloodmnist.npz", "file": "my_cells.npz", "rendered": "rendered"}
    md5 = {"official": "7053d0359d879ad8a5505303e11de1dc", "file": "e" * 32, "rendered": None}
    splits = {"val": halved(test), "test": test}
    counts = {split: tuple(matrix.sum(axis=1).tolist()) for split, matrix in splits.items()}
    data = DataRecord(
        kind=kind,
        name=names[kind],
        md5=md5[kind],
        sha256="0123456789abcdef" * 4,
        class_names=class_names,
        class_counts={"train": TRAIN, **counts},
    )
    versions = {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.0", "ray": "2.60.0"}
    return StudyRecord(
        schema_version=SCHEMA_VERSION,
        name=name,
        kind="grid",
        fingerprint=fingerprint(data, [planned.id for planned in plan], versions),
        created_at="2026-01-02T03:04:05Z",
        command=("bloodstudy", "grid", "--name", name),
        data=data,
        trials=tuple(plan),
        versions=versions,
        hardware={"cpu": "Imaginary 9000", "cores": "2", "memory": "8 GiB", "gpus": "none"},
    )


def _epochs(
    planned: PlannedTrial, last: int, best: int, reached: Mapping[str, float]
) -> list[EpochRecord]:
    """A falling loss and rising scores, equal for equal settings but the loss, with some noise.

    Accuracy and macro F1 on val are highest at `best`, where they are those `reached`.
    """
    # No hash(): it differs between processes.
    traits = [planned.config["family"] == "cnn", planned.config["optimizer"] == "adam"]
    random = np.random.default_rng([*map(int, traits), int(planned.config["seed"])])
    noise = random.normal(scale=0.03 if traits[1] else 0.01, size=last)
    speed = 3 if traits[1] else 6
    part = 0.998 - 0.5 * np.exp(-np.arange(1, last + 1) / speed) - np.abs(noise[::-1]) / 5
    part[best - 1] = 1
    return [
        EpochRecord(
            epoch=epoch,
            train_loss=(0.1 + 1.4 * math.exp(-epoch / speed)) * math.exp(noise[epoch - 1]),
            val_loss=0.3 + math.exp(-epoch / speed),
            val_accuracy=reached["accuracy"] * part[epoch - 1],
            val_macro_f1=reached["macro_f1"] * part[epoch - 1],
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


def _enter(ledger: Ledger, planned: PlannedTrial, matrix: Matrix) -> None:
    seed = int(planned.config["seed"])
    scores: dict[str, dict[str, float]] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for split, own in (("val", halved(matrix)), ("test", matrix)):
        probabilities, labels = _predictions(own, seed)
        scores[split] = metrics.scores(metrics.confusion_matrix(labels, probabilities.argmax(1)))
        scores[split]["auc"] = metrics.auc(labels, probabilities)
        arrays |= {f"{split}_probabilities": probabilities, f"{split}_labels": labels}
    best = 20 + 3 * (seed % 20)  # of many seeds, the last ones train no longer than the first
    epochs = _epochs(planned, best + int(planned.config["patience"]), best, scores["val"])
    record = _record(ledger, planned, epochs, error=None, scores=scores)
    look = "planned: one look a replicate"
    enter(ledger, record, epochs=epochs, predictions=packed(arrays), look=look)


def _enter_failed(ledger: Ledger, planned: PlannedTrial, error: str) -> None:
    epochs = _epochs(planned, 3, 3, {"accuracy": 0.8, "macro_f1": 0.75})
    record = _record(ledger, planned, epochs, error=error, scores={})
    ledger.enter(record, epochs=epochs, look=None)


def _record(
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
        status="failed" if error else "complete",
        stop_reason="error" if error else "patience",
        error=error,
        attempts=2 if error else 1,
        epochs=len(epochs),
        best_epoch=max(epochs, key=lambda epoch: epoch.val_macro_f1).epoch,
        started_at="2026-01-02T03:04:05Z",
        duration_s=2.5 * len(epochs),
        device="cpu",
        host="here",
        parameters=SIZES[planned.config["family"]][0],
        scores=scores,
        files={},
        operations=None if error else SIZES[planned.config["family"]][1],
    )
