"""Intervals and tests that hold both sources of luck: which test images, and which seeds.

A trial's score on test is its configuration's mean, plus the luck of its seed, plus that of the
test images. The images' luck is in part common to all trials (some images are hard) and in part
each trial's own: a model trained from another seed errs on other images, too.

Images: they are drawn again with replacement, the same draws for every trial, so that differences
are paired. Seeds: the variance between replicates holds the seeds' luck and the trials' own luck
with the images. The draws tell how large the latter is; what is left is the seeds' (the analysis of
variance of a random effect: Searle, Casella & McCulloch, Variance Components, 1992, chapter 3).
It is pooled over the configurations, because three seeds hardly tell a variance, and it makes the
interval Student's t, with the degrees of freedom of Satterthwaite (Biometrics, 1946).

To draw the seeds again as well would be simpler, and wrong with few: three of them show two
thirds of their variance, and a percentile of three values has no tail.
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
"""Of every test, after Holm's correction over the tests of the same table."""


class Estimate(NamedTuple):
    """A mean over seeds, or a difference of such means, with its 95 % interval.

    Attributes:
        mean: over seeds.
        sd: standard deviation over seeds (n - 1); NaN for one seed.
        low: of the interval.
        high: of the interval; for one seed it holds the images' luck alone.
        p: two-sided, of the hypothesis that the mean is 0.
        seeds: how many.
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
    """Means over seeds with their intervals and tests, many at once.

    The variance of a mean over R seeds is images + share (total - sampling) / R, with the variance
    of the mean over the draws, and the `VarianceComponents`.

    Args:
        values: shape (seeds, k).
        resampled: the same on each draw of the images, shape (draws, seeds, k); None for values
            that no test image enters.
        pooled_variances: what seeds change, known from elsewhere; None takes it from these values.
        share: how many times that variance is in a value: twice in a difference of two.

    Returns:
        One row for each k, with the fields of `Estimate`.
    """
    n_seeds, mean = len(values), values.mean(axis=0)
    variances = (
        estimate_variances(values, resampled) if pooled_variances is None else pooled_variances
    )
    image_variance = np.full(mean.shape, 0.0 if variances.dof else np.nan)
    if resampled is not None:
        image_variance = resampled.mean(axis=1).var(axis=0, ddof=1)
    variance = image_variance + share * variances.between_seeds / n_seeds
    # Satterthwaite: of the variance, this part has few degrees of freedom, the rest many, so the
    # whole has no fewer; where the seeds' variance came out below 0, it could seem to.
    seed_variance = share * variances.total / n_seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        total_dof = variances.dof * np.maximum(1, variance / seed_variance) ** 2
        dof = np.where(seed_variance > 0, total_dof, np.inf)
        std_error = np.sqrt(variance)
        p = 2 * special.stdtr(dof, -np.abs(mean) / std_error)
    half_width = special.stdtrit(dof, 0.975) * std_error
    sd = values.std(axis=0, ddof=1) if n_seeds > 1 else np.full(mean.shape, np.nan)
    # No difference at all is no evidence of one.
    p = np.where((mean == 0) & (std_error == 0), 1.0, p)
    columns = {"mean": mean, "sd": sd, "low": mean - half_width, "high": mean + half_width, "p": p}
    return pd.DataFrame(columns | {"seeds": n_seeds})


def estimate_mean(values: FloatArray, resampled: FloatArray | None) -> Estimate:
    """Mean over seeds with its interval and test, by these seeds alone.

    Args:
        values: one a seed, shape (seeds,), at least one.
        resampled: the same on each draw of the images, shape (draws, seeds); None for a value
            that no test image enters.
    """
    resampled_columns = None if resampled is None else resampled[..., None]
    (row,) = estimate_means(values[:, None], resampled_columns).itertuples(index=False)
    return Estimate(*row)


def estimate_contrasts(
    bootstrap: BootstrapScores, score: str, rows: IntArray, weights: Sequence[Mapping[str, float]]
) -> pd.DataFrame:
    """Weighted sums of configurations' scores, seed by seed, with the pooled spread of the seeds.

    Args:
        bootstrap: from `bootstrap_scores`.
        score: of `SCORES` or `CLASS_PRECISIONS`.
        rows: trials, shape (k, configurations, seeds), all there.
        weights: k times, of as many configurations in the order of `rows`.

    Returns:
        One row for each k, with the fields of `Estimate`.
    """
    share = np.array(
        [
            _compute_variance_share(weight_by_name, bootstrap.representatives)
            for weight_by_name in weights
        ]
    )
    weight = np.array([list(weight_by_name.values()) for weight_by_name in weights])
    weight[share == 0] = 0  # one function against itself: not even a rounding error apart
    values = np.einsum("kc,kcs->sk", weight, bootstrap.values[score][rows])
    resampled = np.einsum("kc,bkcs->bsk", weight, bootstrap.resampled[score][:, rows])
    return estimate_means(
        values, resampled, pooled_variances=bootstrap.variances[score], share=share
    )


def _compute_variance_share(
    weights: Mapping[str, float], representatives: Mapping[str, str]
) -> float:
    """How much of one seed's variance is in a weighted sum; equal functions have equal luck."""
    weight_by_class: dict[str, float] = {}
    for name, weight in weights.items():
        weight_by_class[representatives[name]] = (
            weight_by_class.get(representatives[name], 0.0) + weight
        )
    return sum(weight**2 for weight in weight_by_class.values())


