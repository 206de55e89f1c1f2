"""Count the images above each threshold of one trial, and read points of curves from the counts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray, IntArray

_ROUNDING = 1e-9
"""Number of images by which a product with a rate may exceed a whole number."""


class ThresholdCounts(NamedTuple):
    """Numbers of images with at least a probability, at each distinct probability, descending.

    The first entry is above all probabilities, without images.

    Attributes:
        thresholds: Probabilities, shape (k,).
        true_positives: Images of the class, int64, shape (k,).
        false_positives: Other images, int64, shape (k,).
    """

    thresholds: NDArray[np.floating]
    true_positives: IntArray
    false_positives: IntArray


class CurvePoints(NamedTuple):
    """Points of one trial's curve.

    Attributes:
        values: Values of the curve, 0 to 1, float64, shape (points,).
        positions: Positions in `ThresholdCounts` of the thresholds, int64, shape (points,).
    """

    values: FloatArray
    positions: NDArray[np.intp]


def count_positives(is_class: NDArray[np.bool_], scores: NDArray[np.floating]) -> ThresholdCounts:
    """Return the counts of one trial at each distinct score.

    Args:
        is_class: Whether an image belongs to the class, bool, shape (n,).
        scores: Probability of the class, shape (n,).
    """
    order = np.argsort(-scores, kind="stable")
    sorted_scores, is_positive = scores[order], is_class[order]
    last = np.append(np.flatnonzero(np.diff(sorted_scores)), scores.size - 1)  # of equal scores
    true_positives = np.cumsum(is_positive)[last]
    return ThresholdCounts(
        np.append(np.inf, sorted_scores[last]),
        np.append(0, true_positives),
        np.append(0, last + 1 - true_positives),
    )


def read_rates(counts: ThresholdCounts, rates: FloatArray) -> CurvePoints:
    """Return the true positive rates, interpolated linearly within images of equal score."""
    n_class, n_rest = counts.true_positives[-1], counts.false_positives[-1]
    images = rates * n_rest
    before = np.searchsorted(counts.false_positives, images + _ROUNDING, "right") - 1
    after = np.minimum(before + 1, len(counts.thresholds) - 1)
    gap = np.maximum(1, counts.false_positives[after] - counts.false_positives[before])
    share = np.maximum(0, images - counts.false_positives[before]) / gap
    gained = counts.true_positives[after] - counts.true_positives[before]
    return CurvePoints((counts.true_positives[before] + share * gained) / n_class, before)


def read_precision(counts: ThresholdCounts, recalls: FloatArray) -> CurvePoints:
    """Return the precisions at the highest thresholds with at least the recalls."""
    images = np.maximum(recalls * counts.true_positives[-1] - _ROUNDING, 0.5)
    positions = np.searchsorted(counts.true_positives, images)
    true_positives = counts.true_positives[positions]
    predicted = true_positives + counts.false_positives[positions]
    return CurvePoints(true_positives / predicted, positions)
