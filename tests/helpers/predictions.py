"""Make predictions in memory, with given matrices or simulated with given accuracies."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from bloodnets.metrics import IntArray
from reports.ledger.test_predictions import TestPredictions

TRIAL_COLUMNS = ("configuration", "family", "loss", "optimizer", "replicate")

GRID_ACCURACIES = {
    f"{family} {loss} {optimizer}": accuracy
    for family, accuracy in (("mlnn", 0.85), ("cnn", 0.92))
    for loss in ("cross_entropy", "nll")
    for optimizer in ("sgd", "adam")
}
"""Accuracies of a grid in which the family matters, but not the loss or the optimizer."""


def make_no_predictions() -> TestPredictions:
    """Return predictions without any trial."""
    empty: NDArray[np.float32] = np.empty((0, 0, 8), np.float32)
    return TestPredictions(
        trials=pd.DataFrame(columns=[*TRIAL_COLUMNS]),
        labels=np.empty(0, np.int64),
        probabilities=empty,
    )


def predict_matrices(*matrices: IntArray, names: Sequence[str] = ()) -> TestPredictions:
    """Return predictions with given confusion matrices.

    Args:
        matrices: `confusion[true, predicted]`, one per trial, with equal row sums.
        names: Names of the configurations, one per trial; by default all are `a`.

    Returns:
        Predictions ordered by true class, then by predicted class.
    """
    cells = [np.argwhere(np.ones((8, 8))).repeat(matrix.ravel(), axis=0) for matrix in matrices]
    random = np.random.default_rng(0)
    probabilities = []
    for cell in cells:
        raw = random.uniform(size=(len(cell), 8))
        raw[np.arange(len(cell)), cell[:, 1]] += 1
        probabilities.append((raw / raw.sum(axis=1, keepdims=True)).astype(np.float32))
    names = list(names) or ["a"] * len(matrices)
    replicates = [f"s{names[:i].count(name)}" for i, name in enumerate(names)]
    return TestPredictions(
        trials=pd.DataFrame({"configuration": names, "family": "cnn", "replicate": replicates}),
        labels=cells[0][:, 0],
        probabilities=np.stack(probabilities),
    )


def simulate_predictions(
    accuracies: Mapping[str, float],
    *,
    n_images: int = 2000,
    n_seeds: int = 3,
    spread: float = 0.0,
) -> TestPredictions:
    """Return predictions with random errors; some images are hard for all trials.

    Args:
        accuracies: Expected accuracy by configuration, named "family loss optimizer".
        n_images: Number of test images.
        n_seeds: Number of seeds of each configuration.
        spread: Standard deviation of the expected accuracy between seeds.
    """
    random = np.random.default_rng(5)
    labels = random.integers(8, size=n_images)
    hardness = np.sqrt(0.8) * random.normal(size=n_images)
    rows, probabilities = [], []
    for name, accuracy in accuracies.items():
        for seed in range(n_seeds):
            own = ndtri(accuracy + random.normal(scale=spread))
            right = hardness + np.sqrt(0.2) * random.normal(size=n_images) < own
            predicted = np.where(right, labels, (labels + random.integers(1, 8)) % 8)
            probabilities.append(np.eye(8, dtype=np.float32)[predicted])
            family, loss, optimizer = name.split()
            settings = {"family": family, "loss": loss, "optimizer": optimizer}
            rows.append({"configuration": name, "replicate": f"s{seed}", **settings})
    return TestPredictions(
        trials=pd.DataFrame(rows), labels=labels, probabilities=np.stack(probabilities)
    )
