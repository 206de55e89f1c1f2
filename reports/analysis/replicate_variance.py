"""Estimate the variance between replicates, for each configuration by itself.

A replicate is a trial of a configuration with another seed or, in a cross-validation, another fold.
The observed variance between replicates is the replicate variance plus the sampling variance of the
test images that is specific to a trial. The bootstrap estimates the latter; the rest is the
replicate variance (analysis of variance of a random effect: Searle, Casella & McCulloch, "Variance
Components", 1992, chapter 3).

In a cross-validation, the replicate variance is not that of another set of training images, but
smaller: the training sets of two of K folds share (K - 2) / (K - 1) of their images.

Configurations are not pooled: a configuration whose training is unstable has a much larger
replicate variance than a stable one. The variances of a weighted sum add up, with the degrees of
freedom of Welch (Biometrika, 1947) and Satterthwaite (Biometrics, 1946).

With few replicates, no difference would remain significant after a correction for many comparisons,
so tests use moderated variances: each is shrunken towards those of the other configurations, by as
much as these agree (Smyth, Statistical Applications in Genetics and Molecular Biology, 2004).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray, IntArray


class ReplicateVariance(NamedTuple):
    """Variances between replicates, for one value or many values at once.

    Attributes:
        total: Observed variance between replicates: replicate variance plus the trials' own
            sampling variance of the test images.
        sampling: Part of `total` that comes from the sampling of the test images.
        dof: Degrees of freedom of `total`; 0 without replicates, when both variances are 0, and
            infinite if the value does not depend on the replicate.
    """

    total: FloatArray
    sampling: FloatArray
    dof: FloatArray

    @property
    def between_replicates(self) -> FloatArray:
        """Replicate variance, `total` minus `sampling` and at least 0; 0 without replicates."""
        return np.maximum(0, self.total - self.sampling)


def estimate_replicate_variance(
    values: FloatArray, resampled: NDArray[np.floating] | None
) -> ReplicateVariance:
    """Return the variances between the replicates of one configuration.

    Args:
        values: Values of each replicate, shape (replicates, ...).
        resampled: Values on each resample, shape (resamples, replicates, ...); None if the values
            do not depend on the test images.
    """
    zero = np.zeros(values.shape[1:])
    if len(values) < 2:
        return ReplicateVariance(zero, zero, zero)
    sampling = zero
    if resampled is not None:
        deviations = resampled - resampled.mean(axis=0)
        sampling = deviations.var(axis=1, ddof=1).mean(axis=0)
    return ReplicateVariance(values.var(axis=0, ddof=1), sampling, zero + len(values) - 1)


def estimate_replicate_variances(
    values: FloatArray, resampled: NDArray[np.floating], rows: IntArray
) -> ReplicateVariance:
    """Return the variances between the replicates of several configurations.

    A configuration without replicates gets the mean of the others, weighted by their degrees of
    freedom.

    Args:
        values: Values of each trial, shape (trials, ...).
        resampled: Values on each resample, shape (resamples, trials, ...).
        rows: Positions of the trials, int64, shape (configurations, replicates), -1 for a missing
            trial.

    Returns:
        Variances, each of shape (configurations, ...).
    """
    estimates = [
        estimate_replicate_variance(values[row[row >= 0]], resampled[:, row[row >= 0]])
        for row in rows
    ]
    shape = (len(rows), *values.shape[1:])
    total, sampling, dof = (
        np.array([getattr(estimate, field) for estimate in estimates]).reshape(shape)
        for field in ReplicateVariance._fields
    )
    has_replicates = dof.any(axis=tuple(range(1, dof.ndim)))
    if has_replicates.any():
        weights = dof[has_replicates] / dof.sum(axis=0)
        for variance in (total, sampling):
            variance[~has_replicates] = (weights * variance[has_replicates]).sum(axis=0)
        dof[~has_replicates] = dof.sum(axis=0)
    return ReplicateVariance(total, sampling, dof)


def combine_replicate_variances(
    variances: ReplicateVariance, weights: FloatArray
) -> ReplicateVariance:
    """Return the variances of weighted sums of independent values.

    Args:
        variances: Variances of the values, each of shape (configurations, ...).
        weights: Weights of each sum, float64, shape (k, configurations).

    Returns:
        Variances, each of shape (k, ...).
    """
    # Each replicate variance is at least 0 by itself; otherwise, the interval of a sum is too
    # narrow.
    total, between_replicates = (
        np.tensordot(weights**2, part, axes=1)
        for part in (variances.total, variances.between_replicates)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.nan_to_num(variances.total**2 / variances.dof)
        dof = total**2 / np.tensordot(weights**4, squares, axes=1)
    # Equal values have no variance, but its degrees of freedom.
    smallest = np.array([variances.dof[w != 0].min(axis=0, initial=np.inf) for w in weights])
    return ReplicateVariance(total, total - between_replicates, np.where(total > 0, dof, smallest))


def moderate_replicate_variances(variances: ReplicateVariance) -> ReplicateVariance:
    """Return variances that are shrunken towards those of the other configurations.

    The prior is a scaled inverse chi-squared distribution, fitted to the logarithms of the
    variances (Smyth, 2004, sections 6.2 and 6.3). Fewer than three variances are returned as they
    are.

    Args:
        variances: Variances of the configurations, each of shape (configurations, ...).
    """
    total, dof = variances.total, variances.dof
    is_usable = (total > 0) & (dof > 0)
    n_usable = is_usable.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        half_dof = np.where(is_usable, dof / 2, np.nan)
        logs = np.log(total) - special.digamma(half_dof) + np.log(half_dof)
        logs = np.where(is_usable, logs, np.nan)
        log_mean = np.nansum(logs, axis=0) / n_usable
        excess = np.nansum((logs - log_mean) ** 2, axis=0) / (n_usable - 1)
        excess -= np.nansum(special.polygamma(1, half_dof), axis=0) / n_usable
        # Without excess, all variances are equal, and the prior has infinite degrees of freedom.
        prior_dof = np.where(excess > 0, 2 * _invert_trigamma(excess), np.inf)
        finite_dof = np.where(np.isfinite(prior_dof), prior_dof, 1.0)
        prior = np.where(
            np.isfinite(prior_dof),
            np.exp(log_mean + special.digamma(finite_dof / 2) - np.log(finite_dof / 2)),
            (dof * total).sum(axis=0) / dof.sum(axis=0),
        )
        weight = np.where(np.isfinite(prior_dof), finite_dof / (finite_dof + dof), 1.0)
    is_moderated = (n_usable > 2) & (dof > 0)
    moderated = weight * prior + (1 - weight) * total
    # The prior cannot have more information than all variances together.
    moderated_dof = np.minimum(prior_dof + dof, dof.sum(axis=0))
    return ReplicateVariance(
        np.where(is_moderated, moderated, total),
        variances.sampling,
        np.where(is_moderated, moderated_dof, dof),
    )


def _invert_trigamma(values: FloatArray) -> FloatArray:
    """Return x with trigamma(x) = values, above 0, by Newton's method (Smyth, 2004, appendix)."""
    x = 0.5 + 1 / np.where(values > 0, values, np.nan)
    for _ in range(10):
        trigamma = special.polygamma(1, x)
        x = x + trigamma * (1 - trigamma / values) / special.polygamma(2, x)
    return np.asarray(x)


