"""Estimate means and differences over seeds, with intervals that include both sources of variance.

A trial's test score is its configuration's mean, plus an effect of its seed, plus an effect of the
test images. One part of the image effect is common to all trials, because some images are hard. The
other is specific to a trial, because models with different seeds misclassify different images.

The image variance comes from the bootstrap. All trials share the same resamples, so differences are
paired. `seed_variance` estimates the variance across seeds, and `uncertainty` combines the two.

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
from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.seed_variance import (
    SeedVariance,
    combine_seed_variances,
    estimate_seed_variance,
    find_trial_rows,
)
from reports.analysis.uncertainty import MeanVariance, compute_half_width, compute_tail

ALPHA = 0.05
"""Significance level of every test, after Holm's correction over the tests of the same table."""


_ROUNDING_ERROR = 1e-12
"""Standard deviation, relative to the mean, up to which values differ only by rounding."""


_NO_LIMIT = 1e300
"""Finite replacement of an infinite limit; 0 times infinity is NaN."""


class Estimate(NamedTuple):
    """A mean over seeds, or a difference of such means, with its 95% confidence interval.

    Without replicates, the seed variance is unknown. Interval and `p` then include only the
    variance of the test images, or are NaN if the value does not depend on the images. They are
    also NaN if a value has no variance on the resamples, e.g. if there is only one test image.

    Attributes:
        mean: Mean over the seeds.
        sd: Standard deviation over the seeds (divisor n - 1); NaN for one seed.
        low: Lower end of the interval; for a contrast of scores, not below its smallest possible
            value.
        high: Upper end of the interval, likewise.
        p: Two-sided p-value of the hypothesis that the mean is 0, from the moderated variance. It
            is below `ALPHA` only if the interval does not contain 0.
        seeds: Number of seeds.
        image_variance: Variance of the mean from the choice of the test images.
        seed_variance, dof: Variance of the mean from the choice of the seeds, 0 without replicates,
            and its degrees of freedom.
        moderated_variance, moderated_dof: The same, moderated by the other configurations.
    """

    mean: float
    sd: float
    low: float
    high: float
    p: float
    seeds: int
    image_variance: float
    seed_variance: float
    dof: float
    moderated_variance: float
    moderated_dof: float


def estimate_means(
    values: FloatArray,
    resampled: NDArray[np.floating] | None,
    *,
    variance: SeedVariance | None = None,
    moderated: SeedVariance | None = None,
) -> pd.DataFrame:
    """Return means over seeds with their intervals and tests, many at once.

    Args:
        values: Values by seed, float64, shape (seeds, k).
        resampled: Values on each resample, shape (resamples, seeds, k); None if the values do not
            depend on the test images.
        variance: Variances between replicates of each of the k values; None estimates them from
            `values`.
        moderated: Moderated variances for the tests; None uses `variance`.

    Returns:
        One row for each of the k values, with the fields of `Estimate`.
    """
    n_seeds, mean = len(values), values.mean(axis=0)
    if variance is None:
        variance = estimate_seed_variance(values, resampled)
    image_variance = np.where(variance.dof > 0, 0.0, np.nan)
    if resampled is not None:
        image_variance = resampled.mean(axis=1).var(axis=0, ddof=1)
    sd = values.std(axis=0, ddof=1) if n_seeds > 1 else np.full(mean.shape, np.nan)
    own, for_tests = (
        MeanVariance(image_variance, part.between_seeds / n_seeds, part.dof)
        for part in (variance, moderated or variance)
    )
    return _make_estimates(mean, sd, own, for_tests, n_seeds)


