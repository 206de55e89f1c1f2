"""Compare the confusion matrices of two configurations, cell by cell.

Both are evaluated on the same test images, so differences are paired by resample and by replicate.
`intervals` describes how the two sources of variance are combined.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bloodnets import metrics
from bloodnets.metrics import FloatArray
from reports.analysis import bootstrap, intervals
from reports.analysis.distinct_models import find_representatives
from reports.analysis.replicate_variance import (
    ReplicateVariance,
    combine_replicate_variances,
    estimate_replicate_variances,
    find_trial_rows,
    moderate_replicate_variances,
)
from reports.ledger.test_predictions import TestPredictions

MAX_COMPARED = 12
"""Maximum number of configurations that are compared in pairs. They give 66 pairs, few enough for a
reader to choose from."""

MAX_CELLS = 50_000
"""Maximum number of cells of all pairs, unless one pair has more. Up to 27 classes, all pairs of
`MAX_COMPARED` configurations have fewer."""

_DIFFERENCE_COLUMNS = (
    *("a", "b", "replicates", "true", "predicted"),
    *("count_a", "count_a_sd", "count_b", "count_b_sd"),
    *("difference", "difference_sd", "difference_low", "difference_high", "p", "p_holm"),
    *("significant", "shade"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionDifferences:
    """Differences between the confusion matrices of every pair of configurations.

    Attributes:
        cells: A row per cell for each pair with a common replicate among the `MAX_COMPARED` models
            with the highest macro F1, pairs in the order of that ranking. Configurations that train
            the same model count once:

            - `a`, `b` (str): Names of the configurations; a is ranked above b.
            - `replicates` (int): Number of common replicates, at least 1.
            - `true`, `predicted` (int): Classes of the cell.
            - `count_a`, `count_b` (float): Test images in the cell, means over the replicates.
            - `count_a_sd`, `count_b_sd` (float): Their standard deviations; NaN for one replicate.
            - `difference` (float): `count_a` minus `count_b`, in images.
            - `difference_sd` (float): Its standard deviation over the replicates; NaN for one
              replicate.
            - `difference_low`, `difference_high` (float): Its 95% confidence interval.
            - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and adjusted
              by Holm's procedure over the cells of the pair, 0 to 1.
            - `significant` (bool): Whether `p_holm` is below `intervals.ALPHA`.
            - `shade` (int): Size of the difference, 0 to 5, on one scale for all pairs; negative if
              a is worse than b in this cell.
        first_pair: Pair to show first; None if there is no pair.
        n_models: Number of models with a trial, including those not compared.
        n_compared: Number of models that are compared.
    """

    cells: pd.DataFrame
    first_pair: tuple[str, str] | None
    n_models: int
    n_compared: int


def compare_confusions(predictions: TestPredictions) -> ConfusionDifferences:
    """Compare the confusion of every two models, cell by cell.

    Args:
        predictions: Trials on the same images.
    """
    models = set(find_representatives(predictions).values())
    if len(models) < 2:
        return ConfusionDifferences(
            cells=pd.DataFrame(columns=list(_DIFFERENCE_COLUMNS)),
            first_pair=None,
            n_models=len(models),
            n_compared=0,
        )
    cells = compute_cell_differences(predictions)
    trials = predictions.trials
    family_by_name = dict(zip(trials["configuration"], trials["family"], strict=True))
    return ConfusionDifferences(
        cells=cells,
        first_pair=choose_first_pair(cells, family_by_name),
        n_models=len(models),
        n_compared=min(len(models), _count_compared(predictions.n_classes)),
    )


def _count_compared(n_classes: int) -> int:
    """Return the maximum number of configurations that are compared, at least 2."""
    fitting = (
        n for n in range(MAX_COMPARED, 2, -1) if n * (n - 1) // 2 * n_classes**2 <= MAX_CELLS
    )
    return next(fitting, 2)


def rank_by_macro_f1(predictions: TestPredictions) -> list[str]:
    """Return the configurations by mean macro F1 over their replicates, highest first.

    Ties stay in the order of the plan.
    """
    scores = metrics.compute_score_arrays(bootstrap.count_confusions(predictions))
    means = predictions.trials.assign(score=scores["macro_f1"]).groupby(
        "configuration", sort=False
    )["score"]
    return [str(name) for name in means.mean().sort_values(ascending=False, kind="stable").index]


def compute_cell_differences(predictions: TestPredictions) -> pd.DataFrame:
    """Compare every cell of every pair among the best models, over their common replicates.

    Args:
        predictions: Trials on the same images, at least one.

    Returns:
        Frame with the columns of `ConfusionDifferences.cells`.
    """
    models = set(find_representatives(predictions).values())
    ranked_names = [name for name in rank_by_macro_f1(predictions) if name in models]
    names = ranked_names[: _count_compared(predictions.n_classes)]
    trial_rows = np.flatnonzero(predictions.trials["configuration"].isin(names))
    trials = predictions.trials.iloc[trial_rows]
    confusions = bootstrap.count_confusions(predictions)[trial_rows]
    counts = confusions.reshape(len(confusions), -1).astype(np.float64)
    resampled = bootstrap.bootstrap_confusions(predictions, trial_rows)
    resampled = resampled.reshape(*resampled.shape[:2], -1).swapaxes(0, 1)
    rows = find_trial_rows(trials, names)
    variances = estimate_replicate_variances(counts, resampled, rows)
    moderated_variances = moderate_replicate_variances(variances)
    pair_frames = []
    for i, j in combinations(range(len(names)), 2):
        rows_a, rows_b = rows[[i, j]][:, (rows[[i, j]] >= 0).all(axis=0)]
        if rows_a.size:
            weights = np.zeros((1, len(names)))
            weights[0, [i, j]] = 1, -1
            variance, moderated = (
                ReplicateVariance(*(part[0] for part in combine_replicate_variances(each, weights)))
                for each in (variances, moderated_variances)
            )
            estimates = intervals.estimate_means(
                counts[rows_a] - counts[rows_b],
                (resampled[:, rows_a] - resampled[:, rows_b]).astype(np.float64),
                variance=variance,
                moderated=moderated,
            )
            count_columns = _summarize_counts("count_a", counts[rows_a]) | _summarize_counts(
                "count_b", counts[rows_b]
            )
            pair_frames.append(
                _make_pair_frame(names[i], names[j], estimates.assign(**count_columns))
            )
    if not pair_frames:
        return pd.DataFrame(columns=list(_DIFFERENCE_COLUMNS))
    frame = pd.concat(pair_frames, ignore_index=True)
    significant = frame["p_holm"] < intervals.ALPHA
    return frame.assign(significant=significant, shade=_compute_shades(frame))[
        list(_DIFFERENCE_COLUMNS)
    ]


def choose_first_pair(
    differences: pd.DataFrame, family_by_name: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the pair to show first: the highest-ranked pair of two families, else of any.

    Args:
        differences: Frame from `compute_cell_differences`.
        family_by_name: Families of the configurations, by name.

    Returns:
        Names of the two configurations; None if there is no pair.
    """
    pairs = list(dict.fromkeys(zip(differences["a"], differences["b"], strict=True)))
    pairs_of_two_families = (
        pair for pair in pairs if family_by_name[pair[0]] != family_by_name[pair[1]]
    )
    return next(pairs_of_two_families, pairs[0] if pairs else None)


