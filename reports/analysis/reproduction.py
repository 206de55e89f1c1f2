"""Our scores beside the published ones: does a study of this kind give what the paper lists?"""

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
"""What the paper lists, though its text calls it macro F1."""


def compare_with_published(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Compare every published configuration of the study with its published score.

    A published score is one run of one seed. It is compared with the range in which one more run
    of ours, on test images of its own, would lie in 95 % of cases. The variance from its images is
    taken from its confusion matrix; that the official images are the same as ours would make the
    range narrower, so to call a score inside errs on the paper's side.

    Returns:
        A row for each published configuration; empty for synthetic data:

        - `configuration`, `family` (str): Name and family of the configuration.
        - `published` (float): Weighted F1 as the paper lists it, 0 to 1.
        - `recomputed` (float): Weighted F1 of the published confusion matrix, 0 to 1.
        - `recomputed_low`, `recomputed_high` (float): Its 95 % interval, for the test images.
        - `seeds` (int): Number of trials of ours.
        - `score`, `score_low`, `score_high` (float): Our weighted F1, 0 to 1, mean over the
          seeds, with its 95 % interval; NaN without a trial, as the next two.
        - `prediction_interval_low`, `prediction_interval_high` (float): Range of one more run.
        - `verdict` (str): "inside", "outside", "cannot tell" or "not comparable".
    """
    if loaded_study.study.data.kind == "synthetic":
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
        return published_columns | {"seeds": 0, "verdict": "cannot tell"}
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
        else "cannot tell"
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
    """Weighted F1 of a published matrix, then of draws of its images, shape (1 + draws,)."""
    matrix = row.get_confusion_matrix()
    labels, predicted = (
        np.repeat(axis.ravel(), matrix.ravel()) for axis in np.indices(matrix.shape)
    )
    resampled = [
        bootstrap_confusion(labels, predicted, chunk) for chunk in bootstrap_counts(labels.size)
    ]
    matrices: Sequence[metrics.IntArray] = [matrix[None], *resampled]  # type: ignore[list-item]
    return metrics.compute_score_arrays(np.concatenate(matrices))[REPRODUCED_SCORE]
