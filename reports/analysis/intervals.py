"""Compute intervals and tests that include both sources of variance: test images and seeds.

A trial's test score is its configuration's mean, plus an effect of its seed, plus an effect of the
test images. One part of the image effect is common to all trials, because some images are hard. The
other is specific to a trial, because models with different seeds misclassify different images.

The image variance comes from the bootstrap. All trials share the same resamples, so differences are
paired. The variance between replicates is the seed variance plus the sampling variance that is
specific to a trial. The bootstrap estimates the latter; the rest is the seed variance (analysis of
variance of a random effect: Searle, Casella & McCulloch, "Variance Components", 1992, chapter 3).
It is pooled over the configurations, because an estimate from three seeds is imprecise. The
interval uses Student's t with Satterthwaite's degrees of freedom (Biometrics, 1946).

Bootstrapping the seeds as well would be simpler but wrong with few seeds: the expected bootstrap
variance of three values is two thirds of their variance, and their percentiles have no tail.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import (
    BootstrapScores,
    VarianceComponents,
    estimate_variances,
    find_trial_rows,
)

ALPHA = 0.05
"""Significance level of every test, after Holm's correction over the tests of the same table."""


class Estimate(NamedTuple):
    """A mean over seeds, or a difference of such means, with its 95% confidence interval.

    Without replicates, the seed variance is unknown. Interval and `p` then include only the
    variance of the test images, or are NaN if the value does not depend on the images. They are
    also NaN if a value has no variance on the resamples, e.g. if there is only one test image.

    Attributes:
        mean: Mean over the seeds.
        sd: Standard deviation over the seeds (divisor n - 1); NaN for one seed.
        low: Lower end of the interval.
        high: Upper end of the interval.
        p: Two-sided p-value of the hypothesis that the mean is 0.
        seeds: Number of seeds.
    """

    mean: float
    sd: float
    low: float
    high: float
    p: float
    seeds: int


def estimate_means(
    values: FloatArray,
    resampled: NDArray[np.floating] | None,
    *,
    pooled_variances: VarianceComponents | None = None,
    share: float | FloatArray = 1.0,
) -> pd.DataFrame:
    """Return means over seeds with their intervals and tests, many at once.

    The variance of a mean over R seeds is images + share (total - sampling) / R. Here, images is
    the variance of the mean over the resamples; total and sampling are `VarianceComponents`.

    Args:
        values: Values by seed, float64, shape (seeds, k).
        resampled: Values on each resample, shape (resamples, seeds, k); None if the values do not
            depend on the test images.
        pooled_variances: Pooled variances between replicates; None estimates them from `values`.
        share: Number of times that the seed variance is part of a value, e.g. 2 for a difference
            of two scores.

    Returns:
        One row for each of the k values, with the fields of `Estimate`.
    """
    n_seeds, mean = len(values), values.mean(axis=0)
    variances = (
        estimate_variances(values, resampled) if pooled_variances is None else pooled_variances
    )
    image_variance = np.full(mean.shape, 0.0 if variances.dof else np.nan)
    if resampled is not None:
        image_variance = resampled.mean(axis=1).var(axis=0, ddof=1)
    variance = image_variance + share * variances.between_seeds / n_seeds
    # Satterthwaite: only this part of the variance has few degrees of freedom, so the sum cannot
    # have fewer. The maximum below ensures that if the estimated seed variance is negative.
    seed_variance = share * variances.total / n_seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        total_dof = variances.dof * np.maximum(1, variance / seed_variance) ** 2
        dof = np.where(seed_variance > 0, total_dof, np.inf)
        std_error = np.sqrt(variance)
        p = 2 * special.stdtr(dof, -np.abs(mean) / std_error)
        if resampled is not None:
            # Resamples without any variance, e.g. of one image, or of images that are all
            # misclassified, do not show that the variance is 0. Equal predictions (share 0) do.
            is_unknown = (std_error == 0) & (np.asarray(share) > 0)
            p = np.where(is_unknown, np.nan, p)
            dof = np.where(is_unknown, np.nan, dof)
    half_width = special.stdtrit(dof, 0.975) * std_error
    sd = values.std(axis=0, ddof=1) if n_seeds > 1 else np.full(mean.shape, np.nan)
    # Without any difference, 0 / 0 must not count as evidence.
    p = np.where((mean == 0) & (std_error == 0), 1.0, p)
    columns = {"mean": mean, "sd": sd, "low": mean - half_width, "high": mean + half_width, "p": p}
    return pd.DataFrame(columns | {"seeds": n_seeds})


