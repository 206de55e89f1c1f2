"""Scores of trials on their test images, and on draws of those images.

The images are drawn again with replacement (the bootstrap: for a confusion matrix, a multinomial
draw of its cells), the same draws for every trial, so that differences between trials are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from bloodnets.metrics import FloatArray, IntArray
from reports.ledger.loading import Tested

SCORES = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")
PRECISIONS = tuple(f"precision_{c}" for c in range(NUM_CLASSES))
RESAMPLES = 2000
"""Draws of the test images: the standard error is known to 1.6 %, sqrt(1 / (2 · 2000))."""

_CHUNK_BYTES = 2**26


class Spread(NamedTuple):
    """Variances of a value between replicates, of one or of many values at once.

    Attributes:
        between: as measured: the seeds' luck, and the trials' own luck with the images.
        own: of that, the luck with the images.
        freedom: degrees of freedom; 0 without replicates, when both are 0.
    """

    between: FloatArray
    own: FloatArray
    freedom: int

    @property
    def seeds(self) -> FloatArray:
        """The variance by the seed; 0 without replicates, when nothing is known of it."""
        return np.maximum(0, self.between - self.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Scores of trials on the same test images, and on draws of those images.

    Attributes:
        trials: as in `Tested`.
        values: by score (`SCORES` and `PRECISIONS`), float64, shape (trials,).
        resampled: the same on each draw of the images, float64, shape (RESAMPLES, trials).
        functions: from the function of that name.
        spread: by score, what seeds change, pooled over the configurations.
    """

    trials: pd.DataFrame
    values: Mapping[str, FloatArray]
    resampled: Mapping[str, FloatArray]
    functions: Mapping[str, str]
    spread: Mapping[str, Spread]


