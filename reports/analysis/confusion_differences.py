"""Where two configurations differ: their confusion cells, compared image by image.

Both see the same test images, so a cell's difference is measured on each draw of the images for
both at once, and over the seeds that both have; `intervals` says how the two sources of luck
are joined.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from bloodnets.metrics import FloatArray
from reports.analysis import bootstrap, intervals
from reports.ledger.loading import TestPredictions

MAX_COMPARED = 12
"""Configurations that are compared in pairs: 66 pairs, what a reader can still choose from."""

_N_CELLS = NUM_CLASSES**2
_DIFFERENCE_COLUMNS = (
    *("a", "b", "seeds", "true", "predicted"),
    *("count_a", "count_a_sd", "count_b", "count_b_sd"),
    *("difference", "difference_sd", "difference_low", "difference_high", "p", "p_holm"),
    *("significant", "shade"),
)


def rank_by_macro_f1(predictions: TestPredictions) -> list[str]:
    """Configurations by mean macro F1 over their seeds, highest first; equal ones as planned."""
    scores = metrics.compute_score_arrays(
        _count_cells(predictions).reshape(-1, NUM_CLASSES, NUM_CLASSES)
    )
    means = predictions.trials.assign(score=scores["macro_f1"]).groupby(
        "configuration", sort=False
    )["score"]
    return [str(name) for name in means.mean().sort_values(ascending=False, kind="stable").index]


def compute_cell_differences(predictions: TestPredictions) -> pd.DataFrame:
    """Every cell of every pair among the first `MAX_COMPARED`, over their common seeds.

    Args:
        predictions: trials on the same images.

    Returns:
        64 rows a pair: `a` and `b` (a is before b in `rank_by_macro_f1`), `seeds` in common,
        `true`, `predicted` (0 to 7), `count_a` and `count_b` (images a trial, means over the seeds,
        with their `_sd`), `difference` (a - b), its `difference_sd` and 95 % interval
        `difference_low` and `difference_high`, `p` (two-sided), `p_holm`, corrected over the 64
        cells of the pair, `significant` (whether `p_holm` is below `intervals.ALPHA`), and `shade`,
        from -5 to 5 (`_compute_shades`). Pairs without a common seed are left out.
    """
    names = rank_by_macro_f1(predictions)[:MAX_COMPARED]
    trial_rows = np.flatnonzero(predictions.trials["configuration"].isin(names))
    trials = predictions.trials.iloc[trial_rows]
    counts = _count_cells(predictions)[trial_rows]
    resampled = bootstrap_cell_counts(predictions, trial_rows)
    representatives = bootstrap.find_equivalence_classes(predictions)
    variances = bootstrap.pool_variances(
        counts, resampled, trials, {name: representatives[name] for name in names}
    )
    pair_frames = []
    for a, b in combinations(names, 2):
        rows = bootstrap.find_trial_rows(trials, [a, b])
        rows_a, rows_b = rows[:, (rows >= 0).all(axis=0)]
        if rows_a.size:
            estimates = intervals.estimate_means(
                counts[rows_a] - counts[rows_b],
                (resampled[:, rows_a] - resampled[:, rows_b]).astype(np.float64),
                pooled_variances=variances,
                share=0.0 if representatives[a] == representatives[b] else 2.0,
            )
            count_columns = _summarize_counts("count_a", counts[rows_a]) | _summarize_counts(
                "count_b", counts[rows_b]
            )
            pair_frames.append(_make_pair_frame(a, b, estimates.assign(**count_columns)))
    if not pair_frames:
        return pd.DataFrame(columns=list(_DIFFERENCE_COLUMNS))
    frame = pd.concat(pair_frames, ignore_index=True)
    significant = frame["p_holm"] < intervals.ALPHA
    return frame.assign(significant=significant, shade=_compute_shades(frame["difference"]))[
        list(_DIFFERENCE_COLUMNS)
    ]


def check_pairs_identical(differences: pd.DataFrame) -> dict[tuple[str, str], bool]:
    """Of each pair, whether no image of any seed is in another cell: one function, twice.

    Args:
        differences: from `compute_cell_differences`.

    Returns:
        By `a` and `b`, in the order of the rows.
    """
    # Equal counts of other images leave an interval around 0.
    is_zero = (differences[["difference", "difference_low", "difference_high"]] == 0).all(axis=1)
    same_by_pair: dict[tuple[str, str], bool] = {}
    for a, b, cell_is_zero in zip(differences["a"], differences["b"], is_zero, strict=True):
        same_by_pair[a, b] = same_by_pair.get((a, b), True) and cell_is_zero
    return same_by_pair


def choose_first_pair(
    differences: pd.DataFrame, family_by_name: Mapping[str, str]
) -> tuple[str, str]:
    """The pair to begin with: the highest ranked with the highest of another family, or the next.

    Pairs that are the same function twice are passed over; at least one must not be.

    Args:
        differences: from `compute_cell_differences`.
        family_by_name: of the configurations, by name.
    """
    pairs = [pair for pair, is_same in check_pairs_identical(differences).items() if not is_same]
    return next(
        (pair for pair in pairs if family_by_name[pair[0]] != family_by_name[pair[1]]), pairs[0]
    )


def _summarize_counts(column: str, counts: FloatArray) -> dict[str, FloatArray]:
    """Mean and standard deviation over seeds of counts (seeds, 64)."""
    has_replicates = len(counts) > 1
    sd = counts.std(axis=0, ddof=1) if has_replicates else np.full(_N_CELLS, np.nan)
    return {column: counts.mean(axis=0), f"{column}_sd": sd}


def _make_pair_frame(a: str, b: str, estimates: pd.DataFrame) -> pd.DataFrame:
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
        true=np.repeat(np.arange(NUM_CLASSES), NUM_CLASSES),
        predicted=np.tile(np.arange(NUM_CLASSES), NUM_CLASSES),
        p_holm=intervals.adjust_holm(estimates["p"].to_numpy()),
    )


def _compute_shades(cell_differences: pd.Series) -> pd.Series:
    """Differences as whole numbers from -5 to 5, by their square roots; 0 is no difference at all.

    One scale for all pairs, so that shades can be compared; of a plain scale, all but the few
    largest cells would be white.
    """
    largest = float(cell_differences.abs().max()) or 1.0
    size = np.ceil(5 * np.sqrt(cell_differences.abs() / largest))
    return pd.Series(np.where(cell_differences < 0, -size, size), cell_differences.index, dtype=int)


def _count_cells(predictions: TestPredictions) -> FloatArray:
    """Images in each cell, shape (trials, 64), `true` before `predicted`."""
    matrices = [
        metrics.compute_confusion_matrix(predictions.labels, predicted)
        for predicted in predictions.predicted_classes
    ]
    return np.array(matrices, dtype=np.float64).reshape(-1, _N_CELLS)


def bootstrap_cell_counts(
    predictions: TestPredictions, trial_rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The same on each draw of the images, of the trials at `trial_rows`: (draws, rows, 64)."""
    predicted = predictions.predicted_classes
    cells = np.empty((bootstrap.N_RESAMPLES, len(trial_rows), _N_CELLS), np.float32)
    start = 0
    for chunk in bootstrap.bootstrap_counts(predictions.labels.size):
        stop = start + len(chunk)
        for position, row in enumerate(trial_rows):
            confusion = bootstrap.bootstrap_confusion(predictions.labels, predicted[row], chunk)
            cells[start:stop, position] = confusion.reshape(-1, _N_CELLS)
        start = stop
    return cells
