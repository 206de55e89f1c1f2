"""Compute the scores of each class on test, with intervals that hold for perfect scores.

Every score is linear to first order: each image has an influence on it, and the sum over the images
of a bootstrap resample is its change. Images in the same cell of the confusion matrix have the same
influence on a ratio, e.g. the precision, so its change follows from the resampled cells.

The usual interval, mean ± half-width, is too short near 0 and 1, and it has no width if every image
is classified correctly. Its half-width is therefore converted to an effective number of images, for
which Wilson's interval is computed, as for proportions in sample surveys (Franco, Little, Louis &
Slud, Journal of Survey Statistics and Methodology, 2019).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray, IntArray, compute_confusion_matrix
from reports.analysis.bootstrap import bootstrap_confusions, bootstrap_sums
from reports.analysis.intervals import ALPHA, compute_wilson_interval, estimate_means
from reports.analysis.ranking import compute_average_precision, compute_class_auc
from reports.ledger.test_predictions import TestPredictions

RATIO_SCORES = ("precision", "recall", "f1", "specificity", "npv")
RANKING_SCORES = ("auc", "average_precision")
CLASS_SCORES = (*RATIO_SCORES, *RANKING_SCORES)

MIN_CLASS_IMAGES = 30
"""Number of test images below which a report marks the scores of a class. If all 29 images are
classified correctly, Wilson's interval begins at 88%."""

_Z2 = special.ndtri(1 - ALPHA / 2) ** 2


class _TrialScores(NamedTuple):
    """Scores of the classes of one trial.

    Attributes:
        values: Scores, float64, shape (scores, classes); NaN if undefined.
        changes: Changes of the scores on each resample, float64, shape (N_RESAMPLES, scores,
            classes).
        n_images: Numbers of images that a score is based on, float64, shape (scores, classes).
    """

    values: FloatArray
    changes: FloatArray
    n_images: FloatArray


def compute_class_scores(predictions: TestPredictions) -> pd.DataFrame:
    """Return the scores of each class against all others, with 95% confidence intervals.

    Returns:
        A row for each configuration and class:

        - `family`, `configuration` (str): Family and name of the configuration.
        - `class` (int): Class.
        - `precision`, `recall`, `f1` (float): Positive predictive value, sensitivity and F1: means
          over the replicates, 0 to 1. A trial without images in the denominator counts 0.
        - `specificity`, `npv` (float): Specificity and negative predictive value, likewise; NaN if
          a trial has no images in the denominator.
        - `auc`, `average_precision` (float): Area under the ROC curve and average precision, of the
          probability of the class; NaN if the class is absent.
        - The same with `_sd` (float): Standard deviation over the replicates (divisor n - 1); NaN
          for one replicate.
        - The same with `_low` and `_high` (float, 0 to 1): Ends of the interval, over test images
          and replicates; for one replicate, over test images. NaN if no image is in the
          denominator.
        - `support` (int): Test images of the class.
    """
    support = np.bincount(predictions.labels, minlength=predictions.n_classes)
    summaries: dict[bytes, pd.DataFrame] = {}
    frames = []
    trials = predictions.trials.reset_index(drop=True)
    resampled = bootstrap_confusions(predictions)
    for (family, name), rows in trials.groupby(["family", "configuration"], sort=False):
        probabilities = predictions.probabilities[rows.index]
        key = probabilities.tobytes()
        if key not in summaries:  # half of the published configurations are copies of the others
            summaries[key] = _summarize_replicates(
                _score_trials(predictions.labels, probabilities, resampled[rows.index])
            )
        frames.append(
            summaries[key].assign(family=str(family), configuration=str(name), support=support)
        )
    columns = ["family", "configuration", "class", *CLASS_SCORES, "support"]
    if not frames:
        return pd.DataFrame(columns=columns)
    frame = pd.concat(frames, ignore_index=True)
    return frame[[*columns, *(c for c in frame.columns if c not in columns)]]


def _score_trials(
    labels: IntArray, probabilities: NDArray[np.float32], resampled: NDArray[np.float32]
) -> list[_TrialScores]:
    """Return `CLASS_SCORES` of each trial.

    Args:
        labels: True classes, shape (n,).
        probabilities: Class probabilities, shape (trials, n, classes).
        resampled: Confusion matrices from `bootstrap_confusions`.
    """
    n_classes = probabilities.shape[2]
    ratios = [
        _score_ratios(compute_confusion_matrix(labels, trial.argmax(axis=1), n_classes), matrices)
        for trial, matrices in zip(probabilities, resampled, strict=True)
    ]
    return [
        _TrialScores(
            np.concatenate([ratio.values, ranking.values]),
            np.concatenate([ratio.changes, ranking.changes], axis=1),
            np.concatenate([ratio.n_images, ranking.n_images]),
        )
        for ratio, ranking in zip(ratios, _score_rankings(labels, probabilities), strict=True)
    ]


