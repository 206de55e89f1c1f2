"""Compute confusion matrices on test and the scores of each class, as data frames."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports.analysis.class_scores import compute_class_scores
from reports.ledger.test_predictions import TestPredictions


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionAnalysis:
    """Confusion matrices and class scores of every configuration with a test evaluation.

    Attributes:
        matrices: Confusion summed over replicates, a row for each configuration and cell, in the
            order of the plan:

            - `family`, `configuration` (str): Family and name of the configuration.
            - `true`, `predicted` (int): Classes of the cell.
            - `count` (int): Test images in the cell, summed over the replicates.
            - `replicates` (int): Number of replicates in the sum, at least 1.
            - `row_share` (float): Share of the true class with this prediction, 0 to 1; 0 for
              an absent class.
            - `column_share` (float): Share of this prediction that is of the true class, 0 to 1;
              0 for a class that is never predicted.
        class_scores: Scores of each class, from `class_scores.compute_class_scores`.
    """

    matrices: pd.DataFrame
    class_scores: pd.DataFrame


def analyze_confusion(predictions: TestPredictions) -> ConfusionAnalysis:
    """Return the confusion matrices and the class scores of the trials evaluated on test."""
    cells = make_confusion_frame(predictions)
    return ConfusionAnalysis(
        matrices=sum_confusions(cells), class_scores=compute_class_scores(predictions)
    )


def make_confusion_frame(predictions: TestPredictions) -> pd.DataFrame:
    """Return the confusion on test of every trial.

    Returns:
        A row for each trial and cell, cells by `true`, then by `predicted`: `family`,
        `configuration` (str), `replicate` (int), `true`, `predicted` (int) and `count` (int,
        test images).
    """
    classes, n_classes = np.arange(predictions.n_classes), predictions.n_classes
    blocks = [
        pd.DataFrame(
            {
                "family": str(trial.family),
                "configuration": trial.configuration,
                "replicate": trial.replicate,
                "true": np.repeat(classes, n_classes),
                "predicted": np.tile(classes, n_classes),
                "count": metrics.compute_confusion_matrix(
                    predictions.labels, predicted, n_classes
                ).ravel(),
            }
        )
        for trial, predicted in zip(
            predictions.trials.itertuples(index=False), predictions.predicted_classes, strict=True
        )
    ]
    columns = ["family", "configuration", "replicate", "true", "predicted", "count"]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=columns)


def sum_confusions(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the confusion summed over replicates, with the columns of `matrices`.

    Args:
        cells: Frame from `make_confusion_frame`.
    """
    keys = ["family", "configuration", "true", "predicted"]
    frame = cells.groupby(keys, sort=False).agg(
        count=("count", "sum"), replicates=("replicate", "nunique")
    )
    frame = frame.reset_index()
    for column, margin in (("row_share", "true"), ("column_share", "predicted")):
        totals = frame.groupby(["configuration", margin])["count"].transform("sum")
        frame[column] = (frame["count"] / totals.where(totals > 0)).fillna(0.0).astype(float)
    return frame
