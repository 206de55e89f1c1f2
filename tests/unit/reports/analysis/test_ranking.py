"""Ranking scores of one class against scikit-learn's, also on resamples of the images."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from reports.analysis.ranking import RankingScore, compute_average_precision, compute_class_auc

Score = Callable[[NDArray[np.bool_], NDArray[np.float32]], RankingScore]
SCORES = [(compute_class_auc, roc_auc_score), (compute_average_precision, average_precision_score)]


def make_scores(
    n_levels: int, n_images: int = 300
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return labels and scores that are a little higher for the class; few levels give ties."""
    random = np.random.default_rng(n_levels)
    is_class = np.arange(n_images) % 5 == 0
    scores = random.uniform(size=n_images) + 0.4 * is_class
    return is_class, (np.round(scores * n_levels) / n_levels).astype(np.float32)


@pytest.mark.parametrize("n_levels", [1, 3, 20, 10**6])
@pytest.mark.parametrize(("score", "expected"), SCORES)
def test_ranking_score_with_ties_equals_scikit_learns(
    score: Score, expected: Callable[..., float], n_levels: int
) -> None:
    is_class, scores = make_scores(n_levels)
    assert score(is_class, scores).value == pytest.approx(expected(is_class, scores), abs=1e-12)


@pytest.mark.parametrize("n_levels", [10, 10**6])
@pytest.mark.parametrize(("score", "expected"), SCORES)
def test_ranking_influence_is_the_change_for_a_little_more_weight_of_an_image(
    score: Score, expected: Callable[..., float], n_levels: int
) -> None:
    is_class, scores = make_scores(n_levels)
    value, influence = score(is_class, scores)
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    for image in (0, 1, 5, 77):
        weights = np.ones(is_class.size)
        weights[image] += 1e-6
        changed = expected(is_class, scores, sample_weight=weights)
        assert (changed - value) / 1e-6 == pytest.approx(influence[image], abs=1e-6)


@pytest.mark.parametrize(("score", "expected"), SCORES)
def test_ranking_score_of_a_perfect_order_is_1_without_influences(
    score: Score, expected: Callable[..., float]
) -> None:
    is_class = np.array([False, True, True, False])
    value, influence = score(is_class, is_class.astype(np.float32))
    assert value == 1
    np.testing.assert_array_equal(influence, np.zeros(4))


@pytest.mark.parametrize("score", [compute_class_auc, compute_average_precision])
def test_ranking_score_of_an_absent_class_is_nan(score: Score) -> None:
    value, influence = score(np.zeros(3, dtype=bool), np.ones(3, dtype=np.float32))
    assert np.isnan([value, *influence]).all()


def test_compute_class_auc_without_any_other_class_is_nan() -> None:
    assert np.isnan(compute_class_auc(np.ones(3, dtype=bool), np.ones(3, dtype=np.float32)).value)
