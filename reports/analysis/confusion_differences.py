"""Where two configurations differ: their confusion cells, compared image by image.

Both see the same test images, so a cell's difference is measured on each draw of the images for
both at once, and over the seeds that both have; `statistics` says how the two sources of luck
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
from reports.ledger.loading import Tested

AT_MOST = 12
"""Configurations that are compared in pairs: 66 pairs, what a reader can still choose from."""

_CELLS = NUM_CLASSES**2
_COLUMNS = (
    *("a", "b", "seeds", "true", "predicted"),
    *("count_a", "count_a_sd", "count_b", "count_b_sd"),
    *("difference", "difference_sd", "difference_low", "difference_high", "p", "p_holm"),
    *("chance", "shade"),
)


def ranked(tested: Tested) -> list[str]:
    """Configurations by mean macro F1 over their seeds, highest first; equal ones as planned."""
    scores = metrics.score_arrays(_counts(tested).reshape(-1, NUM_CLASSES, NUM_CLASSES))
    means = tested.trials.assign(score=scores["macro_f1"]).groupby("name", sort=False)["score"]
    return [str(name) for name in means.mean().sort_values(ascending=False, kind="stable").index]


def differences(tested: Tested) -> pd.DataFrame:
    """Every cell of every pair among the first `AT_MOST` of `ranked`, over their common seeds.

    Args:
        tested: trials on the same images.

    Returns:
        64 rows a pair: `a` and `b` (a ranks before b), `seeds` in common, `true`, `predicted`
        (0 to 7), `count_a` and `count_b` (images a trial, means over the seeds, with their `_sd`),
        `difference` (a - b), its `difference_sd` and 95 % interval `difference_low` and
        `difference_high`, `p` (two-sided), `p_holm`, corrected over the 64 cells of the pair,
        `chance` (whether `p_holm` is no smaller than `statistics.LEVEL`), and `shade`, from -5 to
        5 (`_shades`). Pairs without a common seed are left out.
    """
    names = ranked(tested)[:AT_MOST]
    kept = np.flatnonzero(tested.trials["name"].isin(names))
    trials = tested.trials.iloc[kept]
    counts = _counts(tested)[kept]
    resampled = resampled_counts(tested, kept)
    same = bootstrap.functions(tested)
    spread = bootstrap.pooled(counts, resampled, trials, {name: same[name] for name in names})
    blocks = []
    for a, b in combinations(names, 2):
        rows = bootstrap.positions(trials, [a, b])
        rows_a, rows_b = rows[:, (rows >= 0).all(axis=0)]
        if rows_a.size:
            found = intervals.estimates(
                counts[rows_a] - counts[rows_b],
                (resampled[:, rows_a] - resampled[:, rows_b]).astype(np.float64),
                pooled=spread,
                share=0.0 if same[a] == same[b] else 2.0,
            )
            own = _means("count_a", counts[rows_a]) | _means("count_b", counts[rows_b])
            blocks.append(_pair(a, b, found.assign(**own)))
    if not blocks:
        return pd.DataFrame(columns=list(_COLUMNS))
    frame = pd.concat(blocks, ignore_index=True)
    chance = ~(frame["p_holm"] < intervals.LEVEL)
    return frame.assign(chance=chance, shade=_shades(frame["difference"]))[list(_COLUMNS)]


def same(differences: pd.DataFrame) -> dict[tuple[str, str], bool]:
    """Of each pair, whether no image of any seed is in another cell: one function, twice.

    Args:
        differences: from `differences`.

    Returns:
        By `a` and `b`, in the order of the rows.
    """
    # Equal counts of other images leave an interval around 0.
    nothing = (differences[["difference", "difference_low", "difference_high"]] == 0).all(axis=1)
    equal: dict[tuple[str, str], bool] = {}
    for a, b, cell in zip(differences["a"], differences["b"], nothing, strict=True):
        equal[a, b] = equal.get((a, b), True) and cell
    return equal


def first(differences: pd.DataFrame, families: Mapping[str, str]) -> tuple[str, str]:
    """The pair to begin with: the highest ranked with the highest of another family, or the next.

    Pairs that are the same function twice are passed over; at least one must not be.

    Args:
        differences: from `differences`.
        families: of the configurations, by name.
    """
    pairs = [pair for pair, equal in same(differences).items() if not equal]
    return next((pair for pair in pairs if families[pair[0]] != families[pair[1]]), pairs[0])


def _means(key: str, counts: FloatArray) -> dict[str, FloatArray]:
    """Mean and standard deviation over seeds of counts (seeds, 64)."""
    several = len(counts) > 1
    spread = counts.std(axis=0, ddof=1) if several else np.full(_CELLS, np.nan)
    return {key: counts.mean(axis=0), f"{key}_sd": spread}


def _pair(a: str, b: str, estimates: pd.DataFrame) -> pd.DataFrame:
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
        p_holm=intervals.holm(estimates["p"].to_numpy()),
    )


def _shades(difference: pd.Series) -> pd.Series:
    """Differences as whole numbers from -5 to 5, by their square roots; 0 is no difference at all.

    One scale for all pairs, so that shades can be compared; of a plain scale, all but the few
    largest cells would be white.
    """
    largest = float(difference.abs().max()) or 1.0
    size = np.ceil(5 * np.sqrt(difference.abs() / largest))
    return pd.Series(np.where(difference < 0, -size, size), difference.index, dtype=int)


def _counts(tested: Tested) -> FloatArray:
    """Images in each cell, shape (trials, 64), `true` before `predicted`."""
    matrices = [metrics.confusion_matrix(tested.labels, each) for each in tested.predicted]
    return np.array(matrices, dtype=np.float64).reshape(-1, _CELLS)


def resampled_counts(tested: Tested, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The same on each draw of the images, of the trials at `rows`: (draws, rows, 64)."""
    predicted = tested.predicted
    cells = np.empty((bootstrap.RESAMPLES, len(rows), _CELLS), np.float32)
    start = 0
    for chunk in bootstrap.draws(tested.labels.size):
        stop = start + len(chunk)
        for place, row in enumerate(rows):
            drawn = bootstrap.resampled_cells(tested.labels, predicted[row], chunk)
            cells[start:stop, place] = drawn.reshape(-1, _CELLS)
        start = stop
    return cells
