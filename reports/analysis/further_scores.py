"""Compute scores that are not stored in the trial records, from predictions.

They are agreement scores, which correct for chance or for the sizes of the classes, and scores of
the probabilities.
"""

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray, IntArray, compute_class_scores

AGREEMENT_SCORES = ("balanced_accuracy", "mcc", "kappa")
PROBABILITY_SCORES = ("brier", "log_loss")
FURTHER_SCORES = (*AGREEMENT_SCORES, *PROBABILITY_SCORES)

SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""Probability that replaces a smaller one in the log loss, 1.2e-38: the smallest normal float32. A
probability of 0 would make the log loss infinite; with this one, it adds 87 nats per image."""


def compute_agreement_arrays(confusion: NDArray[np.number]) -> dict[str, FloatArray]:
    """Return balanced accuracy, MCC and Cohen's kappa of many matrices at once.

    - `balanced_accuracy`: mean recall of the classes that have images, 0 to 1 (Brodersen et al.,
      ICPR 2010). It equals the macro recall if every class has images.
    - `mcc`: Matthews correlation coefficient for several classes, -1 to 1 (Gorodkin, Computational
      Biology and Chemistry, 2004); 0 if all images have one label or one prediction.
    - `kappa`: Cohen's kappa, -1 to 1 (Educational and Psychological Measurement, 1960); NaN if all
      images have the same label and the same prediction.

    Args:
        confusion: Counts `confusion[..., true, predicted]`, shape (..., classes, classes), of at
            least one image.

    Returns:
        Scores by name, in the order of `AGREEMENT_SCORES`, each an array of shape (...).
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    by_class = compute_class_scores(matrix)
    n_images = by_class.support.sum(axis=-1)
    support, predicted = by_class.support, matrix.sum(axis=-2)
    n_expected = (support * predicted).sum(axis=-1)  # times n_images, like the next two
    covariance = np.trace(matrix, axis1=-2, axis2=-1) * n_images - n_expected
    label_variance, prediction_variance = (
        n_images**2 - (totals**2).sum(axis=-1) for totals in (support, predicted)
    )
    scale = np.sqrt(label_variance * prediction_variance)
    max_covariance = n_images**2 - n_expected
    n_present = (support > 0).sum(axis=-1)
    return {
        "balanced_accuracy": by_class.recall.sum(axis=-1) / n_present,
        "mcc": np.divide(covariance, scale, out=np.zeros(scale.shape), where=scale > 0),
        "kappa": np.divide(
            covariance, max_covariance, out=np.full(scale.shape, np.nan), where=max_covariance > 0
        ),
    }


def compute_image_losses(labels: IntArray, probabilities: NDArray[np.floating]) -> FloatArray:
    """Return what each image adds to the Brier score and to the log loss, which are their means.

    - `brier`: sum over the eight classes of the squared difference between the probability and 1
      for the true class, 0 for any other: 0 (perfect) to 2 (Brier, Monthly Weather Review, 1950).
    - `log_loss`: negative natural logarithm of the probability of the true class, from 0 (perfect),
      in nats; see `SMALLEST_PROBABILITY`.

    Args:
        labels: True classes, int64, shape (n,).
        probabilities: Class probabilities, shape (n, classes).

    Returns:
        Losses of the images, in the order of `PROBABILITY_SCORES`, float64, shape (2, n).
    """
    exact = probabilities.astype(np.float64)
    true_probability = exact[np.arange(labels.size), labels]
    brier = (exact**2).sum(axis=1) - 2 * true_probability + 1
    return np.stack([brier, -np.log(np.maximum(true_probability, SMALLEST_PROBABILITY))])
