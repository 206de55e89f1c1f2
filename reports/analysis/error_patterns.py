"""Errors on test by cell of the confusion matrix: who takes part, and how alike are two patterns.

An error is an image and a trial that took it for another class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from bloodnets.constants import NUM_CLASSES
from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.bootstrap import RESAMPLES, draws, positions
from reports.analysis.intervals import Estimate, estimate
from reports.ledger.loading import Tested

Floats = NDArray[np.floating[Any]]

CENTRAL = 3
"""The class that the paper calls central to confusion."""

_OFF = np.flatnonzero(~np.eye(NUM_CLASSES, dtype=bool))
_NEVER_ONE = 1 - 1e-9  # Fisher's z of 1 is infinite


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """Errors of each trial on test, by cell of the confusion matrix; the diagonal is 0.

    Attributes:
        trials: as in `Tested`.
        counts: shape (trials, 8, 8).
        resampled: on each draw of the images, float32, shape (trials, RESAMPLES, 8, 8).
    """

    trials: pd.DataFrame
    counts: FloatArray
    resampled: NDArray[np.float32]

    def summed(self, *groups: Sequence[str]) -> list[tuple[FloatArray, NDArray[np.float32]]]:
        """Sums over the configurations of each group, by the seeds that all groups have.

        Returns:
            For each group, shapes (seeds, 8, 8) and (RESAMPLES, seeds, 8, 8).
        """
        rows = positions(self.trials, [name for group in groups for name in group])
        rows = rows[:, (rows >= 0).all(axis=0)]
        sums, start = [], 0
        for group in groups:
            shape = (rows.shape[1], NUM_CLASSES, NUM_CLASSES)
            counts: FloatArray = np.zeros(shape)
            resampled: NDArray[np.float32] = np.zeros((RESAMPLES, *shape), np.float32)
            for own in rows[start : start + len(group)]:
                counts += self.counts[own]
                resampled += np.moveaxis(self.resampled[own], 0, 1)
            sums.append((counts, resampled))
            start += len(group)
        return sums


def mistakes(tested: Tested) -> Mistakes:
    """Count the errors of every trial, on the test images and on draws of them."""
    labels, predicted = tested.labels, tested.predicted
    resampled = np.empty((len(predicted), RESAMPLES, NUM_CLASSES, NUM_CLASSES), np.float32)
    # A picture of each trial with a row a cell: few images are wrong, so it is nearly empty.
    pictures = [_cells_by_image(labels, own) for own in predicted]
    start = 0
    for chunk in draws(labels.size) if len(predicted) else ():
        stop, by_image = start + len(chunk), np.ascontiguousarray(chunk.T)
        for own, picture in zip(resampled, pictures, strict=True):
            own[start:stop] = (picture @ by_image).T.reshape(-1, NUM_CLASSES, NUM_CLASSES)
        start = stop
    counts = [picture.sum(axis=1).reshape(NUM_CLASSES, NUM_CLASSES) for picture in pictures]
    return Mistakes(
        trials=tested.trials, counts=np.array(counts, dtype=np.float64), resampled=resampled
    )


def _cells_by_image(labels: IntArray, predicted: IntArray) -> sparse.csr_array:
    """1 where an image is wrong, in the row of its cell, shape (64, n)."""
    wrong = np.flatnonzero(predicted != labels)
    places = (labels[wrong] * NUM_CLASSES + predicted[wrong], wrong)
    ones = np.ones(wrong.size, np.float32)
    return sparse.csr_array((ones, places), shape=(NUM_CLASSES**2, labels.size))


def shares(cells: Floats) -> FloatArray:
    """Share of the errors in which each class takes part, as the true or as the predicted one.

    Args:
        cells: errors by true and predicted class, shape (..., 8, 8).

    Returns:
        Shape (..., 8), of sum 2; 0 where there are no errors.
    """
    return _ratio(cells.sum(axis=-1) + cells.sum(axis=-2), cells.sum(axis=(-1, -2))[..., None])


def taken_for(cells: Floats, true: int) -> FloatArray:
    """Share of the errors on a class that go to each other class, shape (..., 8)."""
    return _ratio(cells[..., true, :], cells[..., true, :].sum(axis=-1)[..., None])


def _ratio(part: Floats, whole: Floats) -> FloatArray:
    found: FloatArray = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Of class 3 over the class that comes next to it."""

    share: float
    rival: int
    rival_share: float
    margin: Estimate


def lead(values: FloatArray, resampled: FloatArray) -> Lead:
    """From shares by seed (seeds, 8) and by draw and seed (draws, seeds, 8)."""
    mean = values.mean(axis=0)
    rival = int(np.argmax(np.where(np.arange(NUM_CLASSES) == CENTRAL, -1, mean)))
    margin = estimate(*(each[..., CENTRAL] - each[..., rival] for each in (values, resampled)))
    return Lead(share=mean[CENTRAL], rival=rival, rival_share=mean[rival], margin=margin)


def likeness(found: Mistakes, one: Sequence[str], other: Sequence[str]) -> Estimate | None:
    """Correlation of the 56 cells off the diagonal, summed over configurations and seeds.

    Args:
        found: from `mistakes`.
        one: configurations whose errors are summed.
        other: those that they are compared with.

    Returns:
        r with its interval, made on Fisher's z = atanh r (`sd` and `p` are of z); None without a
        common seed, or where all 56 cells of a side are equal.
    """
    (x, x_drawn), (y, y_drawn) = found.summed(one, other)
    flat = (each.reshape(*each.shape[:-2], NUM_CLASSES**2) for each in (x, y, x_drawn, y_drawn))
    sides = [each[..., _OFF] for each in flat]
    if not x.size or not all(np.ptp(side.sum(axis=0)) > 0 for side in sides[:2]):
        return None
    z = estimate(_by_seed(*sides[:2]), _by_seed(*sides[2:]))
    return z._replace(mean=np.tanh(z.mean), low=np.tanh(z.low), high=np.tanh(z.high))


def _by_seed(x: Floats, y: Floats) -> FloatArray:
    """Fisher's z of the sums over seeds, split in one value a seed with that mean.

    The values spread as the jackknife's pseudo-values do (Tukey 1958), so the variance of their
    mean is that of the z of the sums. The z of single seeds would be another, smaller number:
    the fewer the errors, the more chance there is in each cell.

    Args:
        x: shape (..., seeds, 56).
        y: the same.

    Returns:
        Shape (..., seeds).
    """
    own, other = (np.maximum(_products(side, side), 0) for side in (x, y))
    scale = np.sqrt(own * other)
    # Of counts that vary it is at least .98; anything below is rounding.
    r = np.divide(_products(x, y), scale, out=np.zeros(scale.shape), where=scale > 0.5)
    z = np.arctanh(np.clip(r, -_NEVER_ONE, _NEVER_ONE))
    whole, without, seeds = z[..., :1], z[..., 1:], x.shape[-2]
    if seeds == 1:
        return np.asarray(whole)
    return np.asarray(whole + (seeds - 1) * (without.mean(axis=-1, keepdims=True) - without))


def _products(x: Floats, y: Floats) -> Floats:
    """Covariances over the cells, but for their number: of the sums, then without each seed."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    x_sum, y_sum = x.sum(axis=-2, keepdims=True), y.sum(axis=-2, keepdims=True)
    whole = (x_sum * y_sum).sum(axis=-1)
    # (X - x)(Y - y) multiplied out: no array of the seeds' size is made.
    own = np.einsum("...k,...k->...", x, y - y_sum) - np.einsum("...k,...k->...", x_sum, y)
    return np.concatenate([whole, whole + own], axis=-1)
