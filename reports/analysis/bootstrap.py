"""Score trials on the test images and on bootstrap resamples of them.

A resample draws as many test images with replacement (for a confusion matrix, this is a multinomial
draw of its cells). All trials share the same resamples, so differences between trials are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.distinct_models import find_representatives, index_distinct
from reports.analysis.further_scores import (
    FURTHER_SCORES,
    compute_agreement_arrays,
    compute_image_losses,
)
from reports.analysis.ranking import compute_class_auc
from reports.analysis.replicate_variance import (
    ReplicateVariance,
    estimate_replicate_variances,
    find_trial_rows,
    moderate_replicate_variances,
)
from reports.ledger.test_predictions import TestPredictions

SCORES = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")
"""Scores that each trial record has."""

N_RESAMPLES = 2000
"""Number of resamples of the test images. It gives a standard error with a relative error of 1.6%,
sqrt(1 / (2 · 2000))."""

CHUNK_BYTES = 2**26
"""Size of the resamples that are made at once, in bytes."""


def name_class_precisions(n_classes: int) -> tuple[str, ...]:
    """Return the names of the precisions of each class, e.g. `precision_0`."""
    return tuple(f"precision_{c}" for c in range(n_classes))


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapScores:
    """Scores of trials on the same test images, and on bootstrap resamples of those images.

    Attributes:
        trials: Frame of the trials, as in `TestPredictions`.
        values: Values of each score (`SCORES`, `FURTHER_SCORES` and the precisions of the
            classes), by its name, float64, shape (trials,).
        resampled: Values on each resample, by score, float64, shape (N_RESAMPLES, trials).
        confusions: Confusion matrices `[trial, true, predicted]`, int64, shape (trials, classes,
            classes).
        ranges: Smallest and largest possible value of each score in `SCORES` and `FURTHER_SCORES`:
            usually 0 and 1; the largest is less if a class is absent from the test images.
        representatives: Representative of each configuration, from `find_representatives`.
        models: Names of the distinct models: the representatives, in the order of the plan.
        replicate_variances: Variances between the replicates of each of `models`, by score; each
            array has shape (models,).
        moderated_variances: The same, from `moderate_replicate_variances`, for tests.
    """

    trials: pd.DataFrame
    values: Mapping[str, FloatArray]
    resampled: Mapping[str, FloatArray]
    confusions: IntArray
    ranges: Mapping[str, tuple[float, float]]
    representatives: Mapping[str, str]
    models: Sequence[str]
    replicate_variances: Mapping[str, ReplicateVariance]
    moderated_variances: Mapping[str, ReplicateVariance]


def bootstrap_counts(n_images: int) -> Iterator[FloatArray]:
    """Yield how often each image occurs in each of `N_RESAMPLES` resamples.

    The resamples are the same in every call. So trials that are resampled in separate calls stay
    paired, and equal predictions give equal reports.

    Args:
        n_images: Number of images n, at least 1.

    Yields:
        Read-only chunks of counts, whole numbers as float64, shape (b, n), contiguous by image.
        Each row sums to n, and all chunks together have N_RESAMPLES rows.
    """
    is_small = 8 * n_images * N_RESAMPLES <= CHUNK_BYTES
    yield from _keep_draws(n_images) if is_small else _draw_counts(n_images)


@lru_cache(maxsize=1)
def _keep_draws(n_images: int) -> tuple[FloatArray, ...]:
    """Return cached resamples, which all analyses of a report share: 55 MB for BloodMNIST."""
    return tuple(_draw_counts(n_images))


def _draw_counts(n_images: int) -> Iterator[FloatArray]:
    generator = np.random.default_rng(0)
    chunk_size = max(1, CHUNK_BYTES // (8 * n_images))
    for start in range(0, N_RESAMPLES, chunk_size):
        chunk = np.empty((min(chunk_size, N_RESAMPLES - start), n_images), order="F")
        for row in chunk:
            row[:] = np.bincount(generator.integers(n_images, size=n_images), minlength=n_images)
        chunk.setflags(write=False)
        yield chunk


def bootstrap_confusions(
    predictions: TestPredictions, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return the confusion matrix of each trial on each resample.

    Args:
        predictions: Trials on the same images.
        rows: Positions of the trials, int64; None for all.

    Returns:
        Numbers of images, `[trial, resample, true, predicted]`, float32, shape (trials,
        N_RESAMPLES, classes, classes). They are whole numbers, so they are exact on every host.
    """
    predicted = predictions.predicted_classes
    if rows is not None:
        predicted = predicted[rows]
    positions, indices = index_distinct(predicted)
    n_classes = predictions.n_classes
    if not positions.size:
        return np.empty((0, N_RESAMPLES, n_classes, n_classes), np.float32)
    return _keep_confusions(
        predictions.labels.tobytes(), predicted[positions].tobytes(), n_classes
    )[indices]


