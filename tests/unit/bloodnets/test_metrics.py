"""Scores from a confusion matrix against scikit-learn's from labels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from medmnist.evaluator import getAUC
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from bloodnets import metrics
from bloodnets.data_shape import BLOODMNIST_SHAPE

CLASSES = st.integers(0, 7)
PAIRS = st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=60)


@given(PAIRS)
def test_compute_scores_any_labels_equal_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    true, predicted = np.array(pairs).T
    confusion = metrics.compute_confusion_matrix(true, predicted, BLOODMNIST_SHAPE.n_classes)
    each = metrics.compute_class_scores(confusion)
    expected = precision_recall_fscore_support(true, predicted, labels=range(8), zero_division=0.0)
    for ours, theirs in zip(each, expected, strict=True):
        np.testing.assert_allclose(ours, theirs)
    whole = metrics.compute_scores(confusion)
    assert np.isclose(whole["accuracy"], accuracy_score(true, predicted))
    assert np.isclose(whole["macro_f1"], np.mean(expected[2]))
    assert np.isclose(whole["weighted_f1"], np.average(expected[2], weights=expected[3]))
    assert np.isclose(whole["macro_precision"], np.mean(expected[0]))
    assert np.isclose(whole["macro_recall"], np.mean(expected[1]))


@given(PAIRS)
def test_compute_confusion_matrix_rows_are_true_and_columns_predicted(
    pairs: list[tuple[int, int]],
) -> None:
    labels, predictions = np.array(pairs).T
    confusion = metrics.compute_confusion_matrix(labels, predictions, 8)
    assert confusion.shape == (8, 8)
    for true in range(8):
        for predicted in range(8):
            assert confusion[true, predicted] == pairs.count((true, predicted))


@settings(max_examples=30)
@given(arrays(np.float32, (24, 8), elements=st.floats(0, 1, width=32)))
def test_compute_auc_any_probabilities_equal_medmnists(probabilities: NDArray[np.float32]) -> None:
    labels = np.arange(24) % 8
    expected = getAUC(labels[:, None], probabilities, "multi-class")
    assert np.isclose(metrics.compute_auc(labels, probabilities), expected)


def test_compute_auc_absent_class_is_nan() -> None:
    assert np.isnan(metrics.compute_auc(np.arange(7), np.eye(8)[:7]))


def test_compute_scores_absent_class_counts_zero_in_macro_f1() -> None:
    """Of two classes, both always right, the other six pull the mean down to a quarter."""
    confusion = metrics.compute_confusion_matrix(np.array([0, 1]), np.array([0, 1]), 8)
    assert metrics.compute_scores(confusion)["macro_f1"] == 2 / 8
