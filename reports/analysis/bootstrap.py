"""Scores of trials on their test images, and on draws of those images.

The images are drawn again with replacement (the bootstrap: for a confusion matrix, a multinomial
draw of its cells), the same draws for every trial, so that differences between trials are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from bloodnets.metrics import FloatArray, IntArray
from reports.ledger.loading import TestPredictions

SCORES = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")
CLASS_PRECISIONS = tuple(f"precision_{c}" for c in range(NUM_CLASSES))
N_RESAMPLES = 2000
"""Draws of the test images: the standard error is known to 1.6 %, sqrt(1 / (2 · 2000))."""

CHUNK_BYTES = 2**26
"""Bytes of the draws that are made at once."""


class VarianceComponents(NamedTuple):
    """Variances of a value between replicates, of one or of many values at once.

    Attributes:
        total: as measured: the seeds' luck, and the trials' own luck with the images.
        sampling: of that, the luck with the images.
        dof: degrees of freedom; 0 without replicates, when both are 0.
    """

    total: FloatArray
    sampling: FloatArray
    dof: int

    @property
    def between_seeds(self) -> FloatArray:
        """The variance by the seed; 0 without replicates, when nothing is known of it."""
        return np.maximum(0, self.total - self.sampling)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapScores:
    """Scores of trials on the same test images, and on draws of those images.

    Attributes:
        trials: as in `TestPredictions`.
        values: by score (`SCORES` and `CLASS_PRECISIONS`), float64, shape (trials,).
        resampled: the same on each draw of the images, float64, shape (N_RESAMPLES, trials).
        representatives: from `find_equivalence_classes`.
        variances: by score, what seeds change, pooled over the configurations.
    """

    trials: pd.DataFrame
    values: Mapping[str, FloatArray]
    resampled: Mapping[str, FloatArray]
    representatives: Mapping[str, str]
    variances: Mapping[str, VarianceComponents]


def bootstrap_counts(n_images: int) -> Iterator[NDArray[np.float32]]:
    """How often each image is drawn in each of `N_RESAMPLES` draws of as many images as there are.

    The draws are the same in every call, so trials that are sampled apart stay paired, and equal
    predictions give equal reports.

    Args:
        n_images: n, at least 1.

    Yields:
        Chunks of shape (b, n), whole numbers, each row of sum n; together N_RESAMPLES rows. They
        are not to be written to.
    """
    is_small = 4 * n_images * N_RESAMPLES <= CHUNK_BYTES
    yield from _keep_draws(n_images) if is_small else _draw_counts(n_images)


@lru_cache(maxsize=1)
def _keep_draws(n_images: int) -> tuple[NDArray[np.float32], ...]:
    """Draw once for the dozen analyses of a report: 27 MB for the images of BloodMNIST."""
    return tuple(_draw_counts(n_images))


def _draw_counts(n_images: int) -> Iterator[NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    chunk_size = max(1, CHUNK_BYTES // (4 * n_images))
    for start in range(0, N_RESAMPLES, chunk_size):
        chunk = np.empty((min(chunk_size, N_RESAMPLES - start), n_images), np.float32)
        for row in chunk:
            row[:] = np.bincount(generator.integers(n_images, size=n_images), minlength=n_images)
        chunk.setflags(write=False)
        yield chunk


def bootstrap_confusion(
    labels: IntArray, predicted: IntArray, chunk: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Confusion of a trial on each draw of the images.

    Args:
        labels: true classes, shape (n,).
        predicted: shape (n,).
        chunk: from `bootstrap_counts`, shape (b, n).

    Returns:
        `[draw, true, predicted]`, shape (b, 8, 8), whole numbers: exact whatever the machine.
    """
    one_hot_cells = np.zeros((labels.size, NUM_CLASSES**2), np.float32)
    one_hot_cells[np.arange(labels.size), labels * NUM_CLASSES + predicted] = 1
    return (chunk @ one_hot_cells).reshape(-1, NUM_CLASSES, NUM_CLASSES)


def bootstrap_scores(predictions: TestPredictions) -> BootstrapScores:
    """Score every trial on its test images and on `N_RESAMPLES` draws of them."""
    labels, predicted, n_trials = (
        predictions.labels,
        predictions.predicted_classes,
        len(predictions.trials),
    )
    shape = (len(SCORES) + len(CLASS_PRECISIONS), n_trials)
    values, resampled = np.empty(shape), np.empty((shape[0], N_RESAMPLES, n_trials))
    aucs = [_compute_auc(labels, trial) for trial in predictions.probabilities]
    for t in range(n_trials):
        confusion = metrics.compute_confusion_matrix(labels, predicted[t])
        values[:, t] = _compute_score_rows(confusion, np.asarray(aucs[t].value))
    start = 0
    for chunk in bootstrap_counts(labels.size) if n_trials else ():
        stop = start + len(chunk)
        exact_counts = chunk.astype(np.float64)  # as NumPy would make it anew for each trial
        for t, auc in enumerate(aucs):
            cells = bootstrap_confusion(labels, predicted[t], chunk)
            resampled[:, start:stop, t] = _compute_score_rows(
                cells, auc.value + exact_counts @ auc.influence
            )
        start = stop
    keys, representatives = (*SCORES, *CLASS_PRECISIONS), find_equivalence_classes(predictions)
    variances = (
        pool_variances(*both, predictions.trials, representatives)
        for both in zip(values, resampled, strict=True)
    )
    return BootstrapScores(
        trials=predictions.trials,
        values=dict(zip(keys, values, strict=True)),
        resampled=dict(zip(keys, resampled, strict=True)),
        representatives=representatives,
        variances=dict(zip(keys, variances, strict=True)),
    )