@lru_cache(maxsize=1)
def _keep_confusions(labels: bytes, predicted: bytes, n_classes: int) -> NDArray[np.float32]:
    """Return cached confusion matrices, which all analyses of a report share.

    They take 0.5 MB per trial for 8 classes, and 80 MB for 100.

    Args:
        labels: Bytes of the true classes, int64.
        predicted: Bytes of the distinct predicted classes, int64.
        n_classes: Number of classes.
    """
    true = np.frombuffer(labels, np.int64)
    confusions = resample_confusions(
        true, np.frombuffer(predicted, np.int64).reshape(-1, true.size), n_classes
    )
    confusions.setflags(write=False)
    return confusions


def resample_confusions(
    labels: IntArray, predicted: IntArray, n_classes: int
) -> NDArray[np.float32]:
    """Return the same as `bootstrap_confusions`, without keeping it for the next call.

    Args:
        labels: True classes, int64, shape (n,).
        predicted: Predicted classes, int64, shape (trials, n).
        n_classes: Number of classes.
    """
    shape = (len(predicted), N_RESAMPLES, n_classes, n_classes)
    confusions, start = np.empty(shape, np.float32), 0
    for chunk in bootstrap_counts(labels.size):
        stop = start + len(chunk)
        confusions[:, start:stop] = count_drawn_cells(labels, predicted, chunk, n_classes)
        start = stop
    return confusions


def count_drawn_cells(
    labels: IntArray, predicted: IntArray, chunk: FloatArray, n_classes: int
) -> NDArray[np.float32]:
    """Return the confusion matrices of trials on some resamples.

    Args:
        labels: True classes, int64, shape (n,).
        predicted: Predicted classes, int64, shape (trials, n).
        chunk: Chunk from `bootstrap_counts`, shape (b, n).
        n_classes: Number of classes.

    Returns:
        Numbers of images, float32, shape (trials, b, classes, classes).
    """
    classes = np.arange(n_classes)
    supports = chunk @ (labels[:, None] == classes).astype(np.float64)
    shape = (len(predicted), len(chunk), n_classes, n_classes)
    confusions = np.empty(shape, np.float32)
    for confusion, trial in zip(confusions, predicted, strict=True):
        # Few images are wrong, so only these are counted; all others of a class are correct.
        wrong = np.flatnonzero(trial != labels)
        cells = labels[wrong] * n_classes + trial[wrong]
        order = np.argsort(cells)
        used_cells, starts = np.unique(cells[order], return_index=True)
        counts = np.zeros((n_classes**2, len(chunk)))
        if wrong.size:
            counts[used_cells] = np.add.reduceat(chunk.T[wrong[order]], starts)
        confusion[:] = counts.T.reshape(confusion.shape)
        confusion[:, classes, classes] = supports - confusion.sum(axis=2)
    return confusions


def bootstrap_sums(values: FloatArray) -> FloatArray:
    """Return the sums of values over the images of each resample.

    Args:
        values: Value of each image, float64, shape (..., n).

    Returns:
        Sums, float64, shape (N_RESAMPLES, ...).
    """
    rows = values.reshape(-1, values.shape[-1])
    sums = np.concatenate([chunk @ rows.T for chunk in bootstrap_counts(values.shape[-1])])
    return sums.reshape(-1, *values.shape[:-1])


