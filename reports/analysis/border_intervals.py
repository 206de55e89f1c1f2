"""Bound scores of which nearly all or nearly no images are correct.

The bootstrap cannot draw an error that no test image shows. If all images are correct, each
resample has a score of 1, and the interval would have no width. With fewer than ten errors or ten
correct images, the interval of a score therefore also includes the interval of this module.

A score is a weighted sum of proportions, one per class: correct images of those of the class
(recall), of those predicted as the class (precision), or of both (the Jaccard index J, with F1 =
2 J / (1 + J)). Each proportion has the exact interval of Clopper & Pearson (Biometrika, 1934), and
so has J, from which that of F1 follows (Lam, arXiv:2309.14621). Wilson's interval is narrower, but
for 0.5 expected errors it holds in only 91% of samples. The limits are combined by the method of
variance estimates recovery (MOVER; Zou & Donner, Statistics in Medicine, 2008).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import ALPHA

MIN_IMAGES = 10
"""Minimum number of misclassified and of correct images for the bootstrap's interval to suffice.

The usual condition for the normal approximation of a proportion.
"""


class Bounds(NamedTuple):
    """Ends of a 95% confidence interval, 0 to 1."""

    low: float
    high: float


def bound_scores(confusion: NDArray[np.number], auc: float) -> dict[str, Bounds]:
    """Return intervals of the scores that hold if nearly all or nearly no images are correct.

    Replicates share the test images, so several replicates count like one. This is exact if all
    replicates err on the same images, and cautious otherwise.

    Args:
        confusion: Mean confusion matrix `[true, predicted]` over the replicates, float64, shape
            (classes, classes).
        auc: Mean AUC over the replicates, 0 to 1 or NaN.

    Returns:
        Intervals by score of `bootstrap.SCORES`, and of the balanced accuracy. There are none
        except that of an AUC of 1 if at least `MIN_IMAGES` images are correct, and as many
        misclassified.
    """
    support, predicted, correct = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    n_images, n_correct = support.sum(), correct.sum()
    even = np.full(support.size, 1 / support.size)
    bounds = {}
    if min(n_correct, n_images - n_correct) < MIN_IMAGES:
        f1 = _bound_f1(correct, support + predicted - correct)
        has_class = support > 0
        bounds = {
            "accuracy": _combine(
                _bound_shares(n_correct.reshape(1), n_images.reshape(1)), np.ones(1)
            ),
            "macro_recall": _combine(_bound_shares(correct, support), even * has_class),
            "balanced_accuracy": _combine(
                _bound_shares(correct, support), has_class / has_class.sum()
            ),
            "macro_precision": _combine(_bound_shares(correct, predicted), even * has_class),
            # An error lowers the F1 of two classes, so their sum has up to twice the variance.
            "macro_f1": _combine(f1, even * has_class, variance_factor=2),
            "weighted_f1": _combine(f1, support / n_images, variance_factor=2),
        }
    if auc == 1:
        # At most as many images of a class can be outranked as can be misclassified.
        ranked = _bound_shares(support, support)
        bounds["auc"] = _combine(ranked, even, variance_factor=2)
    return bounds


def _bound_shares(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return shares and the ends of their intervals, shape (3, k); 0, 0 and 1 without images."""
    share = np.divide(part, whole, out=np.zeros(whole.size), where=whole > 0)
    # The quantiles of the beta distribution are those of the binomial test; its parameters are
    # above 0.
    rest = whole - part
    low = special.betaincinv(np.where(part > 0, part, 1), rest + 1, ALPHA / 2)
    high = special.betaincinv(part + 1, np.where(rest > 0, rest, 1), 1 - ALPHA / 2)
    return np.array([share, np.where(part > 0, low, 0), np.where(rest > 0, high, 1)])


def _bound_f1(correct: FloatArray, union: FloatArray) -> FloatArray:
    jaccard = _bound_shares(correct, union)
    return np.asarray(2 * jaccard / (1 + jaccard))


def _combine(shares: FloatArray, weights: FloatArray, variance_factor: float = 1) -> Bounds:
    """Return the interval of the weighted sum of shares, (3, k), by MOVER."""
    center, low, high = shares
    value = float(weights @ center)
    down, up = (
        float(np.sqrt(variance_factor * ((weights * (center - end)) ** 2).sum()))
        for end in (low, high)
    )
    return Bounds(max(0.0, value - down), min(1.0, value + up))