def _make_estimates(
    mean: FloatArray,
    sd: FloatArray,
    variance: MeanVariance,
    moderated: MeanVariance,
    n_seeds: int,
) -> pd.DataFrame:
    """Return the fields of `Estimate` of means with known variances."""
    # Resamples without any variance, e.g. of one image, or of images that are all misclassified,
    # do not show that the variance is 0. Values that do not depend on the seed do.
    # A sum over the images of a resample has a rounding error.
    is_zero = variance.images + variance.seeds <= (_ROUNDING_ERROR * mean) ** 2
    is_unknown = is_zero & np.isfinite(variance.dof)
    images = np.where(is_unknown, np.nan, variance.images)
    variance, moderated = variance._replace(images=images), moderated._replace(images=images)
    half_width = compute_half_width(variance, ALPHA / 2)
    # Without any difference, 0 / 0 must not count as evidence.
    p = np.where(
        is_unknown & (mean == 0), 1.0, compute_guarded_p(np.abs(mean), variance, moderated)
    )
    return pd.DataFrame(
        {
            "mean": mean,
            "sd": sd,
            "low": mean - half_width,
            "high": mean + half_width,
            "p": p,
            "seeds": n_seeds,
            "image_variance": images,
            "seed_variance": variance.seeds,
            "dof": variance.dof,
            "moderated_variance": moderated.seeds,
            "moderated_dof": moderated.dof,
        }
    )


def compute_guarded_p(
    distance: FloatArray, variance: MeanVariance, moderated: MeanVariance
) -> FloatArray:
    """Return two-sided p-values from moderated variances, guarded by the unmoderated ones.

    Moderated variances are too small for a configuration that is less stable than the others. So a
    p-value is below `ALPHA` only if the p-value from the unmoderated variance is, too.

    Args:
        distance: Distances of the means from the hypothesis, at least 0.
        variance: Variances of the means.
        moderated: Moderated variances of the means.
    """
    own_p, moderated_p = (2 * compute_tail(distance, part) for part in (variance, moderated))
    return np.where(own_p < ALPHA, moderated_p, np.maximum(own_p, moderated_p))


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
    """Estimate weighted sums of configurations' scores over common seeds.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score, in `SCORES` or `CLASS_PRECISIONS`.
        rows: Positions of the trials, int64, shape (k, configurations, seeds), none missing.
        weights: Weights of each of the k sums, by configuration, in the order of `rows`.

    Returns:
        One row for each of the k sums, with the fields of `Estimate`.
    """
    model_weights = _sum_by_model(bootstrap, weights)
    weight = np.array([list(weight_by_name.values()) for weight_by_name in weights])
    weight[~model_weights.any(axis=1)] = 0  # equal models cancel exactly, without a rounding error
    values = np.einsum("kc,kcs->sk", weight, bootstrap.values[score][rows])
    resampled = np.einsum("kc,bkcs->bsk", weight, bootstrap.resampled[score][:, rows])
    variance, moderated = (
        combine_seed_variances(variances[score], model_weights)
        for variances in (bootstrap.seed_variances, bootstrap.moderated_variances)
    )
    frame = estimate_means(values, resampled, variance=variance, moderated=moderated)
    return _clip_intervals(frame, bootstrap, score, weight)


def _clip_intervals(
    estimates: pd.DataFrame, bootstrap: BootstrapScores, score: str, weights: FloatArray
) -> pd.DataFrame:
    """Clip the intervals of weighted sums to the possible values, e.g. -1 to 1 for a difference.

    Args:
        estimates: Fields of `Estimate` of k sums.
        bootstrap: Scores with their ranges.
        score: Name of the score.
        weights: Weights of each sum, shape (k, configurations).
    """
    positive, negative = (np.maximum(sign * weights, 0).sum(axis=1) for sign in (1, -1))
    low, high = np.clip(bootstrap.ranges.get(score, (0, 1)), -_NO_LIMIT, _NO_LIMIT)
    smallest, largest = positive * low - negative * high, positive * high - negative * low
    return estimates.assign(
        low=estimates["low"].clip(smallest, largest), high=estimates["high"].clip(smallest, largest)
    )


def _sum_by_model(bootstrap: BootstrapScores, weights: Sequence[Mapping[str, float]]) -> FloatArray:
    """Return the weights of `BootstrapScores.models` in each sum, shape (k, models).

    Configurations that train the same model have the same effect of a seed, so their weights add
    up.
    """
    position_by_model = {name: i for i, name in enumerate(bootstrap.models)}
    model_weights = np.zeros((len(weights), len(bootstrap.models)))
    for i, weight_by_name in enumerate(weights):
        for name, weight in weight_by_name.items():
            model_weights[i, position_by_model[bootstrap.representatives[name]]] += weight
    return model_weights


