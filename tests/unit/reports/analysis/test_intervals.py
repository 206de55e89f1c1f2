"""Estimates with known answers: worked by hand, by scipy, or by the plain bootstrap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray
from reports.analysis.bootstrap import VarianceComponents, bootstrap_scores
from reports.analysis.intervals import (
    adjust_holm,
    compute_prediction_interval,
    compute_wilson_interval,
    estimate_contrast,
    estimate_mean,
    estimate_means,
)
from tests.helpers.grid_builder import ASYMMETRIC
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
    frame = estimate_means(np.zeros((1, 1)), np.zeros((10, 1, 1)), share=0.0)
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
    estimate = estimate_mean(np.array([0.51, 0.5, 0.49]), draw_normal(3, 3))
    assert estimate.sd == pytest.approx(0.01)
    half_width = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
    assert estimate.high - estimate.mean == pytest.approx(half_width, rel=0.05)


def test_estimate_means_has_no_fewer_degrees_of_freedom_than_its_seeds() -> None:
    """Where the seeds' variance came out below 0 and the images' is small, it is no chasm."""
    pooled = VarianceComponents(np.array([1.0]), np.array([1.1]), 4)
    resampled = draw_normal(4, 2, shared=True)[..., None]
    row = estimate_means(np.zeros((2, 1)), resampled, pooled_variances=pooled).iloc[0]
    assert row["high"] == pytest.approx(stats.t.ppf(0.975, 4) * 0.01, rel=0.05)


def test_compute_prediction_interval_is_wider_than_the_interval_of_the_mean() -> None:
    bootstrap = bootstrap_scores(predict_matrices(ASYMMETRIC, BETTER, names=["a", "a"]))
    new_scores = bootstrap.resampled["accuracy"][:, 0]
    interval = compute_prediction_interval(bootstrap, "accuracy", "a", new_scores)
    mean = estimate_contrast(bootstrap, "accuracy", {"a": 1})
    assert interval is not None
    assert mean is not None
    low, high = interval
    assert low < mean.low < mean.high < high
    assert low + high == pytest.approx(2 * mean.mean)
    assert compute_prediction_interval(bootstrap, "accuracy", "b", new_scores) is None


def test_adjust_holm_multiplies_by_the_number_left_and_keeps_nan() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert adjust_holm(p)[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(adjust_holm(p)[1])
    assert adjust_holm(np.array([])).size == 0
