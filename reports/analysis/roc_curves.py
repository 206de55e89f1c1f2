"""Compute the ROC and precision-recall curves of each class against all others, with bands.

The curves of several replicates are averaged vertically: at each false positive rate, the true
positive rates, and at each recall, the precisions (Fawcett, "An introduction to ROC analysis",
Pattern Recognition Letters, 2006). Precision-recall curves have steps: between two points of the
ROC curve, the precision does not change linearly (Davis & Goadrich, ICML 2006). The area under the
steps is the average precision.

A band is a pointwise 95% confidence interval. The images above the threshold have an error, and the
threshold itself has one, because it is chosen on the images, too. The first error has Wilson's
interval. The second one follows from Wilson's interval of the false positive rate, or of the
recall: the curve maps its ends to the other axis (Woodruff, JASA, 1952). Both, and the variance
across replicates, are combined by the method of variance estimates recovery (Zou & Donner,
Statistics in Medicine, 2008). A bootstrap would have no width at 0 and 1, where good classifiers
are.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from reports.analysis.distinct_models import find_representatives
from reports.analysis.intervals import ALPHA, compute_wilson_interval
from reports.analysis.replicate_variance import ReplicateVariance
from reports.analysis.threshold_counts import (
    CurvePoints,
    ThresholdCounts,
    count_positives,
    read_precision,
    read_rates,
)
from reports.analysis.uncertainty import MeanVariance, compute_half_width
from reports.ledger.test_predictions import TestPredictions

TABLE_RATE, TABLE_RECALL = 0.01, 0.95
"""Points of the curves that a table shows."""

_STEPS = np.arange(1, 65) / 64

FALSE_POSITIVE_RATES = np.union1d(_STEPS**3, TABLE_RATE)
"""Points of ROC curves. They are dense near 0: a third is below 4%."""

RECALLS = np.union1d(1 - (1 - _STEPS) ** 2, TABLE_RECALL)
"""Points of precision-recall curves, as many, dense near 1, where the precision falls."""

_COLUMNS = ("x", "y", "low", "high")


class Curve(StrEnum):
    """Kind of a curve.

    Attributes:
        ROC: True positive rate by false positive rate.
        PRECISION_RECALL: Precision by recall.
    """

    ROC = "roc"
    PRECISION_RECALL = "precision_recall"


def compute_roc_curves(predictions: TestPredictions) -> pd.DataFrame:
    """Return the curves of each distinct model and class, of the probability of the class.

    Args:
        predictions: Trials on the same images.

    Returns:
        A row for each model, class and curve, and each of `FALSE_POSITIVE_RATES` or `RECALLS`. A
        class has no rows if no image, or every image, belongs to it.

        - `configuration`, `family` (str): Name and family of the first configuration that trains
          the model.
        - `class` (int): Class, from 0.
        - `curve` (str): A `Curve`.
        - `x` (float): False positive rate or recall, 0 to 1.
        - `y` (float): True positive rate or precision, 0 to 1, mean over the replicates.
        - `low`, `high` (float): Ends of the pointwise interval, over test images and replicates;
          for one replicate, over test images. NaN where the threshold is among the most extreme
          images: the interval of the false positive rate begins below one image, or that of the
          recall ends less than one image below 1.
    """
    models = {*find_representatives(predictions).values()}
    keys: list[tuple[str, str, int, str]] = []
    curves: list[FloatArray] = []
    trials = predictions.trials.reset_index(drop=True)
    for (family, name), rows in trials.groupby(["family", "configuration"], sort=False):
        if name not in models:
            continue
        probabilities = predictions.probabilities[rows.index]
        for c in range(probabilities.shape[2]):
            is_class = predictions.labels == c
            if is_class.any() and not is_class.all():
                keys += [(str(name), str(family), c, str(curve)) for curve in Curve]
                curves += _trace_curves(is_class, probabilities[:, :, c])
    frame = pd.DataFrame(keys, columns=["configuration", "family", "class", "curve"])
    frame = frame.loc[np.repeat(frame.index, len(RECALLS))].reset_index(drop=True)
    frame[[*_COLUMNS]] = np.concatenate([np.empty((len(_COLUMNS), 0)), *curves], axis=1).T
    return frame


def _trace_curves(
    is_class: NDArray[np.bool_], scores: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray]:
    """Return the ROC curve and the precision-recall curve of a class.

    Args:
        is_class: Whether an image belongs to the class, bool, shape (n,).
        scores: Probability of the class, shape (replicates, n).

    Returns:
        Points of each curve, rows `_COLUMNS`, float64, shape (4, points).
    """
    counts = [count_positives(is_class, trial) for trial in scores]
    return (
        np.stack([FALSE_POSITIVE_RATES, *_estimate_rates(counts, scores[:, is_class])]),
        np.stack([RECALLS, *_estimate_precision(counts, scores[:, ~is_class])]),
    )


def _estimate_rates(
    counts: Sequence[ThresholdCounts], class_scores: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means over replicates of the true positive rates, and the ends of their intervals.

    Args:
        counts: Counts of each trial.
        class_scores: Scores of the images of the class, shape (replicates, images of the class).
    """
    n_class, n_rest = counts[0].true_positives[-1], counts[0].false_positives[-1]
    points = [read_rates(trial, FALSE_POSITIVE_RATES) for trial in counts]
    ends = compute_wilson_interval(
        FALSE_POSITIVE_RATES, np.full(FALSE_POSITIVE_RATES.shape, float(n_rest))
    )
    moved = np.mean([[read_rates(trial, end).values for end in ends] for trial in counts], axis=0)
    moved[:, ends[0] * n_rest < 1] = np.nan
    return _estimate_means(
        np.stack([trial.values for trial in points]),
        n_images=np.full(FALSE_POSITIVE_RATES.shape, float(n_class)),
        sampling=_sum_variances(class_scores, _get_thresholds(counts, points)) / n_class**2,
        moved=moved,
    )


