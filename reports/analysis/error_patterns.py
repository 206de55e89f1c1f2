"""Errors on test by cell of the confusion matrix: who takes part, and how alike are two patterns.

An error is an image and a trial that took it for another class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from bloodnets.constants import NUM_CLASSES
from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import N_RESAMPLES, bootstrap_counts, find_trial_rows
from reports.analysis.intervals import Estimate, estimate_mean
from reports.ledger.loading import TestPredictions

AnyFloatArray = NDArray[np.floating[Any]]

CENTRAL_CLASS = 3
"""The class that the paper calls central to confusion."""

_OFF_DIAGONAL = np.flatnonzero(~np.eye(NUM_CLASSES, dtype=bool))
_MAX_CORRELATION = 1 - 1e-9  # Fisher's z of 1 is infinite


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionErrors:
    """Errors of each trial on test, by cell of the confusion matrix; the diagonal is 0.

    Attributes:
        trials: as in `TestPredictions`.
        counts: shape (trials, 8, 8).
        resampled: on each draw of the images, float32, shape (trials, N_RESAMPLES, 8, 8).
    """

    trials: pd.DataFrame
    counts: FloatArray
    resampled: NDArray[np.float32]

    def sum_groups(self, *groups: Sequence[str]) -> list[tuple[FloatArray, NDArray[np.float32]]]:
        """Sums over the configurations of each group, by the seeds that all groups have.

        Returns:
            For each group, shapes (seeds, 8, 8) and (N_RESAMPLES, seeds, 8, 8).
        """
        rows = find_trial_rows(self.trials, [name for group in groups for name in group])
        rows = rows[:, (rows >= 0).all(axis=0)]
        sums, first_row = [], 0
        for group in groups:
            shape = (rows.shape[1], NUM_CLASSES, NUM_CLASSES)
            counts: FloatArray = np.zeros(shape)
            resampled: NDArray[np.float32] = np.zeros((N_RESAMPLES, *shape), np.float32)
            for trial_row in rows[first_row : first_row + len(group)]:
                counts += self.counts[trial_row]
                resampled += np.moveaxis(self.resampled[trial_row], 0, 1)
            sums.append((counts, resampled))
            first_row += len(group)
        return sums


def count_confusion_errors(predictions: TestPredictions) -> ConfusionErrors:
    """Count the errors of every trial, on the test images and on draws of them."""
    labels, predicted = predictions.labels, predictions.predicted_classes
    resampled = np.empty((len(predicted), N_RESAMPLES, NUM_CLASSES, NUM_CLASSES), np.float32)
    # A picture of each trial with a row a cell: few images are wrong, so it is nearly empty.
    cell_matrices = [_make_cell_matrix(labels, trial_array) for trial_array in predicted]
    start = 0
    for chunk in bootstrap_counts(labels.size) if len(predicted) else ():
        stop, by_image = start + len(chunk), np.ascontiguousarray(chunk.T)
        for trial_cells, cell_matrix in zip(resampled, cell_matrices, strict=True):
            trial_cells[start:stop] = (cell_matrix @ by_image).T.reshape(
                -1, NUM_CLASSES, NUM_CLASSES
            )
        start = stop
    counts = [picture.sum(axis=1).reshape(NUM_CLASSES, NUM_CLASSES) for picture in cell_matrices]
    return ConfusionErrors(
        trials=predictions.trials, counts=np.array(counts, dtype=np.float64), resampled=resampled
    )


def _make_cell_matrix(labels: IntArray, predicted: IntArray) -> sparse.csr_array:
    """1 where an image is wrong, in the row of its cell, shape (64, n)."""
    wrong_images = np.flatnonzero(predicted != labels)
    coordinates = (labels[wrong_images] * NUM_CLASSES + predicted[wrong_images], wrong_images)
    ones = np.ones(wrong_images.size, np.float32)
    return sparse.csr_array((ones, coordinates), shape=(NUM_CLASSES**2, labels.size))


def compute_error_shares(cells: AnyFloatArray) -> FloatArray:
    """Share of the errors in which each class takes part, as the true or as the predicted one.

    Args:
        cells: errors by true and predicted class, shape (..., 8, 8).

    Returns:
        Shape (..., 8), of sum 2; 0 where there are no errors.
    """
    return _divide(cells.sum(axis=-1) + cells.sum(axis=-2), cells.sum(axis=(-1, -2))[..., None])


def compute_mistaken_shares(cells: AnyFloatArray, true: int) -> FloatArray:
    """Share of the errors on a class that go to each other class, shape (..., 8)."""
    return _divide(cells[..., true, :], cells[..., true, :].sum(axis=-1)[..., None])


def _divide(part: AnyFloatArray, whole: AnyFloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadOverRunnerUp:
    """Of class 3 over the class that comes next to it."""

    share: float
    runner_up: int
    runner_up_share: float
    margin: Estimate


def compute_lead(values: FloatArray, resampled: FloatArray) -> LeadOverRunnerUp:
    """From shares by seed (seeds, 8) and by draw and seed (draws, seeds, 8)."""
    mean = values.mean(axis=0)
    runner_up = int(np.argmax(np.where(np.arange(NUM_CLASSES) == CENTRAL_CLASS, -1, mean)))
    margin = estimate_mean(
        *(
            class_shares[..., CENTRAL_CLASS] - class_shares[..., runner_up]
            for class_shares in (values, resampled)
        )
    )
    return LeadOverRunnerUp(
        share=mean[CENTRAL_CLASS],
        runner_up=runner_up,
        runner_up_share=mean[runner_up],
        margin=margin,
    )


def correlate_patterns(
    errors: ConfusionErrors, names_a: Sequence[str], names_b: Sequence[str]
) -> Estimate | None:
    """Correlation of the 56 cells off the diagonal, summed over configurations and seeds.

    Args:
        errors: from `count_confusion_errors`.
        names_a: configurations whose errors are summed.
        names_b: those that they are compared with.

    Returns:
        r with its interval, made on Fisher's z = atanh r (`sd` and `p` are of z); None without a
        common seed, or where all 56 cells of a side are equal.
    """
    (x, x_resampled), (y, y_resampled) = errors.sum_groups(names_a, names_b)
    flat = (
        cells.reshape(*cells.shape[:-2], NUM_CLASSES**2)
        for cells in (x, y, x_resampled, y_resampled)
    )
    sides = [side[..., _OFF_DIAGONAL] for side in flat]
    if not x.size or not all(np.ptp(side.sum(axis=0)) > 0 for side in sides[:2]):
        return None
    z = estimate_mean(_split_by_seed(*sides[:2]), _split_by_seed(*sides[2:]))
    return z._replace(mean=np.tanh(z.mean), low=np.tanh(z.low), high=np.tanh(z.high))


def _split_by_seed(x: AnyFloatArray, y: AnyFloatArray) -> FloatArray:
    """Fisher's z of the sums over seeds, split in one value a seed with that mean.

    The values spread as the jackknife's pseudo-values do (Tukey 1958), so the variance of their
    mean is that of the z of the sums. The z of single seeds would be another, smaller number:
    the fewer the errors, the more chance there is in each cell.

    Args:
        x: shape (..., seeds, 56).
        y: the same.

    Returns:
        Shape (..., seeds).
    """
    x_variance, y_variance = (np.maximum(_compute_covariances(side, side), 0) for side in (x, y))
    scale = np.sqrt(x_variance * y_variance)
    # Of counts that vary it is at least .98; anything below is rounding.
    r = np.divide(_compute_covariances(x, y), scale, out=np.zeros(scale.shape), where=scale > 0.5)
    z = np.arctanh(np.clip(r, -_MAX_CORRELATION, _MAX_CORRELATION))
    z_of_sums, z_without_seed, n_seeds = z[..., :1], z[..., 1:], x.shape[-2]
    if n_seeds == 1:
        return np.asarray(z_of_sums)
    return np.asarray(
        z_of_sums + (n_seeds - 1) * (z_without_seed.mean(axis=-1, keepdims=True) - z_without_seed)
    )


def _compute_covariances(x: AnyFloatArray, y: AnyFloatArray) -> AnyFloatArray:
    """Covariances over the cells, but for their number: of the sums, then without each seed."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    x_sum, y_sum = x.sum(axis=-2, keepdims=True), y.sum(axis=-2, keepdims=True)
    total = (x_sum * y_sum).sum(axis=-1)
    # (X - x)(Y - y) multiplied out: no array of the seeds' size is made.
    seed_change = np.einsum("...k,...k->...", x, y - y_sum) - np.einsum("...k,...k->...", x_sum, y)
    return np.concatenate([total, total + seed_change], axis=-1)