def estimate_contrast(
    bootstrap: BootstrapScores, score: str, weights: Mapping[str, float]
) -> Estimate | None:
    """A weighted sum of configurations' scores over the seeds that all have: `estimate_contrasts`.

    Args:
        bootstrap: from `bootstrap_scores`.
        score: of `SCORES` or `CLASS_PRECISIONS`.
        weights: by configuration; {"a": 1, "b": -1} is the difference of two.

    Returns:
        None if no seed is common to all.
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
    """Where one more run, with a seed and test images of its own, would lie in 95 % of cases.

    Args:
        bootstrap: from `bootstrap_scores`.
        score: of `SCORES`.
        name: of a configuration.
        new_scores: the new run's score on each draw of its images, shape (draws,).

    Returns:
        Lower and upper end; without replicates they lack the seeds' luck, and lie too close.
        None if the configuration has no trial.
    """
    current_mean = estimate_contrast(bootstrap, score, {name: 1.0})
    if current_mean is None:
        return None
    rows = find_trial_rows(bootstrap.trials, [name])
    rows = rows[rows >= 0]
    # Draws in reverse: the new run's images have nothing to do with ours.
    resampled = bootstrap.resampled[score][:, rows] + (new_scores - new_scores.mean())[::-1, None]
    interval = estimate_means(
        bootstrap.values[score][rows][:, None],
        resampled[..., None],
        pooled_variances=bootstrap.variances[score],
        share=1.0 + rows.size,  # the new run has its own seed beside those of the mean
    )
    return float(interval["low"].iloc[0]), float(interval["high"].iloc[0])


def compute_wilson_interval(share: pd.Series, n_images: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the ends of the 95 % intervals of shares (Wilson, JASA, 1927).

    statsmodels has the same, and takes half a second to import.

    Args:
        share: Shares of the images, 0 to 1.
        n_images: Numbers of images, above 0, not always whole.
    """
    z2_per_image = special.ndtri(1 - ALPHA / 2) ** 2 / n_images
    center = (share + z2_per_image / 2) / (1 + z2_per_image)
    squared = share * (1 - share) * z2_per_image + (z2_per_image / 2) ** 2
    half_width = np.sqrt(squared) / (1 + z2_per_image)
    return (center - half_width).clip(0, 1), (center + half_width).clip(0, 1)


def adjust_holm(p: NDArray[np.float64]) -> FloatArray:
    """P-values corrected for their number (Holm, Scandinavian Journal of Statistics, 1979).

    statsmodels has the same, and collects garbage in every call, which takes a tenth of a second.

    Args:
        p: any shape (k,); NaN stays NaN and is not counted.
    """
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]  # NaN sort last
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected
