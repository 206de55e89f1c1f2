"""Variances over seeds: worked by hand, by scipy's Bartlett test, and by Welch's t-test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from bloodnets.metrics import FloatArray
from reports.analysis.replicate_variance import (
    ReplicateVariance,
    combine_replicate_variances,
    compute_homogeneity_p,
    estimate_replicate_variance,
    estimate_replicate_variances,
    find_trial_rows,
)

A = np.array([0.91, 0.93, 0.90])
B = np.array([0.80, 0.60, 0.95, 0.70, 0.85])


def join_as_means(*samples: FloatArray) -> ReplicateVariance:
    """Return the variances of the samples' means, which do not depend on test images."""
    variances = [estimate_replicate_variance(sample, None) for sample in samples]
    return ReplicateVariance(
        np.array([v.total / len(s) for v, s in zip(variances, samples, strict=True)]),
        np.zeros(len(samples)),
        np.array([v.dof for v in variances]),
    )


def test_estimate_replicate_variance_splits_off_the_sampling_variance_of_each_trial() -> None:
    resampled = np.array([[0.1, 0.3], [0.3, 0.1]])  # two resamples of two seeds
    variance = estimate_replicate_variance(np.array([0.2, 0.5]), resampled)
    assert variance.total == pytest.approx(0.045)
    assert variance.sampling == pytest.approx(0.02)
    assert variance.between_replicates == pytest.approx(0.025)
    assert variance.dof == 1


def test_estimate_replicate_variance_smaller_than_the_sampling_variance_is_0() -> None:
    resampled = np.array([[0.1, 0.3], [0.3, 0.1]])
    variance = estimate_replicate_variance(np.array([0.2, 0.21]), resampled)
    assert variance.total < variance.sampling
    assert variance.between_replicates == 0


def test_estimate_replicate_variance_of_one_seed_is_0_without_degrees_of_freedom() -> None:
    variance = estimate_replicate_variance(np.ones((1, 4)), np.ones((10, 1, 4)))
    for part in variance:
        np.testing.assert_array_equal(part, np.zeros(4))


def test_estimate_replicate_variances_keeps_those_of_each_configuration_apart() -> None:
    values = np.array([*A, *B])
    rows = np.array([[0, 1, 2, -1, -1], [3, 4, 5, 6, 7]])
    variances = estimate_replicate_variances(values, np.zeros((10, 8)), rows)
    np.testing.assert_allclose(variances.total, [A.var(ddof=1), B.var(ddof=1)])
    assert variances.dof.tolist() == [2, 4]


def test_estimate_replicate_variances_without_replicates_has_the_mean_of_the_others() -> None:
    random = np.random.default_rng(0)
    values, resampled = np.array([*A, *B, 0.5]), random.normal(size=(50, 9))
    rows = np.array([[0, 1, 2, -1, -1], [8, -1, -1, -1, -1], [3, 4, 5, 6, 7]])
    variances = estimate_replicate_variances(values, resampled, rows)
    for part in (variances.total, variances.sampling):
        assert part[1] == pytest.approx((2 * part[0] + 4 * part[2]) / 6)
    assert variances.total[1] == pytest.approx((2 * A.var(ddof=1) + 4 * B.var(ddof=1)) / 6)
    assert variances.dof.tolist() == [2, 6, 4]


def test_estimate_replicate_variances_of_many_values_are_those_of_each() -> None:
    random = np.random.default_rng(1)
    values, resampled = random.normal(size=(5, 3)), random.normal(size=(20, 5, 3))
    rows = np.array([[0, 1], [2, 3], [4, -1]])
    together = estimate_replicate_variances(values, resampled, rows)
    for k in range(3):
        single = estimate_replicate_variances(values[:, k], resampled[..., k], rows)
        for part, expected in zip(together, single, strict=True):
            np.testing.assert_allclose(part[:, k], expected)


def test_estimate_replicate_variances_of_single_trials_only_are_0() -> None:
    variances = estimate_replicate_variances(np.ones(2), np.ones((10, 2)), np.array([[0], [1]]))
    for part in variances:
        assert part.tolist() == [0, 0]