def _summarize_counts(column: str, counts: FloatArray) -> dict[str, FloatArray]:
    """Return the mean and standard deviation over the replicates of counts (replicates, cells)."""
    has_replicates = len(counts) > 1
    sd = counts.std(axis=0, ddof=1) if has_replicates else np.full(counts.shape[1], np.nan)
    return {column: counts.mean(axis=0), f"{column}_sd": sd}


def _make_pair_frame(a: str, b: str, estimates: pd.DataFrame) -> pd.DataFrame:
    n_classes = math.isqrt(len(estimates))
    true, predicted = np.indices((n_classes, n_classes))
    return estimates.rename(
        columns={
            "mean": "difference",
            "sd": "difference_sd",
            "low": "difference_low",
            "high": "difference_high",
        }
    ).assign(
        a=a,
        b=b,
        true=true.ravel(),
        predicted=predicted.ravel(),
        p_holm=intervals.adjust_holm(estimates["p"].to_numpy()),
    )


def _compute_shades(cells: pd.DataFrame) -> pd.Series:
    """Return differences as whole numbers, -5 to 5, on a square-root scale; 0 is no difference.

    Positive is better: more images on the diagonal, or fewer off it. All pairs share one scale, so
    shades can be compared. On a linear scale, almost all cells would be white.
    """
    sizes = cells["difference"].abs()
    shades = np.ceil(5 * np.sqrt(sizes / (float(sizes.max()) or 1.0)))
    is_better = (cells["difference"] > 0) == (cells["true"] == cells["predicted"])
    return pd.Series(np.where(is_better, shades, -shades), cells.index, dtype=int)
