"""Make the results of a trial with a given confusion matrix, as its worker would report them."""

import io
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bloodnets import metrics
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord


def halve_matrix(matrix: metrics.IntArray) -> metrics.IntArray:
    """Return a val matrix for a test matrix: half of each class, and half of its errors."""
    half_matrix = matrix // 2
    # Remainders count as correct, so that classes of equal size stay equal.
    half_matrix[np.diag_indices(8)] += matrix.sum(axis=1) // 2 - half_matrix.sum(axis=1)
    return half_matrix


class SplitPredictions(NamedTuple):
    """Probabilities, shape (n, 8), labels, shape (n,), and their AUC."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]
    auc: float


def make_split_results(
    matrices: Mapping[str, metrics.IntArray], seed: int
) -> tuple[dict[str, dict[str, float]], bytes]:
    """Return scores by split, and the content of the predictions file that they follow from.

    Args:
        matrices: `confusion[true, predicted]` by split.
        seed: Seed of the trial.
    """
    scores: dict[str, dict[str, float]] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for split, matrix in matrices.items():
        predictions = make_predictions(matrix, seed)
        scores[split] = metrics.compute_scores(matrix) | {"auc": predictions.auc}
        arrays[f"{split}_probabilities"] = predictions.probabilities
        arrays[f"{split}_labels"] = predictions.labels
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return scores, buffer.getvalue()


def make_predictions(matrix: metrics.IntArray, seed: int) -> SplitPredictions:
    """Return predictions whose argmax gives exactly `confusion[true, predicted]`."""
    return _make_predictions(matrix.astype(np.int64).tobytes(), seed)


# An AUC takes longer than anything else here, and many tests use the same matrix.
@lru_cache(maxsize=256)
def _make_predictions(matrix_bytes: bytes, seed: int) -> SplitPredictions:
    counts = np.frombuffer(matrix_bytes, dtype=np.int64)
    n_classes = math.isqrt(counts.size)
    true_classes, predicted_classes = (
        indices.ravel() for indices in np.indices((n_classes, n_classes))
    )
    labels, predicted = true_classes.repeat(counts), predicted_classes.repeat(counts)
    probabilities = np.random.default_rng(seed).uniform(size=(labels.size, n_classes))
    probabilities[np.arange(labels.size), predicted] += 2
    probabilities[np.arange(labels.size), labels] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    rounded = probabilities.astype(np.float32)
    return SplitPredictions(rounded, labels.astype(np.uint8), metrics.compute_auc(labels, rounded))


@contextmanager
def skip_fsync() -> Iterator[None]:
    """Let `os.fsync` only check the descriptor: a test's study need not survive a power failure."""
    with mock.patch.object(os, "fsync", os.fstat):
        yield


def make_epochs(
    planned: PlannedTrial, n_epochs: int, best_epoch: int, best_scores: Mapping[str, float]
) -> list[EpochRecord]:
    """Return epochs with a falling loss and rising scores, with some noise.

    They are equal for settings that differ only in the loss. Accuracy and macro F1 on val are
    highest at `best_epoch`, where they are `best_scores`.
    """
    # hash() would differ between processes.
    traits = [planned.config["family"] == "cnn", planned.config["optimizer"] == "adam"]
    rng = np.random.default_rng([*map(int, traits), int(planned.config["seed"])])
    noise = rng.normal(scale=0.03 if traits[1] else 0.01, size=n_epochs)
    time_constant = 3 if traits[1] else 6
    progress = (
        0.998 - 0.5 * np.exp(-np.arange(1, n_epochs + 1) / time_constant) - np.abs(noise[::-1]) / 5
    )
    progress[best_epoch - 1] = 1
    return [
        EpochRecord(
            epoch=epoch,
            train_loss=(0.1 + 1.4 * math.exp(-epoch / time_constant)) * math.exp(noise[epoch - 1]),
            val_loss=0.3 + math.exp(-epoch / time_constant),
            val_accuracy=best_scores["accuracy"] * progress[epoch - 1],
            val_macro_f1=best_scores["macro_f1"] * progress[epoch - 1],
            duration_s=2.5,
        )
        for epoch in range(1, n_epochs + 1)
    ]


def make_curve_epochs(curve: list[float], accuracy_ratio: float) -> list[EpochRecord]:
    """Return epochs with a given macro F1 on val, and accuracies in a fixed ratio to it."""
    return [
        EpochRecord(
            epoch=epoch,
            train_loss=1.5 - value,
            val_loss=1.6 - value,
            val_accuracy=value * accuracy_ratio,
            val_macro_f1=value,
            duration_s=2.5,
        )
        for epoch, value in enumerate(curve, start=1)
    ]
