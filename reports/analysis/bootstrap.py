"""Score trials on the test images and on bootstrap resamples of them.

A resample draws as many test images with replacement (for a confusion matrix, this is a multinomial
draw of its cells). All trials share the same resamples, so differences between trials are paired.
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
"""Number of resamples of the test images. It gives a standard error with a relative error of 1.6%,
sqrt(1 / (2 · 2000))."""

CHUNK_BYTES = 2**26
"""Size of the resamples that are made at once, in bytes."""


class VarianceComponents(NamedTuple):
    """Variances between replicates, for one value or many values at once.

    Attributes:
        total: Observed variance between replicates: seed variance plus the trials' own sampling
            variance of the test images.
        sampling: Sampling variance of the test images that is part of `total`.
        dof: Degrees of freedom; 0 without replicates, when both variances are 0.
    """

    total: FloatArray
    sampling: FloatArray
    dof: int

    @property
    def between_seeds(self) -> FloatArray:
        """Seed variance, `total` minus `sampling` and at least 0; 0 without replicates."""
        return np.maximum(0, self.total - self.sampling)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapScores:
    """Scores of trials on the same test images, and on bootstrap resamples of those images.

    Attributes:
        trials: Frame of the trials, as in `TestPredictions`.
        values: Values of each score (`SCORES` and `CLASS_PRECISIONS`), by its name, float64, shape
            (trials,), 0 to 1.
        resampled: Values on each resample, by score, float64, shape (N_RESAMPLES, trials).
        confusions: Confusion matrices `[trial, true, predicted]`, int64, shape (trials, 8, 8).
        maxima: Largest possible value of each score in `SCORES`: 1, or less if a class is absent
            from the test images.
        representatives: Representative of each configuration, from `find_equivalence_classes`.
        variances: Variances between replicates, by score, pooled over the configurations.
    """

    trials: pd.DataFrame
    values: Mapping[str, FloatArray]
    resampled: Mapping[str, FloatArray]
    confusions: IntArray
    maxima: Mapping[str, float]
    representatives: Mapping[str, str]
    variances: Mapping[str, VarianceComponents]


def bootstrap_counts(n_images: int) -> Iterator[NDArray[np.float32]]:
    """Yield how often each image occurs in each of `N_RESAMPLES` resamples.

    The resamples are the same in every call. So trials that are resampled in separate calls stay
    paired, and equal predictions give equal reports.

    Args:
        n_images: Number of images n, at least 1.

    Yields:
        Read-only chunks of counts, float32 with whole numbers, shape (b, n). Each row sums to n,
        and all chunks together have N_RESAMPLES rows.
    """
    is_small = 4 * n_images * N_RESAMPLES <= CHUNK_BYTES
    yield from _keep_draws(n_images) if is_small else _draw_counts(n_images)


@lru_cache(maxsize=1)
def _keep_draws(n_images: int) -> tuple[NDArray[np.float32], ...]:
    """Return cached resamples, which all analyses of a report share: 27 MB for BloodMNIST."""
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
    """Return the confusion matrix of a trial on each resample.

    Args:
        labels: True classes, int64, shape (n,), 0 to 7.
        predicted: Predicted classes, int64, shape (n,), 0 to 7.
        chunk: Chunk from `bootstrap_counts`, shape (b, n).

    Returns:
        Numbers of images, `[resample, true, predicted]`, float32, shape (b, 8, 8). They are whole
        numbers, so they are exact on every host.
    """
    one_hot_cells = np.zeros((labels.size, NUM_CLASSES**2), np.float32)
    one_hot_cells[np.arange(labels.size), labels * NUM_CLASSES + predicted] = 1
    return (chunk @ one_hot_cells).reshape(-1, NUM_CLASSES, NUM_CLASSES)


def bootstrap_scores(predictions: TestPredictions) -> BootstrapScores:
    """Score every trial on the test images and on `N_RESAMPLES` resamples of them."""
    labels, predicted, n_trials = (
        predictions.labels,
        predictions.predicted_classes,
        len(predictions.trials),
    )
    shape = (len(SCORES) + len(CLASS_PRECISIONS), n_trials)
    values, resampled = np.empty(shape), np.empty((shape[0], N_RESAMPLES, n_trials))
    aucs = [_compute_auc(labels, trial) for trial in predictions.probabilities]
    confusions = np.empty((n_trials, NUM_CLASSES, NUM_CLASSES), np.int64)
    for t in range(n_trials):
        confusions[t] = metrics.compute_confusion_matrix(labels, predicted[t])
        values[:, t] = _compute_score_rows(confusions[t], np.asarray(aucs[t].value))
    start = 0
    for chunk in bootstrap_counts(labels.size) if n_trials else ():
        stop = start + len(chunk)
        exact_counts = chunk.astype(np.float64)  # converted once instead of once per trial
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
        confusions=confusions,
        maxima=_find_maxima(labels),
        representatives=representatives,
        variances=dict(zip(keys, variances, strict=True)),
    )


def _find_maxima(labels: IntArray) -> dict[str, float]:
    """Return the largest possible value of each score: an absent class counts 0 in a mean."""
    share = np.unique(labels).size / NUM_CLASSES
    return {score: share if score.startswith("macro_") else 1.0 for score in SCORES}


def find_equivalence_classes(predictions: TestPredictions) -> dict[str, str]:
    """Return, for each configuration, the first one with the same predictions.

    Two configurations are equivalent if they have a common seed and, with every common seed,
    predict the same class for every image.

    Args:
        predictions: Trials on the same images.

    Returns:
        Name of the representative by name of the configuration; its own if it is the first.
    """
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
    """Return the variances between replicates, pooled over the configurations.

    A variance from three seeds is imprecise, so it is estimated from all configurations. Equivalent
    configurations count once.

    Args:
        values: Values of each trial, shape (trials, ...).
        resampled: Values on each resample, shape (resamples, trials, ...).
        trials: Frame with the columns `configuration` and `seed`.
        representatives: Representatives from `find_equivalence_classes`.
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
    """Return the variances between the replicates of one configuration.

    Args:
        values: Values of each replicate, shape (seeds, ...).
        resampled: Values on each resample, shape (resamples, seeds, ...); None if the values do not
            depend on the test images.
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
    """Return `SCORES` and `CLASS_PRECISIONS` of matrices (..., 8, 8), shape (14, ...)."""
    scores = metrics.compute_score_arrays(confusion) | {"auc": auc}
    precision = np.moveaxis(metrics.compute_class_scores(confusion).precision, -1, 0)
    return np.concatenate([np.stack([scores[name] for name in SCORES]), precision])


class _AucInfluence(NamedTuple):
    """AUC of a trial, and its first-order change for one more copy of each image."""

    value: float
    influence: FloatArray


def _compute_auc(labels: IntArray, probabilities: NDArray[np.float32]) -> _AucInfluence:
    """Return the AUC by the structural components of DeLong et al. (Biometrics, 1988).

    Ranking the images in every resample would take hours and change only the fourth decimal. pandas
    ranks like `scipy.stats.rankdata`, and importing `scipy.stats` takes half a second.
    """
    value, influence = 0.0, np.zeros(labels.size)
    for c in range(NUM_CLASSES):
        is_class, score = labels == c, probabilities[:, c]
        if not 0 < is_class.sum() < labels.size:
            return _AucInfluence(float("nan"), np.full(labels.size, np.nan))
        n_outranked = _rank(score)
        for group in (is_class, ~is_class):
            n_outranked[group] -= _rank(score[group])
        # Share of the other group against which an image is ranked correctly.
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
    """Return the row of the trial of each configuration and seed.

    Args:
        trials: Frame with the columns `configuration` and `seed`.
        names: Names of configurations.

    Returns:
        Positions in `trials`, int64, shape (names, seeds), -1 for a missing trial. There is one
        column per seed of `trials`.
    """
    column_by_seed = {seed: column for column, seed in enumerate(trials["seed"].unique())}
    row_by_name = {name: row for row, name in enumerate(names)}
    rows = np.full((len(names), len(column_by_seed)), -1, np.int64)
    for t, (name, seed) in enumerate(zip(trials["configuration"], trials["seed"], strict=True)):
        if name in row_by_name:
            rows[row_by_name[name], column_by_seed[seed]] = t
    return rows
