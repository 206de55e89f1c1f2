"""Estimate means over replicates, with intervals that include both sources of variance.

A trial's test score is its configuration's mean, plus an effect of its replicate (its seed and, in
a cross-validation, its fold), plus an effect of the test images. One part of the image effect is
common to all trials, because some images are hard. The other is specific to a trial, because the
models of different replicates misclassify different images.

The image variance comes from the bootstrap. `replicate_variance` estimates the variance between
replicates, and `uncertainty` combines the two. `contrasts` does the same for differences of
configurations.

Bootstrapping the replicates as well would be simpler but wrong with few replicates: the expected
bootstrap variance of three values is two thirds of their variance, and their percentiles have no
tail.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.replicate_variance import ReplicateVariance, estimate_replicate_variance
from reports.analysis.uncertainty import MeanVariance, compute_half_width, compute_tail

ALPHA = 0.05
"""Significance level of every test, after Holm's correction over the tests of the same table."""

_ROUNDING_ERROR = 1e-12
"""Standard deviation, relative to the mean, up to which values differ only by rounding."""


class Estimate(NamedTuple):
    """A mean over replicates, or a difference of such means, with its 95% confidence interval.

    Without replicates, the replicate variance is unknown. Interval and `p` then include only the
    variance of the test images, or are NaN if the value does not depend on the images. They are
    also NaN if a value has no variance on the resamples, e.g. if there is only one test image.

    Attributes:
        mean: Mean over the replicates.
        sd: Standard deviation over the replicates (divisor n - 1); NaN for one replicate.
        low: Lower end of the interval; for a contrast of scores, not below its smallest possible
            value.
        high: Upper end of the interval, likewise.
        p: Two-sided p-value of the hypothesis that the mean is 0, from the moderated variance. It
            is below `ALPHA` only if the interval does not contain 0.
        replicates: Number of replicates.
        image_variance: Variance of the mean from the choice of the test images.
        replicate_variance, dof: Variance of the mean from the choice of the replicates, 0 without
            replicates, and its degrees of freedom.
        moderated_variance, moderated_dof: The same, moderated by the other configurations.
    """

    mean: float
    sd: float
    low: float
    high: float
    p: float
    replicates: int
    image_variance: float
    replicate_variance: float
    dof: float
    moderated_variance: float
    moderated_dof: float


def estimate_means(
    values: FloatArray,
    resampled: NDArray[np.floating] | None,
    *,
    variance: ReplicateVariance | None = None,
    moderated: ReplicateVariance | None = None,
) -> pd.DataFrame:
    """Return means over replicates with their intervals and tests, many at once.

    Args:
        values: Values by replicate, float64, shape (replicates, k).
        resampled: Values on each resample, shape (resamples, replicates, k); None if the values do
            not depend on the test images.
        variance: Variances between replicates of each of the k values; None estimates them from
            `values`.
        moderated: Moderated variances for the tests; None uses `variance`.

    Returns:
        One row for each of the k values, with the fields of `Estimate`.
    """
    return pd.DataFrame(_estimate_columns(values, resampled, variance, moderated))


