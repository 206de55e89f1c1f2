"""From labels and probabilities to a confusion matrix and its scores. No torch in here.

Every score but the AUC follows from the confusion matrix, so published matrices and our own
predictions pass through the same lines.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.constants import NUM_CLASSES

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class ClassScores(NamedTuple):
    """Scores of each class; every array has shape (..., 8) and, but for support, range 0 to 1."""

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


def compute_confusion_matrix(
    labels: NDArray[np.integer], predictions: NDArray[np.integer]
) -> IntArray:
    """Count images by true and predicted class.

    Args:
        labels: true classes, shape (n,), 0 to 7.
        predictions: predicted classes, shape (n,), 0 to 7.

    Returns:
        `confusion[true, predicted]`, shape (8, 8), also where a class is absent.
    """
    # Not by scikit-learn, which takes .9 ms for it: on a GPU a good part of an epoch.
    flat_indices = NUM_CLASSES * labels.astype(np.int64) + predictions
    return np.bincount(flat_indices, minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES)


def compute_class_scores(confusion: NDArray[np.number]) -> ClassScores:
    """Precision, recall and F1 of each class; 0 where the denominator is 0.

    Args:
        confusion: `confusion[..., true, predicted]`, shape (..., 8, 8).
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
    """Scores of many matrices at once, each of shape (...) and 0 to 1.

    `macro_f1` is the mean of the eight F1s, an absent class counting 0; the F1 of the mean
    precision and recall, which goes by the same name, can differ by .5 (Opitz & Burst,
    arXiv:1911.03347). `weighted_f1` weights each class by its support.

    Args:
        confusion: `confusion[..., true, predicted]`, shape (..., 8, 8), of at least one image.
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
    """Scores of one matrix: see `compute_score_arrays`.

    Args:
        confusion: `confusion[true, predicted]`, shape (8, 8), of at least one image.
    """
    return {name: float(value) for name, value in compute_score_arrays(confusion).items()}


def compute_auc(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Area under the ROC curve, as MedMNIST's `Evaluator` defines it for several classes.

    The mean over classes of the area for "this class" against "any other", unweighted.

    Args:
        labels: true classes, shape (n,), 0 to 7.
        probabilities: shape (n, 8).

    Returns:
        0 to 1; NaN where a class is absent from `labels`, since its area is then undefined.
    """
    if np.unique(labels).size < NUM_CLASSES:
        return float("nan")
    areas = [_compute_area(labels == c, probabilities[:, c]) for c in range(NUM_CLASSES)]
    return float(np.mean(areas))


def _compute_area(is_positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Area under the ROC curve: the share of pairs in which the positive image has more.

    From the sum of the ranks, as in the Mann-Whitney U statistic (Hanley & McNeil 1982,
    doi:10.1148/radiology.143.1.7063747). Equal scores share their mean rank, so a pair counts half.
    Not by scikit-learn, whose import takes two seconds in each worker.

    Args:
        is_positive: shape (n,), with at least one image of either kind.
        scores: shape (n,).
    """
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1
    n_positive = int(is_positive.sum())
    n_pairs = n_positive * (is_positive.size - n_positive)
    rank_sum = mean_ranks[ranks][is_positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / n_pairs)