def _estimate_precision(
    counts: Sequence[ThresholdCounts], rest_scores: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means over replicates of the precisions, and the ends of their intervals.

    Args:
        counts: Counts of each trial.
        rest_scores: Scores of the images of the other classes, shape (replicates, other images).
    """
    n_class = counts[0].true_positives[-1]
    points = [read_precision(trial, RECALLS) for trial in counts]
    precision = np.stack([trial.values for trial in points])
    n_predicted = np.mean(
        [
            (trial.true_positives + trial.false_positives)[point.positions]
            for trial, point in zip(counts, points, strict=True)
        ],
        axis=0,
    )
    ends = compute_wilson_interval(RECALLS, np.full(RECALLS.shape, float(n_class)))
    moved = np.mean(
        [[read_precision(trial, end).values for end in ends] for trial in counts], axis=0
    )
    moved[:, (1 - ends[1]) * n_class < 1] = np.nan
    # At a fixed recall, one more false positive lowers the precision by itself / predicted images.
    per_image = (precision.mean(axis=0) / n_predicted) ** 2
    return _estimate_means(
        precision,
        n_images=n_predicted,
        sampling=_sum_variances(rest_scores, _get_thresholds(counts, points)) * per_image,
        moved=moved,
    )


def _get_thresholds(
    counts: Sequence[ThresholdCounts], points: Sequence[CurvePoints]
) -> NDArray[np.floating]:
    """Return the threshold of each replicate and point, shape (replicates, points)."""
    return np.stack(
        [trial.thresholds[point.positions] for trial, point in zip(counts, points, strict=True)]
    )


def _sum_variances(scores: NDArray[np.floating], thresholds: NDArray[np.floating]) -> FloatArray:
    """Return the variance over replicates of being above the threshold, summed over images.

    Args:
        scores: Scores, shape (replicates, images).
        thresholds: Thresholds, shape (replicates, points).

    Returns:
        Sums (divisor of each variance: replicates - 1), float64, shape (points,); 0 for one
        replicate.
    """
    n_replicates = len(scores)
    if n_replicates == 1:
        return np.zeros(thresholds.shape[1])
    n_above = np.zeros((thresholds.shape[1], scores.shape[1]), np.int16)
    for trial, trial_thresholds in zip(scores, thresholds, strict=True):
        n_above += trial >= trial_thresholds[:, None]
    variances = (
        np.arange(n_replicates + 1)
        * np.arange(n_replicates, -1, -1)
        / (n_replicates * (n_replicates - 1))
    )
    return np.asarray(variances[n_above].sum(axis=1))


def _estimate_means(
    values: FloatArray, *, n_images: FloatArray, sampling: FloatArray, moved: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means over replicates, and the ends of their 95% confidence intervals.

    Args:
        values: Shares of images at given thresholds, shape (replicates, points).
        n_images: Numbers of images of one trial, shape (points,).
        sampling: Variance of one trial's share from the images, as far as it is specific to the
            trial, shape (points,).
        moved: Means at both ends of the interval of the threshold, shape (2, points); NaN if they
            are unknown.
    """
    n_replicates, mean = len(values), values.mean(axis=0)
    binomial = mean * (1 - mean)
    image_variance = binomial / n_images - (1 - 1 / n_replicates) * sampling
    is_known = (binomial > 0) & (image_variance > 0)
    n_effective = np.where(is_known, binomial / np.where(is_known, image_variance, 1), n_images)
    low, high = compute_wilson_interval(mean, n_effective)
    total = values.var(axis=0, ddof=1) if n_replicates > 1 else np.zeros(mean.shape)
    replicates = ReplicateVariance(total, sampling, np.full(mean.shape, n_replicates - 1.0))
    replicate_width = compute_half_width(
        MeanVariance(
            np.zeros(mean.shape), replicates.between_replicates / n_replicates, replicates.dof
        ),
        ALPHA / 2,
    )
    down = np.minimum(0, moved.min(axis=0) - mean)
    up = np.maximum(0, moved.max(axis=0) - mean)
    below = np.sqrt((mean - low) ** 2 + down**2 + replicate_width**2)
    above = np.sqrt((high - mean) ** 2 + up**2 + replicate_width**2)
    return mean, np.clip(mean - below, 0, 1), np.clip(mean + above, 0, 1)
