"""Agreement scores and losses against scikit-learn's."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    log_loss,
    matthews_corrcoef,
)

from bloodnets.metrics import IntArray, compute_confusion_matrix
from reports.analysis.further_scores import (
    PROBABILITY_SCORES,
    SMALLEST_PROBABILITY,
    compute_agreement_arrays,
    compute_image_losses,
)

N_CLASSES = 8
RANDOM = np.random.default_rng(0)
CLASSES = np.arange(200) % N_CLASSES
ABSENT = CLASSES % 5
CASES = [
    pytest.param(CLASSES, RANDOM.integers(N_CLASSES, size=200), id="random"),
    pytest.param(CLASSES, np.where(np.arange(200) < 150, CLASSES, 3), id="mostly correct"),
    pytest.param(ABSENT, RANDOM.integers(N_CLASSES, size=200), id="absent classes"),
    pytest.param(CLASSES, CLASSES, id="perfect"),
    pytest.param(CLASSES, (CLASSES + 1) % N_CLASSES, id="all wrong"),
    pytest.param(CLASSES, np.full(200, 2), id="one prediction"),
    pytest.param(np.full(200, 2), CLASSES, id="one label"),
    pytest.param(np.full(200, 2), np.full(200, 2), id="one label and prediction"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("labels", "predicted"), CASES)
def test_compute_agreement_arrays_equal_scikit_learns(
    labels: IntArray, predicted: IntArray
) -> None:
    scores = compute_agreement_arrays(compute_confusion_matrix(labels, predicted, N_CLASSES))
    expected = {
        "balanced_accuracy": balanced_accuracy_score(labels, predicted),
        "mcc": matthews_corrcoef(labels, predicted),
        "kappa": cohen_kappa_score(labels, predicted),
    }
    assert list(scores) == list(expected)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def test_compute_agreement_arrays_of_many_matrices_are_those_of_each() -> None:
    matrices = RANDOM.integers(20, size=(3, 2, N_CLASSES, N_CLASSES))
    together = compute_agreement_arrays(matrices)
    for name, value in compute_agreement_arrays(matrices[2, 1]).items():
        assert together[name].shape == (3, 2)
        assert together[name][2, 1] == pytest.approx(value)


@pytest.mark.parametrize("labels", [CLASSES, ABSENT], ids=["every class", "absent classes"])
def test_compute_image_losses_have_the_means_of_scikit_learn(labels: IntArray) -> None:
    probabilities = RANDOM.dirichlet(np.full(N_CLASSES, 0.3), size=200)
    losses = dict(zip(PROBABILITY_SCORES, compute_image_losses(labels, probabilities), strict=True))
    classes = range(N_CLASSES)
    # Unscaled, scikit-learn's multi-class score is also 0 to 2.
    expected = brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    assert losses["brier"].mean() == pytest.approx(expected)
    assert losses["log_loss"].mean() == pytest.approx(
        log_loss(labels, probabilities, labels=classes)
    )


def test_compute_image_losses_of_perfect_probabilities_are_0() -> None:
    losses = compute_image_losses(CLASSES, np.eye(N_CLASSES, dtype=np.float32)[CLASSES])
    np.testing.assert_array_equal(losses, np.zeros((2, 200)))


def test_compute_image_losses_of_a_certain_mistake_are_finite() -> None:
    probabilities = np.eye(N_CLASSES, dtype=np.float32)[[1]]
    with warnings.catch_warnings(action="error"):
        brier, loss = compute_image_losses(np.array([0]), probabilities)
    assert brier == 2
    assert loss == pytest.approx(-np.log(SMALLEST_PROBABILITY))