def test_combine_replicate_variances_of_two_means_has_the_degrees_of_freedom_of_welch() -> None:
    combined = combine_replicate_variances(join_as_means(A, B), np.array([[1.0, -1.0]]))
    welch = stats.ttest_ind(A, B, equal_var=False)
    compared = CompareMeans(DescrStatsW(A), DescrStatsW(B))
    assert combined.dof[0] == pytest.approx(welch.df, rel=1e-12)
    assert combined.dof[0] == pytest.approx(compared.dof_satt(), rel=1e-12)
    assert np.sqrt(combined.total[0]) == pytest.approx(compared.std_meandiff_separatevar)
    assert (A.mean() - B.mean()) / np.sqrt(combined.total[0]) == pytest.approx(welch.statistic)


def test_combine_replicate_variances_weighs_each_by_its_square() -> None:
    variances = ReplicateVariance(
        np.array([1.0, 4.0, 9.0]), np.array([0.5, 1, 2]), np.array([1.0, 2, 3])
    )
    weights = np.array([[0.5, -0.5, 0.0], [0.0, 0.0, 2.0]])
    combined = combine_replicate_variances(variances, weights)
    assert combined.total.tolist() == [1.25, 36]
    assert combined.sampling.tolist() == [0.375, 8]
    # Satterthwaite: the square of the sum over the sum of squares by degrees of freedom.
    assert combined.dof == pytest.approx([1.25**2 / (0.25**2 / 1 + 1**2 / 2), 3])


def test_combine_replicate_variances_with_one_of_0_has_the_other_ones_degrees_of_freedom() -> None:
    variances = ReplicateVariance(np.array([0.0, 2.0]), np.zeros(2), np.array([1.0, 4.0]))
    combined = combine_replicate_variances(variances, np.array([[1.0, -1.0]]))
    assert (combined.total.tolist(), combined.dof.tolist()) == ([2], [4])


def test_combine_replicate_variances_of_0_has_the_fewest_degrees_of_freedom() -> None:
    """Equal values show no variance, but are no proof that there is none."""
    variances = ReplicateVariance(np.zeros(3), np.zeros(3), np.array([1.0, 2.0, 4.0]))
    weights = np.array([[0.0, 1.0, -1.0], [0.0, 0.0, 0.0]])
    assert combine_replicate_variances(variances, weights).dof.tolist() == [2, np.inf]


@pytest.mark.parametrize("n_seeds", [(3, 3), (2, 3, 5), (5, 5, 5, 2)])
def test_compute_homogeneity_p_is_that_of_scipys_bartlett(n_seeds: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    samples = [random.normal(scale=0.01 * (1 + 2 * i), size=n) for i, n in enumerate(n_seeds)]
    p = compute_homogeneity_p(
        np.array([sample.var(ddof=1) for sample in samples]), np.array(n_seeds) - 1.0
    )
    assert p == pytest.approx(stats.bartlett(*samples).pvalue, rel=1e-10)


def test_compute_homogeneity_p_leaves_configurations_without_replicates_out() -> None:
    total, dof = np.array([1.0, 0.0, 9.0]), np.array([2.0, 0.0, 4.0])
    assert compute_homogeneity_p(total, dof) == compute_homogeneity_p(total[::2], dof[::2])


def test_compute_homogeneity_p_with_one_variance_of_0_is_0() -> None:
    assert compute_homogeneity_p(np.array([1.0, 0.0]), np.array([2.0, 2.0])) == 0


@pytest.mark.parametrize(("total", "dof"), [([0.0, 0.0], [2.0, 2.0]), ([1.0, 1.0], [2.0, 0.0])])
def test_compute_homogeneity_p_without_two_variances_is_nan(
    total: list[float], dof: list[float]
) -> None:
    assert np.isnan(compute_homogeneity_p(np.array(total), np.array(dof)))


def test_find_trial_rows_has_a_column_per_replicate_and_minus_1_where_there_is_no_trial() -> None:
    trials = pd.DataFrame(
        {"configuration": ["a", "b", "a"], "replicate": ["s0-f1", "s0-f2", "s0-f2"]}
    )
    assert find_trial_rows(trials, ["b", "a", "c"]).tolist() == [[-1, 1], [0, 2], [-1, -1]]
