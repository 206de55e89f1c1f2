"""Weighted sums of scores with known answers: worked by hand or by scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.contrasts import (
    compute_prediction_interval,
    estimate_contrast,
    estimate_contrasts,
)
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.predictions import predict_matrices

BETTER = ASYMMETRIC.copy()
BETTER[0, 0], BETTER[0, 1] = 70, 30


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
    assert estimate.replicates == 1


def test_estimate_contrast_uses_the_seeds_that_all_have() -> None:
    bootstrap = bootstrap_scores(
        predict_matrices(ASYMMETRIC, BETTER, BETTER, names=["a", "a", "b"])
    )
    estimate = estimate_contrast(bootstrap, "accuracy", {"b": 1, "a": -1})
    assert estimate is not None
    assert estimate.replicates == 1
    assert estimate.mean == pytest.approx(10 / 360)
    assert estimate_contrast(bootstrap, "accuracy", {"b": 1, "c": -1}) is None


WEIGHTS = {"a": 1.0, "b": -1.0}
SPREAD = {"a": (0, 10), "b": (2, 4, 3)}
"""Errors more than `ASYMMETRIC` in each of four classes, by configuration and seed."""


def bootstrap_spread(*, n_trials: int = 5, **first_folds: int) -> BootstrapScores:
    """Return the scores of `SPREAD`, all of one seed, with the given first fold of each."""
    matrices = [worsen_matrix(2 * ASYMMETRIC, n_moved=n) for own in SPREAD.values() for n in own]
    predictions = predict_matrices(*matrices[:n_trials], names=["a", "a", "b", "b", "b"][:n_trials])
    trials = predictions.trials
    folds = trials.groupby("configuration").cumcount() + trials["configuration"].map(first_folds)
    replicates = [f"s0-f{fold}" for fold in folds]
    return bootstrap_scores(replace(predictions, trials=trials.assign(replicate=replicates)))


def test_estimate_contrast_without_a_common_replicate_compares_the_means_over_all() -> None:
    bootstrap = bootstrap_spread(a=0, b=2)
    estimate = estimate_contrast(bootstrap, "accuracy", WEIGHTS)
    assert estimate is not None
    assert estimate.replicates == 0
    assert np.isnan(estimate.sd)
    a, b = bootstrap.values["accuracy"][:2], bootstrap.values["accuracy"][2:]
    assert estimate.mean == pytest.approx(a.mean() - b.mean())
    resampled = bootstrap.resampled["accuracy"]
    differences = resampled[:, :2].mean(axis=1) - resampled[:, 2:].mean(axis=1)
    assert estimate.image_variance == pytest.approx(differences.var(ddof=1))
    between = bootstrap.replicate_variances["accuracy"].between_replicates
    assert between[0] > 0
    assert estimate.replicate_variance == pytest.approx(between[0] / 2 + between[1] / 3)
    assert estimate.dof == pytest.approx(stats.ttest_ind(a, b, equal_var=False).df)
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(estimate.image_variance),
        stats.t.ppf(0.975, estimate.dof) * np.sqrt(estimate.replicate_variance),
    )
    assert estimate.high - estimate.mean == pytest.approx(half_width)


def test_estimate_contrast_without_a_common_replicate_has_the_variance_of_a_paired_one() -> None:
    """Seeds of two configurations are independent, so sharing their numbers changes nothing."""
    first, second = (
        estimate_contrast(bootstrap_spread(a=0, b=first_fold, n_trials=4), "accuracy", WEIGHTS)
        for first_fold in (2, 0)
    )
    assert first is not None
    assert second is not None
    assert (first.replicates, second.replicates) == (0, 2)
    for field in ("mean", "low", "high", "p", "image_variance", "replicate_variance", "dof"):
        assert getattr(first, field) == pytest.approx(getattr(second, field))


def test_estimate_contrast_has_the_replicate_variance_of_its_own_configurations_only() -> None:
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
    for field in ("mean", "sd", "low", "high", "replicate_variance", "dof"):
        assert getattr(found[0], field) == getattr(found[1], field)


def test_compute_prediction_interval_adds_the_seed_and_the_images_of_the_new_run() -> None:
    bootstrap = bootstrap_spread(a=0, b=2)
    mean = estimate_contrast(bootstrap, "accuracy", {"a": 1})
    assert mean is not None
    new_score, new_variance = mean.mean + 0.1, 1e-4
    interval = compute_prediction_interval(mean, new_score, new_variance)
    between = bootstrap.replicate_variances["accuracy"].between_replicates[0]
    half_width = np.hypot(
        stats.norm.ppf(0.975) * np.sqrt(mean.image_variance + new_variance),
        stats.t.ppf(0.975, 1) * np.sqrt(between * (1 + 1 / 2)),
    )
    assert interval.high - mean.mean == pytest.approx(half_width)
    assert interval.low + interval.high == pytest.approx(2 * mean.mean)
    assert interval.low < mean.low < mean.high < interval.high


def test_compute_prediction_interval_has_p_below_5_percent_outside_of_it() -> None:
    mean = estimate_contrast(bootstrap_spread(a=0, b=2), "accuracy", {"b": 1})
    assert mean is not None

    def find_p(new_score: float) -> float:
        return compute_prediction_interval(mean, new_score, 1e-5).p

    interval = compute_prediction_interval(mean, 0.5, 1e-5)
    assert find_p(interval.low) == pytest.approx(0.05, rel=1e-6)
    assert find_p(interval.high + 0.001) < 0.05 < find_p(interval.high - 0.001)
    assert find_p((interval.low + interval.high) / 2) == pytest.approx(1)


def test_estimate_contrasts_has_a_row_for_each_sum_also_without_trials_or_common_replicates() -> (
    None
):
    bootstrap = bootstrap_spread(a=0, b=1)
    weights = [{"b": 1.0}, {"a": 1.0, "c": -1.0}, WEIGHTS, {"b": -1.0, "a": 1.0}]
    frame = estimate_contrasts(bootstrap, "accuracy", weights)
    assert frame["replicates"].tolist() == [3, 0, 1, 1]
    assert frame.loc[1, ["mean", "sd", "low", "high", "p"]].isna().all()
    for row, weight in enumerate(weights):
        if row != 1:
            alone = estimate_contrast(bootstrap, "accuracy", weight)
            np.testing.assert_array_equal(frame.loc[row], alone)
    assert estimate_contrasts(bootstrap, "accuracy", []).empty


@pytest.mark.parametrize("names", [["a", "a", "b", "b"], ["a", "a", "c", "c"]])
def test_estimate_contrast_of_unstable_seeds_has_an_interval_of_possible_values(
    names: list[str],
) -> None:
    """A difference of two accuracies is between -1 and 1, also with two seeds far apart."""
    wrong = np.roll(ASYMMETRIC, 1, axis=1)
    predictions = predict_matrices(ASYMMETRIC, wrong, ASYMMETRIC, BETTER, names=names)
    if "c" in names:  # no common replicate
        trials = predictions.trials.assign(replicate=[f"s{seed}" for seed in range(4)])
        predictions = replace(predictions, trials=trials)
    bootstrap = bootstrap_scores(predictions)
    estimate = estimate_contrast(bootstrap, "accuracy", {names[-1]: 1, "a": -1})
    assert estimate is not None
    assert (estimate.low, estimate.high) == (-1, 1)
    losses = estimate_contrast(bootstrap, "log_loss", {names[-1]: 1, "a": -1})
    assert losses is not None
    assert losses.low < losses.mean < losses.high
