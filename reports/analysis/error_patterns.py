"""Count test errors by confusion cell, and compute the share of each class.

An error is a pair of an image and a trial that misclassified it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from reports.analysis.bootstrap import N_RESAMPLES, bootstrap_confusions, count_confusions
from reports.analysis.intervals import Estimate, estimate_mean
from reports.analysis.replicate_variance import find_trial_rows
from reports.ledger.test_predictions import TestPredictions

AnyFloatArray = NDArray[np.floating[Any]]

CENTRAL_CLASS = 3
"""The class that the paper calls central to confusion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionErrors:
    """Errors of each trial on test, by cell of the confusion matrix; the diagonal is 0.

    Attributes:
        trials: Frame of the trials, as in `TestPredictions`.
        counts: Numbers of errors, float64, shape (trials, classes, classes).
        resampled: Numbers of errors on each resample of the test images, float32, shape (trials,
            N_RESAMPLES, classes, classes).
    """

    trials: pd.DataFrame
    counts: FloatArray
    resampled: NDArray[np.float32]

    def sum_groups(self, *groups: Sequence[str]) -> list[tuple[FloatArray, NDArray[np.float32]]]:
        """Return the sums over the configurations of each group, by common replicate of all groups.

        Args:
            *groups: Names of the configurations of each group.

        Returns:
            Counts and resampled counts of each group, shapes (replicates, classes, classes) and
            (N_RESAMPLES, replicates, classes, classes).
        """
        rows = find_trial_rows(self.trials, [name for group in groups for name in group])
        rows = rows[:, (rows >= 0).all(axis=0)]
        sums, first_row = [], 0
        for group in groups:
            shape = (rows.shape[1], *self.counts.shape[1:])
            counts: FloatArray = np.zeros(shape)
            resampled: NDArray[np.float32] = np.zeros((N_RESAMPLES, *shape), np.float32)
            for trial_row in rows[first_row : first_row + len(group)]:
                counts += self.counts[trial_row]
                resampled += np.moveaxis(self.resampled[trial_row], 0, 1)
            sums.append((counts, resampled))
            first_row += len(group)
        return sums


def count_confusion_errors(predictions: TestPredictions) -> ConfusionErrors:
    """Count the errors of every trial, on the test images and on resamples of them."""
    counts = count_confusions(predictions).astype(np.float64)
    resampled = bootstrap_confusions(predictions)
    classes = np.arange(predictions.n_classes)
    for cells in (counts, resampled):
        cells[..., classes, classes] = 0  # correct predictions
    return ConfusionErrors(trials=predictions.trials, counts=counts, resampled=resampled)


def compute_error_shares(cells: AnyFloatArray) -> FloatArray:
    """Return the share of errors that involve each class, as true or as predicted class.

    Args:
        cells: Errors by true and predicted class, shape (..., classes, classes).

    Returns:
        Shares, 0 to 1, shape (..., classes). They sum to 2, and are 0 if there are no errors.
    """
    return _divide(cells.sum(axis=-1) + cells.sum(axis=-2), cells.sum(axis=(-1, -2))[..., None])


def compute_mistaken_shares(cells: AnyFloatArray, true: int) -> FloatArray:
    """Return the share of a true class's errors that each class receives, shape (..., classes)."""
    return _divide(cells[..., true, :], cells[..., true, :].sum(axis=-1)[..., None])


def _divide(part: AnyFloatArray, whole: AnyFloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadOverRunnerUp:
    """Lead of class 3 over the class with the next largest share of the errors.

    Attributes:
        share: Mean share of class 3 over the replicates, 0 to 1.
        runner_up: Other class with the largest mean share.
        runner_up_share: Mean share of the runner-up, 0 to 1.
        margin: Estimate of the difference of the two shares.
    """

    share: float
    runner_up: int
    runner_up_share: float
    margin: Estimate


def compute_lead(values: FloatArray, resampled: FloatArray) -> LeadOverRunnerUp:
    """Return the lead of class 3.

    Args:
        values: Shares of the classes by replicate, shape (replicates, classes), 0 to 1.
        resampled: Shares on each resample, shape (resamples, replicates, classes).
    """
    mean = values.mean(axis=0)
    runner_up = int(np.argmax(np.where(np.arange(mean.size) == CENTRAL_CLASS, -1, mean)))
    margin = estimate_mean(
        *(
            class_shares[..., CENTRAL_CLASS] - class_shares[..., runner_up]
            for class_shares in (values, resampled)
        )
    )
    return LeadOverRunnerUp(
        share=mean[CENTRAL_CLASS],
        runner_up=runner_up,
        runner_up_share=mean[runner_up],
        margin=margin,
    )
