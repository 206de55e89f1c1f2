"""Compare a study's scores with the published ones."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports.analysis.bootstrap import BootstrapScores, resample_confusions
from reports.analysis.contrasts import compute_prediction_interval, estimate_contrast
from reports.analysis.epoch_limit import find_limited_configurations
from reports.analysis.intervals import ALPHA, adjust_holm, estimate_mean
from reports.ledger import published
from reports.ledger.loading import LoadedStudy
from reports.ledger.published import PublishedRow
from reports.ledger.states import DataKind

REPRODUCED_SCORE = "weighted_f1"
"""Score that the paper lists, although its text calls it macro F1."""

MAX_HALF_WIDTH = 0.03
"""Largest half-width of a prediction interval that can show a reproduction: 3 points. The limit is
ours. A wider interval contains values that differ too much to count as reproduced."""


class Verdict(StrEnum):
    """Verdict about a published value.

    Attributes:
        COMPATIBLE: The value may be from one more run, and the prediction interval is narrow.
        INCOMPATIBLE: It is not from one more run (Holm-adjusted p < `ALPHA`).
        UNINFORMATIVE: The interval is too wide, there is no trial, or one replicate gives no
            variance.
        UNDECIDED: A trial of the configuration ended at the epoch limit, so its score is not that
            of a model that was trained until it stopped improving.
        NOT_COMPARABLE: The data are not those of the paper.
    """

    COMPATIBLE = "compatible"
    INCOMPATIBLE = "incompatible"
    UNINFORMATIVE = "uninformative"
    UNDECIDED = "undecided"
    NOT_COMPARABLE = "not comparable"


def compare_with_published(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> pd.DataFrame:
    """Compare every published configuration of the study with its published score.

    A published score is one run with one seed. It is compared with the 95% prediction interval
    of one more run on its own test images. Their variance comes from the published confusion
    matrix. The published test images are in fact the same, which would make the interval narrower,
    so the verdict favors the paper.

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
        - `replicates` (int): Number of trials of the study.
        - `score`, `score_low`, `score_high` (float): Weighted F1 of the study, 0 to 1, mean over
          the replicates, with its 95% confidence interval; NaN without a trial, like the next two
          columns.
        - `prediction_interval_low`, `prediction_interval_high` (float): 95% prediction interval
          of one more run, clipped to 0 to 1.
        - `p`, `p_holm` (float): Two-sided p-value of the hypothesis that the published value is
          from one more run, unadjusted and adjusted by Holm's procedure over the rows, 0 to 1.
        - `verdict` (str): A `Verdict`.
    """
    if not published.may_show_published(loaded_study.study.data):
        return pd.DataFrame()
    configs = {planned.configuration: planned.config for planned in loaded_study.study.trials}
    published_rows = {name: published.find_published(config) for name, config in configs.items()}
    frame = pd.DataFrame(
        [_make_row(name, row, bootstrap) for name, row in published_rows.items() if row is not None]
    )
    if frame.empty:
        return frame
    frame["p_holm"] = adjust_holm(frame["p"].to_numpy(np.float64))
    has_replicates = bool((bootstrap.replicate_variances[REPRODUCED_SCORE].dof > 0).any())
    frame["verdict"] = [
        _judge(row, has_replicates=has_replicates) for row in frame.to_dict("records")
    ]
    is_limited = frame["configuration"].isin(find_limited_configurations(loaded_study))
    frame.loc[is_limited, "verdict"] = Verdict.UNDECIDED
    if loaded_study.study.data.kind is not DataKind.OFFICIAL:
        frame["verdict"] = Verdict.NOT_COMPARABLE
    ends = ["prediction_interval_low", "prediction_interval_high"]
    frame[ends] = frame[ends].clip(0, 1)  # the verdict needs the whole width
    return frame


def _make_row(name: str, row: PublishedRow, bootstrap: BootstrapScores) -> dict[str, object]:
    published_scores = _bootstrap_matrix_score(row)
    recomputed = estimate_mean(published_scores[:1], published_scores[1:, None])
    score = estimate_contrast(bootstrap, REPRODUCED_SCORE, {name: 1.0})
    interval = None
    if score is not None:
        new_variance = float(published_scores[1:].var(ddof=1))
        interval = compute_prediction_interval(score, row.weighted_f1, new_variance)
    return {
        "configuration": name,
        "family": row.family,
        "published": row.weighted_f1,
        "recomputed": recomputed.mean,
        "recomputed_low": recomputed.low,
        "recomputed_high": recomputed.high,
        "replicates": score.replicates if score else 0,
        "score": score.mean if score else np.nan,
        "score_low": score.low if score else np.nan,
        "score_high": score.high if score else np.nan,
        "prediction_interval_low": interval.low if interval else np.nan,
        "prediction_interval_high": interval.high if interval else np.nan,
        "p": interval.p if interval else np.nan,
    }


def _judge(row: Mapping[Any, Any], *, has_replicates: bool) -> Verdict:
    """Return the verdict about one published value."""
    half_width = (row["prediction_interval_high"] - row["prediction_interval_low"]) / 2
    if row["p_holm"] < ALPHA and has_replicates:
        return Verdict.INCOMPATIBLE
    # Without replicates, the interval is too narrow: a value outside proves nothing.
    is_outside = row["p"] < ALPHA and not has_replicates
    if is_outside or not half_width <= MAX_HALF_WIDTH:
        return Verdict.UNINFORMATIVE
    return Verdict.COMPATIBLE


def _bootstrap_matrix_score(row: PublishedRow) -> metrics.FloatArray:
    """Return the weighted F1 of a published matrix and of its resamples, (1 + resamples,)."""
    matrix = row.get_confusion_matrix()
    labels, predicted = (
        np.repeat(axis.ravel(), matrix.ravel()) for axis in np.indices(matrix.shape)
    )
    (resampled,) = resample_confusions(labels, predicted[None], len(matrix))
    matrices = np.concatenate([matrix[None], resampled])
    return metrics.compute_score_arrays(matrices)[REPRODUCED_SCORE]
