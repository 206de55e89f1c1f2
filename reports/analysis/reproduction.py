"""Our scores beside the published ones: does a study of this kind give what the paper lists?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports.analysis.bootstrap import Sampled, draws, resampled_cells
from reports.analysis.intervals import contrast, estimate, predicted_range
from reports.ledger import published
from reports.ledger.loading import Evidence
from reports.ledger.published import PublishedRow

SCORE = "weighted_f1"
"""What the paper lists, though its text calls it macro F1."""


def reproduction(evidence: Evidence, sampled: Sampled) -> pd.DataFrame:
    """Every configuration of the study that was published.

    A published score is one run of one seed. It is held against the range in which one more run
    of ours, on test images of its own, would lie in 95 % of cases. The luck of its images is
    taken from its confusion matrix; that the official images are the same as ours would make the
    range narrower, so to call a score inside errs on the paper's side.

    Returns:
        Columns `configuration`, `family`; `published` (weighted F1 as listed), `recomputed`
        (from the published matrix) with `recomputed_low` and `_high` (test images alone);
        `seeds`, `ours` with `ours_low`, `ours_high`; `range_low`, `range_high`; `verdict`
        (inside, outside, cannot tell, not comparable). Empty for drawings.
    """
    if evidence.study.data.kind == "rendered":
        return pd.DataFrame()
    configs = {planned.configuration: planned.config for planned in evidence.study.trials}
    found = {name: published.find(config) for name, config in configs.items()}
    comparable = evidence.study.data.kind == "official"
    return pd.DataFrame(
        [_row(name, row, sampled, comparable) for name, row in found.items() if row is not None]
    )


def _row(name: str, row: PublishedRow, sampled: Sampled, comparable: bool) -> dict[str, object]:
    theirs = _of_matrix(row)
    interval = estimate(theirs[:1], theirs[1:, None])
    stated = {
        "configuration": name,
        "family": row.family,
        "published": row.weighted_f1,
        "recomputed": interval.mean,
        "recomputed_low": interval.low,
        "recomputed_high": interval.high,
    }
    ours = contrast(sampled, SCORE, {name: 1.0})
    if ours is None:
        return stated | {"seeds": 0, "verdict": "cannot tell"}
    expected = predicted_range(sampled, SCORE, name, theirs[1:])
    low, high = expected if expected else (np.nan, np.nan)
    inside = low <= row.weighted_f1 <= high
    verdict = "inside" if inside else "outside" if sampled.spread[SCORE].freedom else "cannot tell"
    return stated | {
        "seeds": ours.seeds,
        "ours": ours.mean,
        "ours_low": ours.low,
        "ours_high": ours.high,
        "range_low": low,
        "range_high": high,
        "verdict": verdict if comparable else "not comparable",
    }


def _of_matrix(row: PublishedRow) -> metrics.FloatArray:
    """Weighted F1 of a published matrix, then of draws of its images, shape (1 + draws,)."""
    matrix = row.matrix()
    labels, predicted = (
        np.repeat(axis.ravel(), matrix.ravel()) for axis in np.indices(matrix.shape)
    )
    drawn = [resampled_cells(labels, predicted, chunk) for chunk in draws(labels.size)]
    cells: Sequence[metrics.IntArray] = [matrix[None], *drawn]  # type: ignore[list-item]
    return metrics.score_arrays(np.concatenate(cells))[SCORE]
