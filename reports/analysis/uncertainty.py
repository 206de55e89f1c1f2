"""Compute intervals, p-values and detectable differences from the variance of a mean.

The variance of a mean has two parts. That of the test images is well known, because 2,000 resamples
estimate it. That of the replicates, i.e. the seeds and the folds of a cross-validation, is
estimated from few values, so it has few degrees of freedom. The squared half-width of an interval
is the sum of the squares of the half-widths of both parts (method of variance estimates recovery,
MOVER: Zou & Donner, Statistics in Medicine, 2008). A single Student's t for the sum, with
Satterthwaite's degrees of freedom, is too narrow with two or three replicates whenever they happen
to be close to each other.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from bloodnets.metrics import FloatArray

_N_BISECTIONS = 50
_MAX_Z = 37.0
"""Normal quantile of the smallest tail probability that float64 can hold."""


class MeanVariance(NamedTuple):
    """Variance of a mean over replicates, for one mean or many at once.

    Attributes:
        images: Variance from the choice of the test images.
        replicates: Variance from the choice of the replicates; 0 without replicates.
        dof: Degrees of freedom of `replicates`.
    """

    images: FloatArray
    replicates: FloatArray
    dof: FloatArray


def compute_half_width(variance: MeanVariance, tail: float | FloatArray) -> FloatArray:
    """Return the half-width of two-sided intervals.

    Args:
        variance: Variances of the means.
        tail: Probability on each side outside the interval, 0 to 0.5; 0.025 for 95%.
    """
    z = -special.ndtri(tail)
    with np.errstate(invalid="ignore"):
        t = np.where(variance.replicates > 0, -special.stdtrit(variance.dof, tail), 0.0)
    return np.asarray(np.sqrt(z**2 * variance.images + t**2 * variance.replicates))


def compute_tail(distance: FloatArray, variance: MeanVariance) -> FloatArray:
    """Return the probability on one side outside the interval whose half-width is a distance.

    Twice this probability is the two-sided p-value of a mean at that distance from the hypothesis.
    The equation for the half-width is solved by bisection.

    Args:
        distance: Distances, at least 0.
        variance: Variances of the means.

    Returns:
        Probabilities, 0 to 0.5; 0.5 for a distance of 0, NaN for an unknown variance.
    """
    low, high = np.zeros(distance.shape), np.full(distance.shape, _MAX_Z)
    for _ in range(_N_BISECTIONS):
        middle = (low + high) / 2
        is_inside = compute_half_width(variance, special.ndtr(-middle)) < distance
        low, high = np.where(is_inside, middle, low), np.where(is_inside, high, middle)
    is_known = np.isfinite(variance.images + variance.replicates)
    return np.where(is_known, special.ndtr(-low), np.nan)
