"""Compute confusion matrices and scores from labels and probabilities, without PyTorch.

Every score except the AUC is computed from the confusion matrix. Published matrices and our own
predictions therefore use the same code.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class ClassScores(NamedTuple):
    """Scores of each class, as arrays of shape (..., classes).

    Attributes:
        precision: Precision, 0 to 1.
        recall: Recall, 0 to 1.
        f1: F1, the harmonic mean of precision and recall, 0 to 1.
        support: Number of images of the class.
    """

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


def compute_confusion_matrix(
    labels: NDArray[np.integer], predictions: NDArray[np.integer], n_classes: int
) -> IntArray:
    """Count images by true and predicted class.

    Args:
        labels: True classes, integers, shape (n,), below `n_classes`.
        predictions: Predicted classes, integers, shape (n,), below `n_classes`.
        n_classes: Number of classes.

    Returns:
        Counts `confusion[true, predicted]`, int64, shape (classes, classes), also if a class is
        absent.
    """
    # scikit-learn takes 0.9 ms for this, a considerable part of an epoch on a GPU.
    flat_indices = n_classes * labels.astype(np.int64) + predictions
    return np.bincount(flat_indices, minlength=n_classes**2).reshape(n_classes, n_classes)


def compute_class_scores(confusion: NDArray[np.number]) -> ClassScores:
    """Return precision, recall and F1 of each class; 0 if the denominator is 0.

    Args:
        confusion: Counts `confusion[..., true, predicted]`, shape (..., classes, classes).
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    correct = np.diagonal(matrix, axis1=-2, axis2=-1)
    support, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)

    def divide_correct_by(denominator: FloatArray) -> FloatArray:
        return np.divide(correct, denominator, out=np.zeros(correct.shape), where=denominator > 0)

    return ClassScores(
        precision=divide_correct_by(predicted),
        recall=divide_correct_by(support),
        f1=divide_correct_by((support + predicted) / 2),
        support=support,
    )


def compute_score_arrays(confusion: NDArray[np.number]) -> dict[str, FloatArray]:
    """Return the scores of many matrices at once.

    `macro_f1` is the mean of the per-class F1 scores; an absent class counts 0. The F1 of
    the mean precision and the mean recall has the same name and can differ by 0.5 (Opitz & Burst,
    arXiv:1911.03347). `weighted_f1` weights each class by its support.

    Args:
        confusion: Counts `confusion[..., true, predicted]`, shape (..., classes, classes), of at
            least one image.

    Returns:
        Scores by name, each an array of shape (...), 0 to 1.
    """
    by_class = compute_class_scores(confusion)
    n_images = by_class.support.sum(axis=-1)
    return {
        "accuracy": np.trace(confusion, axis1=-2, axis2=-1) / n_images,
        "macro_f1": by_class.f1.mean(axis=-1),
        "weighted_f1": (by_class.f1 * by_class.support).sum(axis=-1) / n_images,
        "macro_precision": by_class.precision.mean(axis=-1),
        "macro_recall": by_class.recall.mean(axis=-1),
    }


def compute_scores(confusion: IntArray) -> dict[str, float]:
    """Return the scores of one matrix; see `compute_score_arrays`.

    Args:
        confusion: Counts `confusion[true, predicted]`, shape (classes, classes), of at least one
            image.

    Returns:
        Scores by name, each 0 to 1.
    """
    return {name: float(value) for name, value in compute_score_arrays(confusion).items()}


def compute_auc(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve as defined by MedMNIST's multi-class `Evaluator`.

    It is the unweighted mean of the areas for each class against all other classes.

    Args:
        labels: True classes, integers, shape (n,), below the number of classes.
        probabilities: Class probabilities, shape (n, classes).

    Returns:
        Area, 0 to 1; NaN if a class is absent from `labels`, because its area is undefined.
    """
    n_classes = probabilities.shape[1]
    if np.unique(labels).size < n_classes:
        return float("nan")
    areas = [_compute_area(labels == c, probabilities[:, c]) for c in range(n_classes)]
    return float(np.mean(areas))


def _compute_area(is_positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve of a binary classification.

    The area is the share of pairs (positive, negative) in which the positive image has the higher
    score. It is computed from the sum of the ranks, like the Mann-Whitney U statistic (Hanley &
    McNeil 1982, doi:10.1148/radiology.143.1.7063747). Equal scores share their mean rank, so a tied
    pair counts half. Importing scikit-learn for this would take two seconds in each worker.

    Args:
        is_positive: Labels, bool, shape (n,), with at least one positive and one negative image.
        scores: Scores, shape (n,).
    """
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1
    n_positive = int(is_positive.sum())
    n_pairs = n_positive * (is_positive.size - n_positive)
    rank_sum = mean_ranks[ranks][is_positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / n_pairs)
