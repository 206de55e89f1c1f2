"""Estimates with known answers: worked by hand, by scipy, or by the plain bootstrap."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodnets import metrics
from reports.analysis import bootstrap
from reports.analysis.bootstrap import bootstrap_counts, bootstrap_scores
from reports.analysis.intervals import adjust_holm, estimate_contrast, estimate_mean, estimate_means
from reports.ledger.loading import TestPredictions
from tests.unit.reports.analysis.test_frames import ASYMMETRIC


def from_matrices(*matrices: metrics.IntArray, names: Sequence[str] = ()) -> TestPredictions:
    """One seed a matrix; predictions are ordered by true class, then by predicted class."""
    cells = [np.argwhere(np.ones((8, 8))).repeat(matrix.ravel(), axis=0) for matrix in matrices]
    random = np.random.default_rng(0)
    probabilities = []
    for cell in cells:
        raw = random.uniform(size=(len(cell), 8))
        raw[np.arange(len(cell)), cell[:, 1]] += 1
        probabilities.append((raw / raw.sum(axis=1, keepdims=True)).astype(np.float32))
    names = list(names) or ["a"] * len(matrices)
    seeds = [names[:i].count(name) for i, name in enumerate(names)]
    return TestPredictions(
        trials=pd.DataFrame({"configuration": names, "seed": seeds}),
        labels=cells[0][:, 0],
        probabilities=np.stack(probabilities),
    )


def test_draws_are_of_as_many_images_and_the_same_in_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = np.concatenate(list(bootstrap_counts(50)))
    assert whole.shape == (bootstrap.N_RESAMPLES, 50)
    assert set(whole.sum(axis=1)) == {50.0}
    assert whole.var() == pytest.approx(1 - 1 / 50, rel=0.02)  # of a multinomial count
    monkeypatch.setattr(bootstrap, "_CHUNK_BYTES", 4 * 50 * 300)
    chunks = list(bootstrap_counts(50))
    assert len(chunks) == 7
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_scores_are_those_of_the_metrics_and_of_each_draw() -> None:
    one = from_matrices(ASYMMETRIC)
    sampled = bootstrap_scores(one)
    predicted = one.predicted_classes[0]
    expected = metrics.compute_scores(ASYMMETRIC) | {
        "auc": metrics.compute_auc(one.labels, one.probabilities[0])
    }
    for name, value in expected.items():
        assert sampled.values[name] == pytest.approx([value], abs=1e-12)
    resampled_counts = next(bootstrap_counts(one.labels.size))[7].astype(int)
    matrix = metrics.compute_confusion_matrix(
        one.labels.repeat(resampled_counts), predicted.repeat(resampled_counts)
    )
    for name, value in metrics.compute_scores(matrix).items():
        assert sampled.resampled[name][7] == pytest.approx([value], abs=1e-12)
    assert sampled.resampled["precision_1"][7] == pytest.approx(
        metrics.compute_class_scores(matrix)[0][1]
    )


def test_the_standard_error_of_an_accuracy_is_the_binomials() -> None:
    found = estimate_contrast(bootstrap_scores(from_matrices(ASYMMETRIC)), "accuracy", {"a": 1})
    assert found is not None
    p, n = 320 / 360, 360
    assert found.mean == pytest.approx(p)
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    assert found.high - found.mean == pytest.approx(half, rel=0.04)  # 2.5 standard errors
    assert found.mean - found.low == pytest.approx(half, rel=0.04)
    assert np.isnan(found.sd)
    assert found.seeds == 1


def test_the_linear_auc_agrees_with_the_bootstrap() -> None:
    one = from_matrices(ASYMMETRIC)
    sampled = bootstrap_scores(one)
    exact = []
    for row in next(bootstrap_counts(one.labels.size))[:200].astype(int):
        labels, probabilities = one.labels.repeat(row), one.probabilities[0].repeat(row, axis=0)
        exact.append(metrics.compute_auc(labels, probabilities))
    assert np.corrcoef(exact, sampled.resampled["auc"][:200, 0])[0, 1] > 0.99
    assert np.std(exact) == pytest.approx(sampled.resampled["auc"][:200, 0].std(), rel=0.05)


def test_an_absent_class_leaves_the_auc_unknown_and_the_rest_known() -> None:
    matrix = ASYMMETRIC.copy()
    matrix[7] = 0
    sampled = bootstrap_scores(from_matrices(matrix))
    assert np.isnan(sampled.values["auc"]).all()
    assert not np.isnan(sampled.resampled["macro_f1"]).any()


def test_seeds_alone_give_students_t() -> None:
    values = np.array([0.1, 0.4, 0.3, 0.2])
    found = estimate_mean(values, None)
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert found.sd == pytest.approx(values.std(ddof=1))


def test_one_seed_without_images_has_no_interval() -> None:
    found = estimate_mean(np.array([0.3]), None)
    assert np.isnan([found.low, found.high, found.p]).all()


def test_no_difference_at_all_is_no_evidence() -> None:
    found = estimate_mean(np.zeros(3), np.zeros((10, 3)))
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_what_seeds_share_is_not_averaged_away() -> None:
    """Luck of the images that all seeds share does not shrink with their number; own luck does."""
    random = np.random.default_rng(1)
    values = np.array([0.5, 0.5, 0.5, 0.5])
    shared = np.tile(random.normal(scale=0.01, size=(4000, 1)), 4)
    own = random.normal(scale=0.01, size=(4000, 4))
    both = estimate_means(np.stack([values, values], axis=1), np.stack([shared, own], axis=2))
    half = (both["high"] - both["mean"]).to_numpy()
    assert half[0] == pytest.approx(0.0196, rel=0.05)
    assert half[1] == pytest.approx(0.0098, rel=0.05)


def test_a_contrast_uses_the_seeds_that_all_have() -> None:
    better = ASYMMETRIC.copy()
    better[0, 0], better[0, 1] = 70, 30
    sampled = bootstrap_scores(from_matrices(ASYMMETRIC, better, better, names=["a", "a", "b"]))
    found = estimate_contrast(sampled, "accuracy", {"b": 1, "a": -1})
    assert found is not None
    assert found.seeds == 1
    assert found.mean == pytest.approx(10 / 360)
    assert estimate_contrast(sampled, "accuracy", {"b": 1, "c": -1}) is None


def test_holm_by_hand_and_around_what_is_not_known() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert adjust_holm(p)[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(adjust_holm(p)[1])
    assert adjust_holm(np.array([])).size == 0


def test_few_seeds_widen_an_interval_as_far_as_they_matter() -> None:
    """Where the images' luck is nearly all, two seeds do not bring Student's t with one freedom."""
    random = np.random.default_rng(2)
    shared = np.tile(random.normal(scale=0.01, size=(4000, 1)), 2)
    found = estimate_mean(np.array([0.5, 0.5001]), shared)
    assert found.high - found.mean == pytest.approx(0.0196, rel=0.05)


def test_luck_that_is_each_trials_own_is_counted_once() -> None:
    """Seeds that differ by their luck with the images alone have no other luck."""
    random = np.random.default_rng(3)
    own = random.normal(scale=0.01, size=(4000, 3))
    found = estimate_mean(np.array([0.51, 0.5, 0.49]), own)
    assert found.sd == pytest.approx(0.01)
    half = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
    assert found.high - found.mean == pytest.approx(half, rel=0.05)


def test_an_interval_has_no_fewer_degrees_of_freedom_than_its_seeds() -> None:
    """Where the seeds' variance came out below 0 and the images' is small, it is no chasm."""
    spread = bootstrap.VarianceComponents(np.array([1.0]), np.array([1.1]), 4)
    random = np.random.default_rng(4)
    shared = np.repeat(random.normal(scale=0.01, size=(4000, 1, 1)), 2, axis=1)
    found = estimate_means(np.zeros((2, 1)), shared, pooled_variances=spread).iloc[0]
    assert found["high"] == pytest.approx(stats.t.ppf(0.975, 4) * 0.01, rel=0.05)


def test_the_same_function_is_known_by_the_seeds_that_both_have() -> None:
    other = ASYMMETRIC.copy()
    other[0, 0], other[0, 1] = 80, 20
    both = from_matrices(ASYMMETRIC, other, names=["a", "a"]).probabilities
    tested = TestPredictions(
        trials=pd.DataFrame({"configuration": [*"aabccd"], "seed": [0, 1, 1, 0, 1, 2]}),
        labels=from_matrices(ASYMMETRIC).labels,
        probabilities=both[[0, 1, 1, 0, 0, 0]],
    )
    assert bootstrap.find_equivalence_classes(tested) == {"a": "a", "b": "a", "c": "c", "d": "d"}
    found = estimate_contrast(bootstrap_scores(tested), "accuracy", {"b": 1, "a": -1})
    assert found is not None
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_spread_is_pooled_and_equal_functions_count_once() -> None:
    other = ASYMMETRIC.copy()
    other[0, 0], other[0, 1] = 80, 20
    sampled = bootstrap_scores(
        from_matrices(ASYMMETRIC, other, other, other, names=["a", "a", "b", "b"])
    )
    assert sampled.variances["accuracy"].dof == 2
    a, b = 320 / 360, 340 / 360
    assert sampled.variances["accuracy"].total == pytest.approx((a - b) ** 2 / 2 / 2)
    twice = from_matrices(ASYMMETRIC, other, names=["a", "a"])
    twice = TestPredictions(
        trials=pd.DataFrame({"configuration": [*"aabb"], "seed": [0, 1, 0, 1]}),
        labels=twice.labels,
        probabilities=np.concatenate([twice.probabilities] * 2),
    )
    sampled = bootstrap_scores(twice)
    assert sampled.representatives == {"a": "a", "b": "a"}
    assert sampled.variances["accuracy"].dof == 1