def estimate_contrast(
    bootstrap: BootstrapScores, score: str, weights: Mapping[str, float]
) -> Estimate | None:
    """Estimate a weighted sum of configurations' scores.

    If the configurations have seeds in common, the sum is over these. Otherwise, it is over all
    seeds of each configuration, and `sd` is NaN and `seeds` is 0: no seed has a value of the sum.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score, in `SCORES` or `CLASS_PRECISIONS`.
        weights: Weights by configuration, e.g. {"a": 1, "b": -1} for a difference.

    Returns:
        Estimate of the sum; None if a configuration has no trial.
    """
    rows = find_trial_rows(bootstrap.trials, list(weights))
    if not (rows >= 0).any(axis=1).all():
        return None
    common_rows = rows[:, (rows >= 0).all(axis=0)]
    if common_rows.size:
        frame = estimate_contrasts(bootstrap, score, common_rows[None], [weights])
    else:
        frame = _estimate_unpaired(bootstrap, score, rows, weights)
    (row,) = frame.itertuples(index=False)
    return Estimate(*row)


def _estimate_unpaired(
    bootstrap: BootstrapScores, score: str, rows: IntArray, weights: Mapping[str, float]
) -> pd.DataFrame:
    """Estimate a weighted sum of configurations without common seeds, from all their seeds."""
    mean, resampled, seed_weights = 0.0, np.zeros(len(bootstrap.resampled[score])), []
    for row, weight in zip(rows, weights.values(), strict=True):
        own_rows = row[row >= 0]
        mean += weight * bootstrap.values[score][own_rows].mean()
        resampled += weight * bootstrap.resampled[score][:, own_rows].mean(axis=1)
        seed_weights.append(weight / np.sqrt(len(own_rows)))
    model_weights = _sum_by_model(bootstrap, [dict(zip(weights, seed_weights, strict=True))])
    combined = (
        combine_seed_variances(variances[score], model_weights)
        for variances in (bootstrap.seed_variances, bootstrap.moderated_variances)
    )
    own, for_tests = (
        MeanVariance(np.array([resampled.var(ddof=1)]), variance.between_seeds, variance.dof)
        for variance in combined
    )
    frame = _make_estimates(np.array([mean]), np.array([np.nan]), own, for_tests, n_seeds=0)
    return _clip_intervals(frame, bootstrap, score, np.array([list(weights.values())]))


class PredictionInterval(NamedTuple):
    """95% prediction interval of one more run, with its own seed and test images.

    Without replicates, interval and `p` lack the seed variance.

    Attributes:
        low: Lower end.
        high: Upper end.
        p: Two-sided p-value of the hypothesis that a given score is from such a run.
    """

    low: float
    high: float
    p: float


def compute_prediction_interval(
    bootstrap: BootstrapScores, score: str, name: str, new_score: float, new_variance: float
) -> PredictionInterval | None:
    """Return the prediction interval of a run, and test whether a score fits it.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score in `SCORES`.
        name: Name of a configuration.
        new_score: Score that is tested.
        new_variance: Its variance from the choice of its own test images.

    Returns:
        Interval and test; None if the configuration has no trial.
    """
    current = estimate_contrast(bootstrap, score, {name: 1.0})
    if current is None:
        return None
    # The new run's images are independent of these, and it adds its own seed to those of the mean.
    variance = MeanVariance(
        np.array([current.image_variance + new_variance]),
        np.array([current.seed_variance * (1 + current.seeds)]),
        np.array([current.dof]),
    )
    half_width = float(compute_half_width(variance, ALPHA / 2)[0])
    distance = np.array([abs(new_score - current.mean)])
    return PredictionInterval(
        low=current.mean - half_width,
        high=current.mean + half_width,
        p=float(2 * compute_tail(distance, variance)[0]),
    )


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