def _score_ratios(confusion: IntArray, resampled: NDArray[np.float32]) -> _TrialScores:
    """Return `RATIO_SCORES` of a confusion matrix, and of those on resamples."""
    counts = confusion.ravel()
    # Whether a cell is in the row and in the column of a class, 0 or 1, shape (classes, cells).
    is_class, is_predicted = (
        (axis.ravel() == np.arange(len(confusion))[:, None]).astype(np.float64)
        for axis in np.indices(confusion.shape)
    )
    hits, correct_rejections = is_class * is_predicted, (1 - is_class) * (1 - is_predicted)
    numerators = np.stack([hits, hits, 2 * hits, correct_rejections, correct_rejections])
    denominators = np.stack(
        [is_predicted, is_class, is_class + is_predicted, 1 - is_class, 1 - is_predicted]
    )
    totals = denominators @ counts
    # As in scikit-learn, a precision, recall or F1 without images is 0 in a macro mean.
    undefined = np.array([0.0, 0.0, 0.0, np.nan, np.nan])[:, None] + np.zeros(totals.shape)
    values = np.divide(numerators @ counts, totals, out=undefined, where=totals > 0)
    deviations = numerators - values[..., None] * denominators
    influences = deviations / np.maximum(totals, 1)[..., None]
    changes = resampled.reshape(-1, counts.size) @ influences.reshape(-1, counts.size).T
    n_images = totals.astype(np.float64)
    # F1 is 2 J / (1 + J), where J is the share of hits among all images of the class or predicted
    # as such. The variance of J is binomial; by the delta method, that of F1 is F1 (1 - F1) over
    # this number.
    n_images[2] /= 2 - values[2]
    return _TrialScores(values, changes.reshape(-1, *values.shape), n_images)


def _score_rankings(labels: IntArray, probabilities: NDArray[np.float32]) -> list[_TrialScores]:
    """Return `RANKING_SCORES` of each trial.

    The numbers of images apply to scores of 0 and 1, for which the images show no variance. For the
    AUC, it follows from the variance of Hanley & McNeil as modified by Newcombe (Statistics in
    Medicine, 2006, method 5); for the average precision, it is the number of images of the class
    (Boyd, Eng & Page, ECML PKDD 2013).
    """
    n_classes = probabilities.shape[2]
    is_class = labels == np.arange(n_classes)[:, None]
    scores = [
        score(is_class[c], trial[:, c])
        for trial in probabilities
        for score in (compute_class_auc, compute_average_precision)
        for c in range(n_classes)
    ]
    shape = (len(probabilities), len(RANKING_SCORES), n_classes)
    values = np.array([score.value for score in scores]).reshape(shape)
    changes = bootstrap_sums(np.array([score.influence for score in scores])).reshape(-1, *shape)
    n_class = is_class.sum(axis=1).astype(np.float64)
    n_rest = labels.size - n_class
    n_auc = n_class * n_rest / (1 + np.maximum(0, (n_class + n_rest) / 2 - 1) / 2)
    n_images = np.stack([n_auc, n_class])
    return [_TrialScores(values[t], changes[:, t], n_images) for t in range(len(values))]


def _summarize_replicates(trials: list[_TrialScores]) -> pd.DataFrame:
    """Return means, standard deviations and intervals of the trials of one configuration."""
    n_scores, n_classes = trials[0].values.shape
    values = np.stack([trial.values for trial in trials]).reshape(len(trials), -1)
    changes = np.stack([trial.changes for trial in trials], axis=1).reshape(-1, *values.shape)
    estimates = estimate_means(values, values + changes)
    n_images = np.mean([trial.n_images for trial in trials], axis=0).ravel()
    low, high = _compute_intervals(estimates, n_images, is_single=len(trials) == 1)
    columns = {
        f"{score}{suffix}": column.reshape(n_scores, n_classes)[i]
        for suffix, column in (
            ("", estimates["mean"].to_numpy()),
            ("_sd", estimates["sd"].to_numpy()),
            ("_low", low),
            ("_high", high),
        )
        for i, score in enumerate(CLASS_SCORES)
    }
    return pd.DataFrame({"class": range(n_classes)} | columns)


def _compute_intervals(
    estimates: pd.DataFrame, n_images: FloatArray, *, is_single: bool
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's intervals for effective numbers of images.

    Args:
        estimates: Frame from `estimate_means`, with a row for each score and class.
        n_images: Numbers of images of one trial, shape (rows,). All replicates share the same
            images, so they apply to scores of 0 and 1 over several replicates, too.
        is_single: Whether there is one replicate. A ratio then has its number of images.
    """
    mean = estimates["mean"].to_numpy()
    half_width = (estimates["high"] - estimates["low"]).to_numpy() / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        n_effective = _Z2 * mean * (1 - mean) / half_width**2
    is_extreme = (mean == 0) | (mean == 1)
    is_ratio = np.arange(mean.size) < mean.size * len(RATIO_SCORES) / len(CLASS_SCORES)
    n_effective = np.where(is_extreme | (is_ratio & is_single), n_images, n_effective)
    n_effective = np.where(n_effective > 0, n_effective, np.nan)
    return compute_wilson_interval(mean, n_effective)