def find_equivalence_classes(predictions: TestPredictions) -> dict[str, str]:
    """Of each configuration, the first that predicts the same with every seed that both have."""
    predicted_bytes = [trial.tobytes() for trial in predictions.predicted_classes]
    by_seed: dict[str, dict[int, bytes]] = {name: {} for name in predictions.configurations}
    for name, seed, current in zip(
        predictions.trials["configuration"],
        predictions.trials["seed"],
        predicted_bytes,
        strict=True,
    ):
        by_seed[name][seed] = current
    representatives: dict[str, str] = {}
    for name, current in by_seed.items():
        for candidate in dict.fromkeys(representatives.values()):
            common_seeds = current.keys() & by_seed[candidate].keys()
            if common_seeds and all(
                current[seed] == by_seed[candidate][seed] for seed in common_seeds
            ):
                representatives[name] = candidate
                break
        else:
            representatives[name] = name
    return representatives


def pool_variances(
    values: FloatArray,
    resampled: NDArray[np.floating],
    trials: pd.DataFrame,
    representatives: Mapping[str, str],
) -> VarianceComponents:
    """Variances between replicates, pooled over the configurations, equal ones counted once.

    Three seeds hardly tell a variance; those of several configurations do.

    Args:
        values: of each trial, shape (trials, ...).
        resampled: the same on each draw of the images, shape (draws, trials, ...).
        trials: with the columns `configuration` and `seed`.
        representatives: from `find_equivalence_classes`.
    """
    zero = np.zeros(values.shape[1:])
    total, sampling, dof = zero, zero, 0
    for rows in find_trial_rows(trials, list(dict.fromkeys(representatives.values()))):
        variances = estimate_variances(values[rows[rows >= 0]], resampled[:, rows[rows >= 0]])
        total = total + variances.dof * variances.total
        sampling = sampling + variances.dof * variances.sampling
        dof += variances.dof
    return VarianceComponents(total / max(1, dof), sampling / max(1, dof), dof)


def estimate_variances(
    values: FloatArray, resampled: NDArray[np.floating] | None
) -> VarianceComponents:
    """Variances between the replicates of one configuration.

    Args:
        values: shape (seeds, ...).
        resampled: the same on each draw of the images, shape (draws, seeds, ...), or None.
    """
    zero = np.zeros(values.shape[1:])
    if len(values) < 2:
        return VarianceComponents(zero, zero, 0)
    sampling = zero
    if resampled is not None:
        deviations = resampled - resampled.mean(axis=0)
        sampling = deviations.var(axis=1, ddof=1).mean(axis=0)
    return VarianceComponents(values.var(axis=0, ddof=1), sampling, len(values) - 1)


def _compute_score_rows(confusion: NDArray[np.number], auc: FloatArray) -> FloatArray:
    """`SCORES` and `CLASS_PRECISIONS` of matrices (..., 8, 8), shape (14, ...)."""
    scores = metrics.compute_score_arrays(confusion) | {"auc": auc}
    precision = np.moveaxis(metrics.compute_class_scores(confusion).precision, -1, 0)
    return np.concatenate([np.stack([scores[name] for name in SCORES]), precision])


class _AucInfluence(NamedTuple):
    """AUC of a trial, and what one more copy of each image adds to it, to first order."""

    value: float
    influence: FloatArray


def _compute_auc(labels: IntArray, probabilities: NDArray[np.float32]) -> _AucInfluence:
    """AUC by the structural components of DeLong, DeLong & Clarke-Pearson (Biometrics, 1988).

    To rank the images anew in each draw would take hours for a difference in the fourth decimal.
    pandas ranks as `scipy.stats.rankdata` does; `scipy.stats` takes half a second to import.
    """
    value, influence = 0.0, np.zeros(labels.size)
    for c in range(NUM_CLASSES):
        is_class, score = labels == c, probabilities[:, c]
        if not 0 < is_class.sum() < labels.size:
            return _AucInfluence(float("nan"), np.full(labels.size, np.nan))
        n_outranked = _rank(score)
        for group in (is_class, ~is_class):
            n_outranked[group] -= _rank(score[group])
        # Share of the other group that an image is rightly ranked against.
        win_shares = np.where(
            is_class, n_outranked / (~is_class).sum(), 1 - n_outranked / is_class.sum()
        )
        class_auc = win_shares[is_class].mean()
        value += class_auc / NUM_CLASSES
        influence += (
            (win_shares - class_auc)
            / np.where(is_class, is_class.sum(), (~is_class).sum())
            / NUM_CLASSES
        )
    return _AucInfluence(float(value), influence)


def _rank(values: NDArray[np.float32]) -> FloatArray:
    return np.array(pd.Series(values).rank(), dtype=np.float64)


def find_trial_rows(trials: pd.DataFrame, names: Sequence[str]) -> IntArray:
    """Where the trial of each configuration and seed is.

    Args:
        trials: with the columns `configuration` and `seed`.
        names: of configurations.

    Returns:
        Position in `trials`, -1 where there is none, shape (names, seeds): a column a seed.
    """
    column_by_seed = {seed: column for column, seed in enumerate(trials["seed"].unique())}
    row_by_name = {name: row for row, name in enumerate(names)}
    rows = np.full((len(names), len(column_by_seed)), -1, np.int64)
    for t, (name, seed) in enumerate(zip(trials["configuration"], trials["seed"], strict=True)):
        if name in row_by_name:
            rows[row_by_name[name], column_by_seed[seed]] = t
    return rows