def _estimate_columns(
    values: FloatArray,
    resampled: NDArray[np.floating] | None,
    variance: ReplicateVariance | None = None,
    moderated: ReplicateVariance | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the fields of `Estimate` of k means; see `estimate_means` for the arguments."""
    n_replicates, mean = len(values), values.mean(axis=0)
    if variance is None:
        variance = estimate_replicate_variance(values, resampled)
    image_variance = np.where(variance.dof > 0, 0.0, np.nan)
    if resampled is not None:
        image_variance = resampled.mean(axis=1).var(axis=0, ddof=1)
    sd = values.std(axis=0, ddof=1) if n_replicates > 1 else np.full(mean.shape, np.nan)
    own = MeanVariance(image_variance, variance.between_replicates / n_replicates, variance.dof)
    for_tests = None
    if moderated is not None:
        for_tests = MeanVariance(
            image_variance, moderated.between_replicates / n_replicates, moderated.dof
        )
    return make_estimates(mean, sd, np.full(mean.shape, n_replicates), own, for_tests)


def make_estimates(
    mean: FloatArray,
    sd: FloatArray,
    replicates: IntArray,
    variance: MeanVariance,
    moderated: MeanVariance | None,
) -> dict[str, NDArray[Any]]:
    """Return the fields of `Estimate` of k means with known variances.

    Args:
        mean: Means, float64, shape (k,), like all other arrays.
        sd: Standard deviations over the replicates.
        replicates: Numbers of replicates.
        variance: Variances of the means.
        moderated: Moderated variances of the means, for the tests; None uses `variance`.

    Returns:
        Arrays of shape (k,) by the name of the field.
    """
    # Resamples without any variance, e.g. of one image, or of images that are all misclassified,
    # do not show that the variance is 0. Values that do not depend on the replicate do.
    # A sum over the images of a resample has a rounding error.
    is_zero = variance.images + variance.replicates <= (_ROUNDING_ERROR * mean) ** 2
    is_unknown = is_zero & np.isfinite(variance.dof)
    images = np.where(is_unknown, np.nan, variance.images)
    variance = variance._replace(images=images)
    moderated = moderated._replace(images=images) if moderated else variance
    half_width = compute_half_width(variance, ALPHA / 2)
    # Without any difference, 0 / 0 must not count as evidence.
    p = np.where(
        is_unknown & (mean == 0), 1.0, compute_guarded_p(np.abs(mean), variance, moderated)
    )
    return {
        "mean": mean,
        "sd": sd,
        "low": mean - half_width,
        "high": mean + half_width,
        "p": p,
        "replicates": replicates,
        "image_variance": images,
        "replicate_variance": variance.replicates,
        "dof": variance.dof,
        "moderated_variance": moderated.replicates,
        "moderated_dof": moderated.dof,
    }


def compute_guarded_p(
    distance: FloatArray, variance: MeanVariance, moderated: MeanVariance
) -> FloatArray:
    """Return two-sided p-values from moderated variances, guarded by the unmoderated ones.

    Moderated variances are too small for a configuration that is less stable than the others. So a
    p-value is below `ALPHA` only if the p-value from the unmoderated variance is, too.

    Args:
        distance: Distances of the means from the hypothesis, at least 0.
        variance: Variances of the means.
        moderated: Moderated variances of the means, or the same object again.
    """
    own_p = 2 * compute_tail(distance, variance)
    if moderated is variance:
        return own_p
    moderated_p = 2 * compute_tail(distance, moderated)
    return np.where(own_p < ALPHA, moderated_p, np.maximum(own_p, moderated_p))


def estimate_mean(values: FloatArray, resampled: FloatArray | None) -> Estimate:
    """Return the mean over replicates with its interval and test, from only these replicates.

    Equal values of several replicates do not show that the replicate variance is 0. If they do not
    depend on the images either, interval and p-value are unknown.

    Args:
        values: Values by replicate, float64, shape (replicates,), at least one.
        resampled: Values on each resample, shape (resamples, replicates); None if the values do not
            depend on the test images.
    """
    columns = _estimate_columns(
        values[:, None], None if resampled is None else resampled[..., None]
    )
    estimate = Estimate(**{name: column.item() for name, column in columns.items()})
    if resampled is None and np.ptp(values) == 0:
        return estimate._replace(low=np.nan, high=np.nan, p=np.nan)
    return estimate


def compute_wilson_interval(
    share: FloatArray, n_images: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of Wilson's 95% confidence intervals of shares (JASA, 1927).

    It is not taken from statsmodels, which takes half a second to import.

    Args:
        share: Shares of the images, float64, shape (k,), 0 to 1.
        n_images: Numbers of images, float64, shape (k,), above 0, not necessarily whole.

    Returns:
        Lower and upper ends, 0 to 1.
    """
    z2_per_image = special.ndtri(1 - ALPHA / 2) ** 2 / n_images
    center = (share + z2_per_image / 2) / (1 + z2_per_image)
    squared = share * (1 - share) * z2_per_image + (z2_per_image / 2) ** 2
    half_width = np.sqrt(squared) / (1 + z2_per_image)
    return np.clip(center - half_width, 0, 1), np.clip(center + half_width, 0, 1)


def adjust_holm(p: NDArray[np.float64]) -> FloatArray:
    """Return p-values adjusted by Holm's procedure (Scandinavian Journal of Statistics, 1979).

    It is not taken from statsmodels, which runs the garbage collector in every call (0.1 s).

    Args:
        p: Unadjusted p-values, float64, shape (k,), 0 to 1; NaN is not counted.

    Returns:
        Adjusted p-values, float64, shape (k,), 0 to 1; NaN stays NaN.
    """
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]  # NaN is sorted last
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected
