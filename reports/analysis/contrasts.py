"""Estimate weighted sums of configurations' scores, e.g. differences between two of them.

The sums are paired: by resample, because all trials share the same resamples, and by replicate, if
the configurations have replicates in common.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.intervals import ALPHA, Estimate, make_estimates
from reports.analysis.replicate_variance import combine_replicate_variances, find_trial_rows
from reports.analysis.uncertainty import MeanVariance, compute_half_width, compute_tail

_NO_LIMIT = 1e300
"""Finite replacement of an infinite limit; 0 times infinity is NaN."""


def estimate_contrasts(
    bootstrap: BootstrapScores, score: str, weights: Sequence[Mapping[str, float]]
) -> pd.DataFrame:
    """Estimate weighted sums of configurations' scores, many at once.

    If the configurations of a sum have replicates in common, the sum is over these. Otherwise, it
    is over all replicates of each configuration, and `sd` is NaN and `replicates` is 0: no
    replicate has a value of the sum.

    Args:
        bootstrap: Scores from `bootstrap_scores`.
        score: Name of a score, a key of `BootstrapScores.values`.
        weights: Weights of each of the k sums, by configuration, e.g. {"a": 1, "b": -1} for a
            difference.

    Returns:
        One row for each of the k sums, with the fields of `Estimate`. If a configuration has no
        trial, the mean, its interval and `p` are NaN, and `replicates` is 0.
    """
    names = [*bootstrap.representatives]
    rows_by_name = dict(zip(names, find_trial_rows(bootstrap.trials, names), strict=True))
    sums = [_sum_scores(bootstrap, score, rows_by_name, each) for each in weights]
    mean, sd, replicates, image_variance = (
        np.array([getattr(each, field) for each in sums])
        for field in ("mean", "sd", "replicates", "image_variance")
    )
    model_weights = np.array([each.model_weights for each in sums]).reshape(
        len(sums), len(bootstrap.models)
    )
    own, for_tests = (
        MeanVariance(image_variance, variance.between_replicates, variance.dof)
        for variance in (
            combine_replicate_variances(variances[score], model_weights)
            for variances in (bootstrap.replicate_variances, bootstrap.moderated_variances)
        )
    )
    columns = make_estimates(mean, sd, replicates, own, for_tests)
    smallest, largest = _find_possible_values(bootstrap, score, weights)
    ends = {end: np.clip(columns[end], smallest, largest) for end in ("low", "high")}
    return pd.DataFrame(columns | ends)


def _find_possible_values(
    bootstrap: BootstrapScores, score: str, weights: Sequence[Mapping[str, float]]
) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and the largest possible value of each sum, e.g. -1 and 1.

    They limit the intervals, which are symmetric and can extend beyond them.
    """
    low, high = np.clip(bootstrap.ranges.get(score, (0, 1)), -_NO_LIMIT, _NO_LIMIT)
    positive, negative = (
        np.array([sum(max(sign * one, 0.0) for one in each.values()) for each in weights])
        for sign in (1, -1)
    )
    return positive * low - negative * high, positive * high - negative * low


def estimate_contrast(
    bootstrap: BootstrapScores, score: str, weights: Mapping[str, float]
) -> Estimate | None:
    """Estimate one weighted sum of configurations' scores; see `estimate_contrasts`.

    Returns:
        Estimate of the sum; None if a configuration has no trial.
    """
    if not weights.keys() <= bootstrap.representatives.keys():
        return None
    (row,) = estimate_contrasts(bootstrap, score, [weights]).itertuples(index=False)
    return Estimate(*row)


class _ScoreSum(NamedTuple):
    """A weighted sum of scores.

    Attributes:
        mean: Value, from the means over the replicates; NaN if a configuration has no trial.
        sd: Standard deviation over the common replicates; NaN for fewer than two.
        replicates: Number of common replicates.
        image_variance: Variance of the value from the choice of the test images.
        model_weights: Weights of the replicate variances of `BootstrapScores.models`, float64,
            shape (models,).
    """

    mean: float
    sd: float
    replicates: int
    image_variance: float
    model_weights: FloatArray


def _sum_scores(
    bootstrap: BootstrapScores,
    score: str,
    rows_by_name: Mapping[str, IntArray],
    weights: Mapping[str, float],
) -> _ScoreSum:
    """Return a weighted sum of scores.

    Args:
        bootstrap: Scores of the trials.
        score: Name of a score.
        rows_by_name: Positions of the trials of each configuration, by replicate, -1 for a missing
            one.
        weights: Weights by configuration.
    """
    model_weights = np.zeros(len(bootstrap.models))
    if not weights.keys() <= rows_by_name.keys():
        return _ScoreSum(np.nan, np.nan, 0, np.nan, model_weights)
    values, resampled = bootstrap.values[score], bootstrap.resampled[score]
    weight = np.array([*weights.values()], np.float64)
    own_rows = [rows_by_name[name] for name in weights]
    has_all = np.all([rows >= 0 for rows in own_rows], axis=0)
    n_common = int(has_all.sum())
    used_rows = [rows[has_all] if n_common else rows[rows >= 0] for rows in own_rows]
    # Configurations that train the same model have the same replicate effects, so their weights
    # add up. If they cancel, so do the scores, exactly and without a rounding error.
    for name, rows, one in zip(weights, used_rows, weight, strict=True):
        position = bootstrap.models.index(bootstrap.representatives[name])
        model_weights[position] += one / np.sqrt(len(rows))
    if not model_weights.any():
        weight[:] = 0
    sd = (weight @ values[np.array(used_rows)]).std(ddof=1) if n_common > 1 else np.nan
    mean = weight @ [values[rows].mean() for rows in used_rows]
    resampled_mean = weight @ [resampled[:, rows].mean(axis=1) for rows in used_rows]
    return _ScoreSum(mean, sd, n_common, resampled_mean.var(ddof=1), model_weights)


class PredictionInterval(NamedTuple):
    """95% prediction interval of one more run, with its own seed, fold and test images.

    Without replicates, interval and `p` lack the replicate variance.

    Attributes:
        low: Lower end.
        high: Upper end.
        p: Two-sided p-value of the hypothesis that a given score is from such a run.
    """

    low: float
    high: float
    p: float


def compute_prediction_interval(
    current: Estimate, new_score: float, new_variance: float
) -> PredictionInterval:
    """Return the prediction interval of a run, and test whether a score fits it.

    Args:
        current: Estimate of the configuration's score, from `estimate_contrast`.
        new_score: Score that is tested.
        new_variance: Its variance from the choice of its own test images.
    """
    # The new run's images are independent of these, and its own seed and fold add to those of the
    # mean.
    variance = MeanVariance(
        np.array([current.image_variance + new_variance]),
        np.array([current.replicate_variance * (1 + current.replicates)]),
        np.array([current.dof]),
    )
    half_width = float(compute_half_width(variance, ALPHA / 2)[0])
    distance = np.array([abs(new_score - current.mean)])
    return PredictionInterval(
        low=current.mean - half_width,
        high=current.mean + half_width,
        p=float(2 * compute_tail(distance, variance)[0]),
    )