def draws(images: int) -> Iterator[NDArray[np.float32]]:
    """How often each image is drawn in each of `RESAMPLES` draws of as many images as there are.

    The draws are the same in every call, so trials that are sampled apart stay paired, and equal
    predictions give equal reports.

    Args:
        images: n, at least 1.

    Yields:
        Chunks of shape (b, n), whole numbers, each row of sum n; together RESAMPLES rows.
    """
    generator = np.random.default_rng(0)
    rows = max(1, _CHUNK_BYTES // (4 * images))
    for start in range(0, RESAMPLES, rows):
        chunk = np.empty((min(rows, RESAMPLES - start), images), np.float32)
        for row in chunk:
            row[:] = np.bincount(generator.integers(images, size=images), minlength=images)
        yield chunk


def resampled_cells(
    labels: IntArray, predicted: IntArray, chunk: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Confusion of a trial on each draw of the images.

    Args:
        labels: true classes, shape (n,).
        predicted: shape (n,).
        chunk: from `draws`, shape (b, n).

    Returns:
        `[draw, true, predicted]`, shape (b, 8, 8), whole numbers: exact whatever the machine.
    """
    cells = np.zeros((labels.size, NUM_CLASSES**2), np.float32)
    cells[np.arange(labels.size), labels * NUM_CLASSES + predicted] = 1
    return (chunk @ cells).reshape(-1, NUM_CLASSES, NUM_CLASSES)


def sample(tested: Tested) -> Sampled:
    """Score every trial on its test images and on `RESAMPLES` draws of them."""
    labels, predicted, count = tested.labels, tested.predicted, len(tested.trials)
    shape = (len(SCORES) + len(PRECISIONS), count)
    values, resampled = np.empty(shape), np.empty((shape[0], RESAMPLES, count))
    areas = [_area(labels, trial) for trial in tested.probabilities]
    for t in range(count):
        confusion = metrics.confusion_matrix(labels, predicted[t])
        values[:, t] = _score_rows(confusion, np.asarray(areas[t].value))
    start = 0
    for chunk in draws(labels.size) if count else ():
        stop = start + len(chunk)
        exact = chunk.astype(np.float64)  # as NumPy would make it anew for each trial
        for t, area in enumerate(areas):
            cells = resampled_cells(labels, predicted[t], chunk)
            resampled[:, start:stop, t] = _score_rows(cells, area.value + exact @ area.influence)
        start = stop
    keys, same = (*SCORES, *PRECISIONS), functions(tested)
    spreads = (pooled(*both, tested.trials, same) for both in zip(values, resampled, strict=True))
    return Sampled(
        trials=tested.trials,
        values=dict(zip(keys, values, strict=True)),
        resampled=dict(zip(keys, resampled, strict=True)),
        functions=same,
        spread=dict(zip(keys, spreads, strict=True)),
    )


def functions(tested: Tested) -> dict[str, str]:
    """Of each configuration, the first that predicts the same with every seed that both have."""
    answers = [trial.tobytes() for trial in tested.predicted]
    by_seed: dict[str, dict[int, bytes]] = {name: {} for name in tested.names}
    for name, seed, own in zip(tested.trials["name"], tested.trials["seed"], answers, strict=True):
        by_seed[name][seed] = own
    found: dict[str, str] = {}
    for name, own in by_seed.items():
        for first in dict.fromkeys(found.values()):
            both = own.keys() & by_seed[first].keys()
            if both and all(own[seed] == by_seed[first][seed] for seed in both):
                found[name] = first
                break
        else:
            found[name] = name
    return found


def pooled(
    values: FloatArray,
    resampled: NDArray[np.floating],
    trials: pd.DataFrame,
    same: Mapping[str, str],
) -> Spread:
    """Variances between replicates, pooled over the configurations, equal ones counted once.

    Three seeds hardly tell a variance; those of several configurations do.

    Args:
        values: of each trial, shape (trials, ...).
        resampled: the same on each draw of the images, shape (draws, trials, ...).
        trials: with the columns `name` and `seed`.
        same: from `functions`.
    """
    zero = np.zeros(values.shape[1:])
    between, own, freedom = zero, zero, 0
    for rows in positions(trials, list(dict.fromkeys(same.values()))):
        found = spread(values[rows[rows >= 0]], resampled[:, rows[rows >= 0]])
        between = between + found.freedom * found.between
        own = own + found.freedom * found.own
        freedom += found.freedom
    return Spread(between / max(1, freedom), own / max(1, freedom), freedom)


def spread(values: FloatArray, resampled: NDArray[np.floating] | None) -> Spread:
    """Variances between the replicates of one configuration.

    Args:
        values: shape (seeds, ...).
        resampled: the same on each draw of the images, shape (draws, seeds, ...), or None.
    """
    zero = np.zeros(values.shape[1:])
    if len(values) < 2:
        return Spread(zero, zero, 0)
    own = zero
    if resampled is not None:
        luck = resampled - resampled.mean(axis=0)
        own = luck.var(axis=1, ddof=1).mean(axis=0)
    return Spread(values.var(axis=0, ddof=1), own, len(values) - 1)


def _score_rows(confusion: NDArray[np.number], area: FloatArray) -> FloatArray:
    """`SCORES` and `PRECISIONS` of matrices (..., 8, 8), shape (14, ...)."""
    scores = metrics.score_arrays(confusion) | {"auc": area}
    precision = np.moveaxis(metrics.class_scores(confusion).precision, -1, 0)
    return np.concatenate([np.stack([scores[name] for name in SCORES]), precision])


class _Area(NamedTuple):
    """AUC of a trial, and what one more copy of each image adds to it, to first order."""

    value: float
    influence: FloatArray


def _area(labels: IntArray, probabilities: NDArray[np.float32]) -> _Area:
    """AUC by the structural components of DeLong, DeLong & Clarke-Pearson (Biometrics, 1988).

    To rank the images anew in each draw would take hours for a difference in the fourth decimal.
    """
    value, influence = 0.0, np.zeros(labels.size)
    for c in range(NUM_CLASSES):
        own, score = labels == c, probabilities[:, c]
        if not 0 < own.sum() < labels.size:
            return _Area(float("nan"), np.full(labels.size, np.nan))
        overtaken = stats.rankdata(score)
        for group in (own, ~own):
            overtaken[group] -= stats.rankdata(score[group])
        # Share of the other group that an image is rightly ranked against.
        right = np.where(own, overtaken / (~own).sum(), 1 - overtaken / own.sum())
        area = right[own].mean()
        value += area / NUM_CLASSES
        influence += (right - area) / np.where(own, own.sum(), (~own).sum()) / NUM_CLASSES
    return _Area(float(value), influence)


def positions(trials: pd.DataFrame, names: Sequence[str]) -> IntArray:
    """Where the trial of each configuration and seed is.

    Args:
        trials: with the columns `name` and `seed`.
        names: of configurations.

    Returns:
        Position in `trials`, -1 where there is none, shape (names, seeds): a column a seed.
    """
    seeds = {seed: column for column, seed in enumerate(trials["seed"].unique())}
    place = {name: row for row, name in enumerate(names)}
    rows = np.full((len(names), len(seeds)), -1, np.int64)
    for t, (name, seed) in enumerate(zip(trials["name"], trials["seed"], strict=True)):
        if name in place:
            rows[place[name], seeds[seed]] = t
    return rows
