"""Correlate the patterns of confusion of two groups of configurations, corrected for noise.

Counts of errors are noisy: another sample of test images, another seed or another fold would give
others. The noise lowers the correlation of two patterns, also if their expected patterns are equal.
Spearman (American Journal of Psychology, 1904) corrects for this attenuation: he divides the
covariance by the variances without their noise. Here, the noise of the images comes from the
bootstrap, and that of the training from the differences between replicates, as in `intervals`.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bloodnets.metrics import FloatArray
from reports.analysis.error_patterns import AnyFloatArray, ConfusionErrors
from reports.analysis.intervals import Estimate, estimate_mean

MIN_SAME_CORRELATION = 0.9
"""Minimum correlation of two patterns of confusion that count as the same.

This threshold is ours; the paper gives none. At 0.9, one pattern explains 81% of the variance of
the other over the cells.
"""

MIN_RELIABILITY = 0.6
"""Smallest share of the variance over the cells that must be left without the noise. With less, the
corrected correlation is a ratio of small numbers, and its interval can lie above 1."""


class _Products(NamedTuple):
    """Covariances of two groups over the cells, times their number, without noise.

    The first is of the sums over all R replicates, the others of the sums without each replicate,
    scaled to R replicates. With one replicate, there is only the first.

    Attributes:
        observed: Of the test images, shape (1,) or (1 + R,).
        resampled: Of each resample, shape (N_RESAMPLES, 1) or (N_RESAMPLES, 1 + R).
    """

    observed: FloatArray
    resampled: FloatArray


def correlate_patterns(
    errors: ConfusionErrors, names_a: Sequence[str], names_b: Sequence[str]
) -> Estimate | None:
    """Return the correlation of two groups' expected errors over the cells off the diagonal.

    Errors are summed over configurations and replicates. An estimate above 1 is returned as 1.

    Args:
        errors: Errors from `error_patterns.count_confusion_errors`.
        names_a: Names of the configurations of the first group.
        names_b: Names of the configurations of the second group.

    Returns:
        Pearson's r without noise, -1 to 1, with its interval; `p` tests whether r is
        `MIN_SAME_CORRELATION`. It is None without a common replicate, or if less than
        `MIN_RELIABILITY` of the variance of a group's cells is left without the noise.
    """
    a, b = errors.sum_groups(names_a, names_b)
    if not a[0].size:
        return None
    x, y = ([_center_cells(cells) for cells in group] for group in (a, b))
    covariance = _multiply_without_noise(x, y)
    variances = [_multiply_without_noise(side, side) for side in (x, y)]
    for side, variance in zip((x, y), variances, strict=True):
        with_noise = np.square(side[0].sum(axis=0)).sum()
        if variance.observed[0] <= MIN_RELIABILITY * with_noise:
            return None
    r = _split_by_replicate(covariance, *variances)
    estimate = estimate_mean(*(values - MIN_SAME_CORRELATION for values in r))
    mean, low, high = (
        float(np.clip(value + MIN_SAME_CORRELATION, -1, 1))
        for value in (estimate.mean, estimate.low, estimate.high)
    )
    return estimate._replace(mean=mean, low=low, high=high)


def _center_cells(cells: AnyFloatArray) -> FloatArray:
    """Return the cells off the diagonal minus their mean, as a vector for each matrix."""
    flat = cells[..., ~np.eye(cells.shape[-1], dtype=bool)]
    return np.asarray(flat - flat.mean(axis=-1, keepdims=True), dtype=np.float64)


def _multiply_without_noise(x: Sequence[FloatArray], y: Sequence[FloatArray]) -> _Products:
    """Return the products of two groups' errors, summed over the cells, minus those of the noise.

    Args:
        x: Centered errors of a group, shape (replicates, cells), and those on each resample, shape
            (resamples, replicates, cells).
        y: Centered errors of the other group, or the same for a variance.
    """
    observed, resampled = (a @ np.swapaxes(b, -1, -2) for a, b in zip(x, y, strict=True))
    image_noise = resampled.mean(axis=0) - x[1].mean(axis=0) @ y[1].mean(axis=0).T
    n_replicates = len(observed)
    replicate_noise = 0.0
    if n_replicates > 1:
        # As for a score, the resamples show how much of the variance between replicates is noise of
        # the images.
        between = observed - image_noise
        replicate_noise = float(np.trace(between) - between.sum() / n_replicates) / (
            n_replicates - 1
        )
    noise = image_noise + replicate_noise * np.eye(n_replicates)
    # A resample is a sample of a sample, so it has the noise of the images twice.
    return _Products(
        observed=_sum_replicates(observed - noise),
        resampled=_sum_replicates(resampled - noise - image_noise),
    )


def _sum_replicates(products: FloatArray) -> FloatArray:
    """Return the sum over R replicates and the sums without each replicate, scaled to R replicates.

    Args:
        products: Products of the errors of each two replicates, shape (..., R, R).

    Returns:
        Sums, shape (..., 1 + R), or (..., 1) for one replicate.
    """
    n_replicates = products.shape[-1]
    total = products.sum(axis=(-2, -1))[..., None]
    if n_replicates == 1:
        return np.asarray(total)
    own = np.diagonal(products, axis1=-2, axis2=-1)
    without_replicate = total - products.sum(axis=-1) - products.sum(axis=-2) + own
    return np.concatenate(
        [total, without_replicate * (n_replicates / (n_replicates - 1)) ** 2], axis=-1
    )


def _split_by_replicate(
    covariance: _Products, x_variance: _Products, y_variance: _Products
) -> Iterator[FloatArray]:
    """Yield r of the observed errors and of each resample, split into one value per replicate.

    The values of the observed errors have r of all replicates as their mean, and the variance of
    the jackknife's pseudo-values (Tukey, 1958). So the variance of their mean is that of r. Changes
    of r are of first order (delta method), because a small variance would make the ratio unstable.

    Yields:
        Values of r, shape (replicates,), then (N_RESAMPLES, replicates); they may exceed 1.
    """
    x_total, y_total = x_variance.observed[0], y_variance.observed[0]
    scale = np.sqrt(x_total * y_total)
    r_of_sums = covariance.observed[0] / scale
    for product, x, y in zip(covariance, x_variance, y_variance, strict=True):
        r = product / scale + r_of_sums * (1 - (x / x_total + y / y_total) / 2)
        r_of_all, r_without_replicate = r[..., :1], r[..., 1:]
        n_replicates = r_without_replicate.shape[-1]
        if n_replicates == 0:
            yield r_of_all
        else:
            change = r_without_replicate.mean(axis=-1, keepdims=True) - r_without_replicate
            yield r_of_all + (n_replicates - 1) * change
