"""Estimates with known answers: worked by hand, by scipy, or by the plain bootstrap."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.intervals import (
    adjust_holm,
    compute_prediction_interval,
    compute_wilson_interval,
    estimate_contrast,
    estimate_mean,
    estimate_means,
)
from reports.analysis.seed_variance import SeedVariance
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.predictions import predict_matrices

BETTER = ASYMMETRIC.copy()
BETTER[0, 0], BETTER[0, 1] = 70, 30


def draw_normal(seed: int, n_seeds: int, *, shared: bool = False) -> FloatArray:
    """Return 4,000 draws with a standard deviation of 0.01 for each seed, or for all alike."""
    random = np.random.default_rng(seed)
    draws = random.normal(scale=0.01, size=(4000, 1 if shared else n_seeds))
    return np.asarray(np.broadcast_to(draws, (4000, n_seeds)))


def test_estimate_contrast_of_an_accuracy_has_the_binomial_standard_error() -> None:
    bootstrap = bootstrap_scores(predict_matrices(ASYMMETRIC))
    estimate = estimate_contrast(bootstrap, "accuracy", {"a": 1})
    assert estimate is not None
    p, n = 320 / 360, 360
    assert estimate.mean == pytest.approx(p)
    half_width = 1.96 * np.sqrt(p * (1 - p) / n)
    assert estimate.high - estimate.mean == pytest.approx(half_width, rel=0.04)  # 2.5 std errors
    assert estimate.mean - estimate.low == pytest.approx(half_width, rel=0.04)
    assert np.isnan(estimate.sd)
    assert estimate.seeds == 1


def test_estimate_contrast_uses_the_seeds_that_all_have() -> None:
    bootstrap = bootstrap_scores(
        predict_matrices(ASYMMETRIC, BETTER, BETTER, names=["a", "a", "b"])
    )
    estimate = estimate_contrast(bootstrap, "accuracy", {"b": 1, "a": -1})
    assert estimate is not None
    assert estimate.seeds == 1
    assert estimate.mean == pytest.approx(10 / 360)
    assert estimate_contrast(bootstrap, "accuracy", {"b": 1, "c": -1}) is None


@pytest.mark.parametrize("names", [["a", "a", "b", "b"], ["a", "a", "c", "c"]])
def test_estimate_contrast_of_unstable_seeds_has_an_interval_of_possible_values(
    names: list[str],
) -> None:
    """A difference of two accuracies is between -1 and 1, also with two seeds far apart."""
    wrong = np.roll(ASYMMETRIC, 1, axis=1)
    predictions = predict_matrices(ASYMMETRIC, wrong, ASYMMETRIC, BETTER, names=names)
    if "c" in names:  # no common seed
        predictions = replace(predictions, trials=predictions.trials.assign(seed=range(4)))
    bootstrap = bootstrap_scores(predictions)
    estimate = estimate_contrast(bootstrap, "accuracy", {names[-1]: 1, "a": -1})
    assert estimate is not None
    assert (estimate.low, estimate.high) == (-1, 1)
    losses = estimate_contrast(bootstrap, "log_loss", {names[-1]: 1, "a": -1})
    assert losses is not None
    assert losses.low < losses.mean < losses.high


def test_estimate_means_of_values_that_differ_by_rounding_has_no_interval() -> None:
    """The log loss of equal probabilities is the same on each resample, up to rounding."""
    resampled = 2.0794415416798353 + 4e-16 * np.arange(100.0).reshape(100, 1, 1)
    (row,) = estimate_means(np.array([[2.0794415416798353]]), resampled).to_dict("records")
    assert np.isnan([row["low"], row["high"], row["p"]]).all()


def test_compute_wilson_interval_is_that_of_statsmodels() -> None:
    n_images = pd.Series([0.5, 1.0, 7.25, 90.0, 3421.0])
    for share in (0.0, 0.3, 1.0):
        found = compute_wilson_interval(pd.Series(share, n_images.index), n_images)
        expected = proportion_confint(share * n_images, n_images, method="wilson")
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_estimate_mean_without_images_has_the_interval_and_test_of_students_t() -> None:
    values = np.array([0.1, 0.4, 0.3, 0.2])
    estimate = estimate_mean(values, None)
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert estimate.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert estimate.sd == pytest.approx(values.std(ddof=1))


def test_estimate_mean_of_one_seed_without_images_has_no_interval() -> None:
    estimate = estimate_mean(np.array([0.3]), None)
    assert np.isnan([estimate.low, estimate.high, estimate.p]).all()


def test_estimate_mean_of_zeros_only_has_p_1() -> None:
    estimate = estimate_mean(np.zeros(3), np.zeros((10, 3)))
    assert (estimate.mean, estimate.p) == (0, 1)


def test_estimate_mean_of_one_image_has_neither_interval_nor_test() -> None:
    """The resamples of one image, or of images that are all classified correctly, are equal."""
    estimate = estimate_mean(np.ones(1), np.ones((10, 1)))
    assert estimate.mean == 1
    assert np.isnan([estimate.low, estimate.high, estimate.p]).all()


def test_estimate_means_of_equal_predictions_has_a_zero_interval() -> None:
    variance = SeedVariance(np.zeros(1), np.zeros(1), np.array([np.inf]))
    frame = estimate_means(np.zeros((1, 1)), np.zeros((10, 1, 1)), variance=variance)
    (row,) = frame.to_dict("records")
    assert (row["mean"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


def test_estimate_means_averages_the_variance_of_each_seed_but_not_the_shared_one() -> None:
    values = np.full((4, 2), 0.5)
    resampled = np.stack([draw_normal(1, 4, shared=True), draw_normal(2, 4)], axis=2)
    frame = estimate_means(values, resampled)
    half_width = (frame["high"] - frame["mean"]).to_numpy()
    assert half_width[0] == pytest.approx(0.0196, rel=0.05)
    assert half_width[1] == pytest.approx(0.0098, rel=0.05)


def test_estimate_mean_of_two_seeds_that_hardly_differ_has_a_normal_interval() -> None:
    """Where the images' variance is nearly all, two seeds do not give Student's t with one dof."""
    estimate = estimate_mean(np.array([0.5, 0.5001]), draw_normal(2, 2, shared=True))
    assert estimate.high - estimate.mean == pytest.approx(0.0196, rel=0.05)


def test_estimate_mean_counts_the_sampling_variance_of_each_trial_once() -> None:
    """Seeds that differ by their test images only have no variance of their own."""
    estimate = estimate_mean(np.array([0.509, 0.5, 0.491]), draw_normal(3, 3))
    assert estimate.sd == pytest.approx(0.009)
    assert estimate.seed_variance == 0
    half_width = 1.959964 * 0.01 / np.sqrt(3)
    assert estimate.high - estimate.mean == pytest.approx(half_width, rel=0.05)


def test_estimate_mean_adds_the_squares_of_the_half_widths_of_images_and_seeds() -> None:
    values = np.array([0.52, 0.5, 0.47])
    estimate = estimate_mean(values, draw_normal(3, 3, shared=True))
    assert estimate.seed_variance == pytest.approx(values.var(ddof=1) / 3)
    assert estimate.image_variance == pytest.approx(0.01**2, rel=0.05)
    assert estimate.dof == 2
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(estimate.image_variance),
        stats.t.ppf(0.975, 2) * np.sqrt(estimate.seed_variance),
    )
    assert (estimate.low, estimate.high) == pytest.approx(
        (estimate.mean - half_width, estimate.mean + half_width)
    )


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_estimate_mean_has_the_p_value_of_its_interval(n_seeds: int) -> None:
    """At the end of the interval, p is 0.05."""
    values = np.array([0.52, 0.5, 0.47])[:n_seeds]
    resampled = draw_normal(3, n_seeds, shared=True)
    estimate = estimate_mean(values, resampled)
    at_the_end = estimate_mean(values - estimate.low, resampled)
    assert at_the_end.p == pytest.approx(0.05, rel=1e-6)


WEIGHTS = {"a": 1.0, "b": -1.0}
SPREAD = {"a": (0, 10), "b": (2, 4, 3)}
"""Errors more than `ASYMMETRIC` in each of four classes, by configuration and seed."""


def bootstrap_spread(*, n_trials: int = 5, **first_seeds: int) -> BootstrapScores:
    """Return the scores of `SPREAD`, with the given first seed of each configuration."""
    matrices = [worsen_matrix(2 * ASYMMETRIC, n_moved=n) for own in SPREAD.values() for n in own]
    predictions = predict_matrices(*matrices[:n_trials], names=["a", "a", "b", "b", "b"][:n_trials])
    trials = predictions.trials
    seeds = trials["seed"] + trials["configuration"].map(first_seeds)
    return bootstrap_scores(replace(predictions, trials=trials.assign(seed=seeds)))


def test_estimate_contrast_without_a_common_seed_compares_the_means_over_all_seeds() -> None:
    bootstrap = bootstrap_spread(a=0, b=2)
    estimate = estimate_contrast(bootstrap, "accuracy", WEIGHTS)
    assert estimate is not None
    assert estimate.seeds == 0
    assert np.isnan(estimate.sd)
    a, b = bootstrap.values["accuracy"][:2], bootstrap.values["accuracy"][2:]
    assert estimate.mean == pytest.approx(a.mean() - b.mean())
    resampled = bootstrap.resampled["accuracy"]
    differences = resampled[:, :2].mean(axis=1) - resampled[:, 2:].mean(axis=1)
    assert estimate.image_variance == pytest.approx(differences.var(ddof=1))
    between = bootstrap.seed_variances["accuracy"].between_seeds
    assert between[0] > 0
    assert estimate.seed_variance == pytest.approx(between[0] / 2 + between[1] / 3)
    assert estimate.dof == pytest.approx(stats.ttest_ind(a, b, equal_var=False).df)
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(estimate.image_variance),
        stats.t.ppf(0.975, estimate.dof) * np.sqrt(estimate.seed_variance),
    )
    assert estimate.high - estimate.mean == pytest.approx(half_width)


def test_estimate_contrast_without_a_common_seed_has_the_variance_of_a_paired_one() -> None:
    """Seeds of two configurations are independent, so sharing their numbers changes nothing."""
    first, second = (
        estimate_contrast(bootstrap_spread(a=0, b=first_seed, n_trials=4), "accuracy", WEIGHTS)
        for first_seed in (2, 0)
    )
    assert first is not None
    assert second is not None
    assert (first.seeds, second.seeds) == (0, 2)
    for field in ("mean", "low", "high", "p", "image_variance", "seed_variance", "dof"):
        assert getattr(first, field) == pytest.approx(getattr(second, field))


def test_estimate_contrast_has_the_seed_variance_of_its_own_configurations_only() -> None:
    """An unstable configuration changes no comparison of others."""
    stable = [worsen_matrix(2 * ASYMMETRIC, n_moved=n) for n in (0, 8, 3, 9)]
    unstable = [worsen_matrix(2 * ASYMMETRIC, n_moved=n) for n in (0, 75)]
    names = ["a", "a", "b", "b", "unstable", "unstable"]
    found = [
        estimate_contrast(
            bootstrap_scores(
                predict_matrices(*[*stable, *unstable][:n_trials], names=names[:n_trials])
            ),
            "macro_f1",
            WEIGHTS,
        )
        for n_trials in (4, 6)
    ]
    assert found[0] is not None
    assert found[1] is not None
    for field in ("mean", "sd", "low", "high", "seed_variance", "dof"):
        assert getattr(found[0], field) == getattr(found[1], field)


def test_compute_prediction_interval_adds_the_seed_and_the_images_of_the_new_run() -> None:
    bootstrap = bootstrap_spread(a=0, b=2)
    mean = estimate_contrast(bootstrap, "accuracy", {"a": 1})
    assert mean is not None
    new_score, new_variance = mean.mean + 0.1, 1e-4
    interval = compute_prediction_interval(bootstrap, "accuracy", "a", new_score, new_variance)
    assert interval is not None
    between = bootstrap.seed_variances["accuracy"].between_seeds[0]
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(mean.image_variance + new_variance),
        stats.t.ppf(0.975, 1) * np.sqrt(between * (1 + 1 / 2)),
    )
    assert interval.high - mean.mean == pytest.approx(half_width)
    assert interval.low + interval.high == pytest.approx(2 * mean.mean)
    assert interval.low < mean.low < mean.high < interval.high
    assert compute_prediction_interval(bootstrap, "accuracy", "c", new_score, new_variance) is None


def test_compute_prediction_interval_has_p_below_5_percent_outside_of_it() -> None:
    bootstrap = bootstrap_spread(a=0, b=2)

    def find_p(new_score: float) -> float:
        interval = compute_prediction_interval(bootstrap, "accuracy", "b", new_score, 1e-5)
        assert interval is not None
        return interval.p

    interval = compute_prediction_interval(bootstrap, "accuracy", "b", 0.5, 1e-5)
    assert interval is not None
    assert find_p(interval.low) == pytest.approx(0.05, rel=1e-6)
    assert find_p(interval.high + 0.001) < 0.05 < find_p(interval.high - 0.001)
    assert find_p((interval.low + interval.high) / 2) == pytest.approx(1)


def test_adjust_holm_multiplies_by_the_number_left_and_keeps_nan() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert adjust_holm(p)[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(adjust_holm(p)[1])
    assert adjust_holm(np.array([])).size == 0
