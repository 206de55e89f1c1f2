"""Intervals of scores with few errors or few correct images, against scipy and by coverage."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from bloodnets import metrics
from bloodnets.metrics import IntArray
from reports.analysis.border_intervals import MIN_IMAGES, bound_scores
from reports.analysis.further_scores import compute_agreement_arrays

SUPPORT = np.array([40, 100, 50, 90, 45, 35, 110, 80])
SCORES = (
    *("accuracy", "macro_f1", "weighted_f1"),
    *("macro_precision", "macro_recall", "balanced_accuracy"),
)


def make_matrix(n_wrong: int) -> IntArray:
    matrix = np.diag(SUPPORT).astype(np.int64)
    matrix[0, 0] -= n_wrong
    matrix[0, 1] += n_wrong
    return matrix


def score(matrix: NDArray[np.number]) -> dict[str, float]:
    scores = metrics.compute_score_arrays(matrix) | compute_agreement_arrays(matrix)
    return {key: float(value) for key, value in scores.items()}


@pytest.mark.parametrize("n_wrong", [0, 1, 9])
def test_bound_scores_of_few_errors_include_the_score_and_have_a_width(n_wrong: int) -> None:
    matrix = make_matrix(n_wrong)
    scores, bounds = score(matrix), bound_scores(matrix, 0.99)
    assert set(bounds) == set(SCORES)
    for name, (low, high) in bounds.items():
        assert 0 < low < scores[name] <= high <= 1
    n = int(SUPPORT.sum())
    exact = binomtest(n - n_wrong, n).proportion_ci()
    assert bounds["accuracy"] == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("n_correct", [0, 3])
def test_bound_scores_of_few_correct_images_have_a_width(n_correct: int) -> None:
    matrix = np.roll(np.diag(SUPPORT), 1, axis=1).astype(np.int64)
    matrix[0, 1], matrix[0, 0] = SUPPORT[0] - n_correct, n_correct
    scores, bounds = score(matrix), bound_scores(matrix, 0.2)
    for name, (low, high) in bounds.items():
        assert 0 <= low <= scores[name] < high < 1
    exact = binomtest(n_correct, int(SUPPORT.sum())).proportion_ci()
    assert bounds["accuracy"].high == pytest.approx(exact.high)


def test_bound_scores_of_enough_errors_and_correct_images_are_left_to_the_bootstrap() -> None:
    assert set(bound_scores(make_matrix(MIN_IMAGES - 1), 0.9)) == set(SCORES)
    assert bound_scores(make_matrix(MIN_IMAGES), 0.9) == {}


def test_bound_scores_of_a_perfect_ranking_are_at_least_those_of_its_smallest_class() -> None:
    low, high = bound_scores(make_matrix(MIN_IMAGES), 1.0)["auc"]
    smallest = int(SUPPORT.min())
    exact = binomtest(smallest, smallest).proportion_ci()
    assert low < 1 - (1 - exact.low) / 8
    assert high == 1


def test_bound_scores_of_an_absent_class_have_no_part_of_it() -> None:
    matrix = np.diag(np.where(np.arange(8) == 3, 0, SUPPORT)).astype(np.float64)
    bounds = bound_scores(matrix, float("nan"))
    assert set(bounds) == set(SCORES)
    for score in ("macro_f1", "macro_recall", "macro_precision"):
        assert bounds[score].low < bounds[score].high == pytest.approx(7 / 8)


@pytest.mark.parametrize("n_errors", [0.5, 2.0, 5.0])
def test_bound_scores_cover_the_true_scores_of_rare_errors(n_errors: float) -> None:
    """400 samples each give 92% to 100%, for errors in one class or in all."""
    random = np.random.default_rng(2)
    for weights in (np.arange(8) == 5, np.ones(8)):
        rate = n_errors * weights / weights.sum() / SUPPORT
        cells = np.diag(1 - rate) + np.roll(np.diag(rate), 1, axis=1)
        truth = score(cells * SUPPORT[:, None])
        covered = []
        for _ in range(100):
            matrix = np.array(
                [random.multinomial(n, p) for n, p in zip(SUPPORT, cells, strict=True)]
            )
            bounds = bound_scores(matrix.astype(np.float64), 0.9)
            if bounds:
                covered.append([bounds[s].low <= truth[s] <= bounds[s].high for s in SCORES])
        assert len(covered) > 90
        assert (np.mean(covered, axis=0) >= 0.88).all()