def estimate_mean(values: FloatArray, resampled: FloatArray | None) -> Estimate:
    """Return the mean over seeds with its interval and test, from only these seeds.

    Equal values of several seeds do not show that the seed variance is 0. If they do not depend on
    the images either, interval and p-value are unknown.

    Args:
        values: Values by seed, float64, shape (seeds,), at least one.
        resampled: Values on each resample, shape (resamples, seeds); None if the values do not
            depend on the test images.
    """
    resampled_columns = None if resampled is None else resampled[..., None]
    (row,) = estimate_means(values[:, None], resampled_columns).itertuples(index=False)
    estimate = Estimate(*row)
    if resampled is None and np.ptp(values) == 0:
        return estimate._replace(low=np.nan, high=np.nan, p=np.nan)
    return estimate


def estimate_contrasts(
    bootstrap: BootstrapScores, score: str, rows: IntArray, weights: Sequence[Mapping[str, float]]
) -> pd.DataFrame:
    """Estimate weighted sums of configurations' scores, with the pooled seed variance.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score, in `SCORES` or `CLASS_PRECISIONS`.
        rows: Positions of the trials, int64, shape (k, configurations, seeds), none missing.
        weights: Weights of each of the k sums, by configuration, in the order of `rows`.

    Returns:
        One row for each of the k sums, with the fields of `Estimate`.
    """
    share = np.array(
        [
            _compute_variance_share(weight_by_name, bootstrap.representatives)
            for weight_by_name in weights
        ]
    )
    weight = np.array([list(weight_by_name.values()) for weight_by_name in weights])
    weight[share == 0] = 0  # equivalent configurations cancel exactly, without a rounding error
    values = np.einsum("kc,kcs->sk", weight, bootstrap.values[score][rows])
    resampled = np.einsum("kc,bkcs->bsk", weight, bootstrap.resampled[score][:, rows])
    return estimate_means(
        values, resampled, pooled_variances=bootstrap.variances[score], share=share
    )


def _compute_variance_share(
    weights: Mapping[str, float], representatives: Mapping[str, str]
) -> float:
    """Return how often the seed variance is part of a weighted sum.

    Equivalent configurations have the same effect of a seed, so their weights add up first.
    """
    weight_by_class: dict[str, float] = {}
    for name, weight in weights.items():
        weight_by_class[representatives[name]] = (
            weight_by_class.get(representatives[name], 0.0) + weight
        )
    return sum(weight**2 for weight in weight_by_class.values())


def estimate_contrast(
    bootstrap: BootstrapScores, score: str, weights: Mapping[str, float]
) -> Estimate | None:
    """Estimate a weighted sum of configurations' scores over their common seeds.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score, in `SCORES` or `CLASS_PRECISIONS`.
        weights: Weights by configuration, e.g. {"a": 1, "b": -1} for a difference.

    Returns:
        Estimate of the sum; None without a common seed.
    """
    rows = find_trial_rows(bootstrap.trials, list(weights))
    rows = rows[:, (rows >= 0).all(axis=0)]
    if not rows.size:
        return None
    (row,) = estimate_contrasts(bootstrap, score, rows[None], [weights]).itertuples(index=False)
    return Estimate(*row)


def compute_prediction_interval(
    bootstrap: BootstrapScores, score: str, name: str, new_scores: FloatArray
) -> tuple[float, float] | None:
    """Return the 95% prediction interval of one more run, with its own seed and test images.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score in `SCORES`.
        name: Name of a configuration.
        new_scores: Score of the new run on each resample of its images, float64, shape
            (N_RESAMPLES,).

    Returns:
        Lower and upper end; None if the configuration has no trial. Without replicates, the
        interval lacks the seed variance.
    """
    current_mean = estimate_contrast(bootstrap, score, {name: 1.0})
    if current_mean is None:
        return None
    rows = find_trial_rows(bootstrap.trials, [name])
    rows = rows[rows >= 0]
    # Reversed, because the new run's images are independent of these.
    resampled = bootstrap.resampled[score][:, rows] + (new_scores - new_scores.mean())[::-1, None]
    interval = estimate_means(
        bootstrap.values[score][rows][:, None],
        resampled[..., None],
        pooled_variances=bootstrap.variances[score],
        share=1.0 + rows.size,  # the seeds of the mean, plus that of the new run
    )
    return float(interval["low"].iloc[0]), float(interval["high"].iloc[0])


def compute_wilson_interval(share: pd.Series, n_images: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the ends of Wilson's 95% confidence intervals of shares (JASA, 1927).

    It is not taken from statsmodels, which takes half a second to import.

    Args:
        share: Shares of the images, 0 to 1.
        n_images: Numbers of images, above 0, not necessarily whole.

    Returns:
        Lower and upper ends, 0 to 1.
    """
    z2_per_image = special.ndtri(1 - ALPHA / 2) ** 2 / n_images
    center = (share + z2_per_image / 2) / (1 + z2_per_image)
    squared = share * (1 - share) * z2_per_image + (z2_per_image / 2) ** 2
    half_width = np.sqrt(squared) / (1 + z2_per_image)
    return (center - half_width).clip(0, 1), (center + half_width).clip(0, 1)


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
