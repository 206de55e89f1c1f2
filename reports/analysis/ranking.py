"""Compute ranking scores of one class against all others, with the influence of each image.

Ranking the images again in every bootstrap resample would take hours. The influences give the score
on a resample to first order instead; the difference is in the fourth decimal.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray


class RankingScore(NamedTuple):
    """A score of a trial, and its first-order change for one more copy of each image.

    Attributes:
        value: Score, 0 to 1; NaN if it is undefined.
        influence: Change for one more copy of each image, float64, shape (n,). It sums to 0.
    """

    value: float
    influence: FloatArray


def compute_class_auc(is_class: NDArray[np.bool_], scores: NDArray[np.floating]) -> RankingScore:
    """Return the AUC by the structural components of DeLong et al. (Biometrics, 1988).

    Args:
        is_class: Whether an image belongs to the class, bool, shape (n,).
        scores: Probability of the class, shape (n,).

    Returns:
        Area under the ROC curve; NaN if no image, or every image, belongs to the class.
    """
    n_class, n_rest = int(is_class.sum()), int((~is_class).sum())
    if not n_class or not n_rest:
        return RankingScore(float("nan"), np.full(is_class.size, np.nan))
    # Share of the other group against which an image is ranked correctly.
    win_shares = np.empty(is_class.size)
    win_shares[is_class] = _find_shares_below(scores[is_class], scores[~is_class])
    win_shares[~is_class] = 1 - _find_shares_below(scores[~is_class], scores[is_class])
    value = win_shares[is_class].mean()
    return RankingScore(float(value), (win_shares - value) / np.where(is_class, n_class, n_rest))


def compute_average_precision(
    is_class: NDArray[np.bool_], scores: NDArray[np.floating]
) -> RankingScore:
    """Return the average precision: the mean, over the images of the class, of a precision.

    It is the precision among all images with at least the same score, as in scikit-learn's
    `average_precision_score`. Images with equal scores share a threshold.

    Args:
        is_class: Whether an image belongs to the class, bool, shape (n,).
        scores: Probability of the class, shape (n,).

    Returns:
        Average precision; NaN if no image belongs to the class.
    """
    n_class = int(is_class.sum())
    if not n_class:
        return RankingScore(float("nan"), np.full(is_class.size, np.nan))
    order = np.argsort(-scores, kind="stable")
    is_positive, sorted_scores = is_class[order], -scores[order]
    first, stop = (
        np.searchsorted(sorted_scores, sorted_scores, side) for side in ("left", "right")
    )
    precision = np.cumsum(is_positive)[stop - 1] / stop
    value = precision[is_positive].mean()
    # One more copy of an image changes the precision at each threshold that it reaches: those of
    # the images that come after it or are tied with it.
    weight = is_positive / stop
    own_effect = is_positive * (precision - value + _sum_from(weight, first))
    influence = np.empty(is_class.size)
    influence[order] = (own_effect - _sum_from(weight * precision, first)) / n_class
    return RankingScore(float(value), influence)


def _sum_from(values: FloatArray, first: NDArray[np.intp]) -> FloatArray:
    """Return, for each position in `first`, the sum of the values from there to the end."""
    return np.cumsum(values[::-1])[::-1][first]


def _find_shares_below(values: NDArray[np.floating], others: NDArray[np.floating]) -> FloatArray:
    """Return, for each value, the share of the others that are smaller; equal ones count half."""
    sorted_others = np.sort(others)
    n_smaller = np.searchsorted(sorted_others, values, "left")
    return (n_smaller + np.searchsorted(sorted_others, values, "right")) / (2 * others.size)
