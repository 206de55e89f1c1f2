"""Estimates with known answers: worked by hand, by scipy, or by the plain bootstrap."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import (
    adjust_holm,
    compute_wilson_interval,
    estimate_mean,
    estimate_means,
)
from reports.analysis.replicate_variance import ReplicateVariance


def draw_normal(seed: int, n_seeds: int, *, shared: bool = False) -> FloatArray:
    """Return 4,000 draws with a standard deviation of 0.01 for each seed, or for all alike."""
    random = np.random.default_rng(seed)
    draws = random.normal(scale=0.01, size=(4000, 1 if shared else n_seeds))
    return np.asarray(np.broadcast_to(draws, (4000, n_seeds)))


def test_estimate_means_of_values_that_differ_by_rounding_has_no_interval() -> None:
    """The log loss of equal probabilities is the same on each resample, up to rounding."""
    resampled = 2.0794415416798353 + 4e-16 * np.arange(100.0).reshape(100, 1, 1)
    (row,) = estimate_means(np.array([[2.0794415416798353]]), resampled).to_dict("records")
    assert np.isnan([row["low"], row["high"], row["p"]]).all()


def test_compute_wilson_interval_is_that_of_statsmodels() -> None:
    n_images = np.array([0.5, 1.0, 7.25, 90.0, 3421.0])
    for share in (0.0, 0.3, 1.0):
        found = compute_wilson_interval(np.full(n_images.shape, share), n_images)
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
    variance = ReplicateVariance(np.zeros(1), np.zeros(1), np.array([np.inf]))
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
    assert estimate.replicate_variance == 0
    half_width = 1.959964 * 0.01 / np.sqrt(3)
    assert estimate.high - estimate.mean == pytest.approx(half_width, rel=0.05)


def test_estimate_mean_adds_the_squares_of_the_half_widths_of_images_and_seeds() -> None:
    values = np.array([0.52, 0.5, 0.47])
    estimate = estimate_mean(values, draw_normal(3, 3, shared=True))
    assert estimate.replicate_variance == pytest.approx(values.var(ddof=1) / 3)
    assert estimate.image_variance == pytest.approx(0.01**2, rel=0.05)
    assert estimate.dof == 2
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(estimate.image_variance),
        stats.t.ppf(0.975, 2) * np.sqrt(estimate.replicate_variance),
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


def test_adjust_holm_multiplies_by_the_number_left_and_keeps_nan() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert adjust_holm(p)[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(adjust_holm(p)[1])
    assert adjust_holm(np.array([])).size == 0
