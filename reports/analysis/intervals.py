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
from reports.analysis.bootstrap import Sampled, Spread, positions, spread

LEVEL = 0.05
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


def estimates(
    values: FloatArray,
    resampled: NDArray[np.floating] | None,
    *,
    pooled: Spread | None = None,
    share: float | FloatArray = 1.0,
) -> pd.DataFrame:
    """Means over seeds with their intervals and tests, many at once.

    The variance of a mean over R seeds is images + share (between - own) / R, with the variance
    of the mean over the draws, and the variances of a `Spread`.

    Args:
        values: shape (seeds, k).
        resampled: the same on each draw of the images, shape (draws, seeds, k); None for values
            that no test image enters.
        pooled: what seeds change, known from elsewhere; None takes it from these values.
        share: how many times that variance is in a value: twice in a difference of two.

    Returns:
        One row for each k, with the fields of `Estimate`.
    """
    seeds, mean = len(values), values.mean(axis=0)
    found = spread(values, resampled) if pooled is None else pooled
    images = np.full(mean.shape, 0.0 if found.freedom else np.nan)
    if resampled is not None:
        images = resampled.mean(axis=1).var(axis=0, ddof=1)
    variance = images + share * found.seeds / seeds
    # Satterthwaite: of the variance, this part has few degrees of freedom, the rest many, so the
    # whole has no fewer; where the seeds' variance came out below 0, it could seem to.
    part = share * found.between / seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = found.freedom * np.maximum(1, variance / part) ** 2
        freedom = np.where(part > 0, whole, np.inf)
        error = np.sqrt(variance)
        p = 2 * special.stdtr(freedom, -np.abs(mean) / error)
    half = special.stdtrit(freedom, 0.975) * error
    sd = values.std(axis=0, ddof=1) if seeds > 1 else np.full(mean.shape, np.nan)
    # No difference at all is no evidence of one.
    p = np.where((mean == 0) & (error == 0), 1.0, p)
    columns = {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half, "p": p}
    return pd.DataFrame(columns | {"seeds": seeds})


def estimate(values: FloatArray, resampled: FloatArray | None) -> Estimate:
    """Mean over seeds with its interval and test, by these seeds alone.

    Args:
        values: one a seed, shape (seeds,), at least one.
        resampled: the same on each draw of the images, shape (draws, seeds); None for a value
            that no test image enters.
    """
    many = None if resampled is None else resampled[..., None]
    (row,) = estimates(values[:, None], many).itertuples(index=False)
    return Estimate(*row)


def contrasts(
    sampled: Sampled, score: str, rows: IntArray, weights: Sequence[Mapping[str, float]]
) -> pd.DataFrame:
    """Weighted sums of configurations' scores, seed by seed, with the pooled spread of the seeds.

    Args:
        sampled: from `sample`.
        score: of `SCORES` or `PRECISIONS`.
        rows: trials, shape (k, configurations, seeds), all there.
        weights: k times, of as many configurations in the order of `rows`.

    Returns:
        One row for each k, with the fields of `Estimate`.
    """
    share = np.array([_share(each, sampled.functions) for each in weights])
    weight = np.array([list(each.values()) for each in weights])
    weight[share == 0] = 0  # one function against itself: not even a rounding error apart
    values = np.einsum("kc,kcs->sk", weight, sampled.values[score][rows])
    resampled = np.einsum("kc,bkcs->bsk", weight, sampled.resampled[score][:, rows])
    return estimates(values, resampled, pooled=sampled.spread[score], share=share)


def _share(weights: Mapping[str, float], functions: Mapping[str, str]) -> float:
    """How much of one seed's variance is in a weighted sum; equal functions have equal luck."""
    merged: dict[str, float] = {}
    for name, weight in weights.items():
        merged[functions[name]] = merged.get(functions[name], 0.0) + weight
    return sum(weight**2 for weight in merged.values())


def contrast(sampled: Sampled, score: str, weights: Mapping[str, float]) -> Estimate | None:
    """A weighted sum of configurations' scores over the seeds that all have: see `contrasts`.

    Args:
        sampled: from `sample`.
        score: of `SCORES` or `PRECISIONS`.
        weights: by configuration; {"a": 1, "b": -1} is the difference of two.

    Returns:
        None if no seed is common to all.
    """
    rows = positions(sampled.trials, list(weights))
    rows = rows[:, (rows >= 0).all(axis=0)]
    if not rows.size:
        return None
    (row,) = contrasts(sampled, score, rows[None], [weights]).itertuples(index=False)
    return Estimate(*row)


def predicted_range(
    sampled: Sampled, score: str, name: str, drawn: FloatArray
) -> tuple[float, float] | None:
    """Where one more run, with a seed and test images of its own, would lie in 95 % of cases.

    Args:
        sampled: from `sample`.
        score: of `SCORES`.
        name: of a configuration.
        drawn: the new run's score on each draw of its images, shape (draws,).

    Returns:
        Lower and upper end; without replicates they lack the seeds' luck, and lie too close.
        None if the configuration has no trial.
    """
    known = contrast(sampled, score, {name: 1.0})
    if known is None:
        return None
    rows = positions(sampled.trials, [name])
    rows = rows[rows >= 0]
    # Draws in reverse: the new run's images have nothing to do with ours.
    resampled = sampled.resampled[score][:, rows] + (drawn - drawn.mean())[::-1, None]
    found = estimates(
        sampled.values[score][rows][:, None],
        resampled[..., None],
        pooled=sampled.spread[score],
        share=1.0 + rows.size,  # the new run has its own seed beside those of the mean
    )
    return float(found["low"].iloc[0]), float(found["high"].iloc[0])


def holm(p: NDArray[np.float64]) -> FloatArray:
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
