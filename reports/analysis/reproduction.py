"""Compare a study's scores with the published ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports.analysis.bootstrap import BootstrapScores, bootstrap_confusion, bootstrap_counts
from reports.analysis.intervals import compute_prediction_interval, estimate_contrast, estimate_mean
from reports.ledger import published
from reports.ledger.loading import LoadedStudy
from reports.ledger.published import PublishedRow

REPRODUCED_SCORE = "weighted_f1"
"""Score that the paper lists, although its text calls it macro F1."""


def compare_with_published(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Compare every published configuration of the study with its published score.

    A published score is one run with one seed. It is compared with the 95% prediction interval of
    one more run on its own test images. Their variance comes from the published confusion matrix.
    The published test images are in fact the same, which would make the interval narrower, so the
    verdict favors the paper.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.

    Returns:
        A row for each published configuration; empty for data for which `may_show_published` is
        false:

        - `configuration`, `family` (str): Name and family of the configuration.
        - `published` (float): Weighted F1 that the paper lists, 0 to 1.
        - `recomputed` (float): Weighted F1 of the published confusion matrix, 0 to 1.
        - `recomputed_low`, `recomputed_high` (float): Its 95% confidence interval, for the test
          images.
        - `seeds` (int): Number of trials of the study.
        - `score`, `score_low`, `score_high` (float): Weighted F1 of the study, 0 to 1, mean over
          the seeds, with its 95% confidence interval; NaN without a trial, like the next two
          columns.
        - `prediction_interval_low`, `prediction_interval_high` (float): 95% prediction interval
          of one more run.
        - `verdict` (str): "inside", "outside", "inconclusive" or "not comparable".
    """
    if not published.may_show_published(loaded_study.study.data):
        return pd.DataFrame()
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    published_rows = {name: published.find_published(config) for name, config in configs.items()}
    comparable = loaded_study.study.data.kind == "official"
    return pd.DataFrame(
        [
            _make_row(name, row, bootstrap, comparable)
            for name, row in published_rows.items()
            if row is not None
        ]
    )


def _make_row(
    name: str, row: PublishedRow, bootstrap: BootstrapScores, comparable: bool
) -> dict[str, object]:
    published_scores = _bootstrap_matrix_score(row)
    interval = estimate_mean(published_scores[:1], published_scores[1:, None])
    published_columns = {
        "configuration": name,
        "family": row.family,
        "published": row.weighted_f1,
        "recomputed": interval.mean,
        "recomputed_low": interval.low,
        "recomputed_high": interval.high,
    }
    score_estimate = estimate_contrast(bootstrap, REPRODUCED_SCORE, {name: 1.0})
    if score_estimate is None:
        return published_columns | {"seeds": 0, "verdict": "inconclusive"}
    prediction_interval = compute_prediction_interval(
        bootstrap, REPRODUCED_SCORE, name, published_scores[1:]
    )
    low, high = prediction_interval if prediction_interval else (np.nan, np.nan)
    inside = low <= row.weighted_f1 <= high
    verdict = (
        "inside"
        if inside
        else "outside"
        if bootstrap.variances[REPRODUCED_SCORE].dof
        else "inconclusive"
    )
    return published_columns | {
        "seeds": score_estimate.seeds,
        "score": score_estimate.mean,
        "score_low": score_estimate.low,
        "score_high": score_estimate.high,
        "prediction_interval_low": low,
        "prediction_interval_high": high,
        "verdict": verdict if comparable else "not comparable",
    }


def _bootstrap_matrix_score(row: PublishedRow) -> metrics.FloatArray:
    """Return the weighted F1 of a published matrix and of its resamples, (1 + resamples,)."""
    matrix = row.get_confusion_matrix()
    labels, predicted = (
        np.repeat(axis.ravel(), matrix.ravel()) for axis in np.indices(matrix.shape)
    )
    resampled = [
        bootstrap_confusion(labels, predicted, chunk) for chunk in bootstrap_counts(labels.size)
    ]
    matrices: Sequence[metrics.IntArray] = [matrix[None], *resampled]  # type: ignore[list-item]
    return metrics.compute_score_arrays(np.concatenate(matrices))[REPRODUCED_SCORE]