def compute_homogeneity_p(total: FloatArray, dof: FloatArray) -> float:
    """Return the p-value of Bartlett's test that all variances are equal (1937).

    Args:
        total: Variances between replicates, float64, shape (configurations,).
        dof: Their degrees of freedom, float64, shape (configurations,); 0 is left out.

    Returns:
        P-value, 0 to 1; NaN for fewer than two variances, or if all are 0.
    """
    total, dof = total[dof > 0], dof[dof > 0]
    if len(total) < 2 or not total.any():
        return float("nan")
    pooled = (dof * total).sum() / dof.sum()
    with np.errstate(divide="ignore"):  # one variance may be 0
        statistic = dof.sum() * np.log(pooled) - (dof * np.log(total)).sum()
    correction = 1 + ((1 / dof).sum() - 1 / dof.sum()) / (3 * (len(total) - 1))
    return float(special.chdtrc(len(total) - 1, statistic / correction))


def find_trial_rows(trials: pd.DataFrame, names: Sequence[str]) -> IntArray:
    """Return the row of the trial of each configuration and replicate.

    Args:
        trials: Frame with the columns `configuration` and `replicate`.
        names: Names of configurations.

    Returns:
        Positions in `trials`, int64, shape (names, replicates), -1 for a missing trial. There is
        one column per replicate of `trials`.
    """
    column_by_replicate = {
        replicate: column for column, replicate in enumerate(trials["replicate"].unique())
    }
    row_by_name = {name: row for row, name in enumerate(names)}
    rows = np.full((len(names), len(column_by_replicate)), -1, np.int64)
    for t, (name, replicate) in enumerate(
        zip(trials["configuration"], trials["replicate"], strict=True)
    ):
        if name in row_by_name:
            rows[row_by_name[name], column_by_replicate[replicate]] = t
    return rows