def bootstrap_scores(predictions: TestPredictions) -> BootstrapScores:
    """Score every trial on the test images and on `N_RESAMPLES` resamples of them."""
    keys = (*SCORES, *FURTHER_SCORES, *name_class_precisions(predictions.n_classes))
    confusions = count_confusions(predictions)
    values, resampled = _score_resamples(predictions, confusions, len(keys))
    representatives = find_representatives(predictions)
    models = list(dict.fromkeys(representatives.values()))
    rows = find_trial_rows(predictions.trials, models)
    replicate_variances = {
        key: estimate_replicate_variances(score_values, score_resampled, rows)
        for key, score_values, score_resampled in zip(keys, values, resampled, strict=True)
    }
    return BootstrapScores(
        trials=predictions.trials,
        values=dict(zip(keys, values, strict=True)),
        resampled=dict(zip(keys, resampled, strict=True)),
        confusions=confusions,
        ranges=_find_ranges(predictions.labels, predictions.n_classes),
        representatives=representatives,
        models=models,
        replicate_variances=replicate_variances,
        moderated_variances={
            key: moderate_replicate_variances(variances)
            for key, variances in replicate_variances.items()
        },
    )


def count_confusions(predictions: TestPredictions) -> IntArray:
    """Return confusion matrices `[trial, true, predicted]`, int64, (trials, classes, classes)."""
    n_classes = predictions.n_classes
    matrices = [
        metrics.compute_confusion_matrix(predictions.labels, predicted, n_classes)
        for predicted in predictions.predicted_classes
    ]
    return np.array(matrices, np.int64).reshape(-1, n_classes, n_classes)


def _score_resamples(
    predictions: TestPredictions, confusions: IntArray, n_scores: int
) -> tuple[FloatArray, FloatArray]:
    """Return scores (n_scores, trials) and those on resamples (n_scores, N_RESAMPLES, trials)."""
    positions, indices = index_distinct(predictions.probabilities)
    if not positions.size:
        return np.empty((n_scores, 0)), np.empty((n_scores, N_RESAMPLES, 0))
    labels = predictions.labels
    linear, influences = zip(
        *(_score_probabilities(labels, trial) for trial in predictions.probabilities[positions]),
        strict=True,
    )
    resampled_linear = np.array(linear) + bootstrap_sums(np.array(influences))
    values = [
        _compute_score_rows(*both) for both in zip(confusions[positions], linear, strict=True)
    ]
    resampled = [
        _compute_score_rows(cells, resampled_linear[:, t].T)
        for t, cells in enumerate(bootstrap_confusions(predictions, positions))
    ]
    return np.stack(values, axis=-1)[:, indices], np.stack(resampled, axis=-1)[..., indices]


def _find_ranges(labels: IntArray, n_classes: int) -> dict[str, tuple[float, float]]:
    """Return the possible values of each score: an absent class counts 0 in a macro score."""
    share = np.unique(labels).size / n_classes
    ranges = {
        score: (0.0, share if score.startswith("macro_") else 1.0)
        for score in (*SCORES, *FURTHER_SCORES)
    }
    return ranges | {
        "mcc": (-1.0, 1.0),
        "kappa": (-1.0, 1.0),
        "brier": (0.0, 2.0),
        "log_loss": (0.0, np.inf),
    }


def _compute_score_rows(confusion: NDArray[np.number], linear: FloatArray) -> FloatArray:
    """Return `SCORES`, `FURTHER_SCORES` and the precisions of the classes.

    Args:
        confusion: Counts `confusion[..., true, predicted]`, shape (..., classes, classes).
        linear: AUC and `PROBABILITY_SCORES`, shape (3, ...).
    """
    auc, losses = linear[0], linear[1:]
    scores = metrics.compute_score_arrays(confusion) | {"auc": auc}
    agreement = compute_agreement_arrays(confusion)
    precision = np.moveaxis(metrics.compute_class_scores(confusion).precision, -1, 0)
    rows = [scores[name] for name in SCORES] + list(agreement.values())
    return np.concatenate([np.stack(rows), losses, precision])


def _score_probabilities(
    labels: IntArray, probabilities: NDArray[np.float32]
) -> tuple[FloatArray, FloatArray]:
    """Return AUC and `PROBABILITY_SCORES`, shape (3,), and the influences of images, (3, n).

    The AUC is the mean over the classes; NaN if a class is absent.
    """
    areas = [
        compute_class_auc(labels == c, probabilities[:, c]) for c in range(probabilities.shape[1])
    ]
    losses = compute_image_losses(labels, probabilities)
    mean_losses = losses.mean(axis=1)
    auc_influence = np.mean([area.influence for area in areas], axis=0)
    loss_influences = (losses - mean_losses[:, None]) / labels.size
    return (
        np.array([np.mean([area.value for area in areas]), *mean_losses]),
        np.stack([auc_influence, *loss_influences]),
    )
