"""How far the probabilities can be trusted: reliability of the most probable class.

Bins and expected calibration error (ECE) as in Guo, Pleiss, Sun & Weinberger, On Calibration of
Modern Neural Networks, 2017 (arXiv:1706.04599).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis import bootstrap, intervals
from reports.ledger.loading import Tested

BINS = 15
"""Of equal width, as in Guo et al.; the first has no probability: eight classes share 1."""

OVER, UNDER, EITHER = "overconfident", "underconfident", "cannot tell"


class Calibration(NamedTuple):
    """Reliability of several configurations.

    Attributes:
        bins: one row a configuration and bin that holds an image of any seed: `name`, `family`,
            `bin` (0 to 14), `low` and `high` (its edges; it holds its upper one), `images` (a
            trial, mean over seeds), `share` (of all images), `confidence` and `accuracy` (means
            over the images of all seeds), `accuracy_low` and `accuracy_high` (Wilson's 95 %
            interval for the images of one trial: the seeds see the same images, so their answers
            are no independent ones).
        errors: one row a configuration: `name`, `family`, `seeds`, `ece` and `ece_sd` (mean and
            standard deviation over seeds), `luck` (the ECE that a perfectly calibrated
            classifier with these probabilities is expected to show), `confidence` and `accuracy`
            (means), `gap` (confidence - accuracy) with its 95 % interval `gap_low` and
            `gap_high`, and `tendency` (`OVER`, `UNDER` or, where the interval holds 0, `EITHER`).
    """

    bins: pd.DataFrame
    errors: pd.DataFrame


def calibration(tested: Tested) -> Calibration:
    """Compare the probability of each trial's most probable class with how often it is right.

    Args:
        tested: trials on the same images, at least one.
    """
    confidence = tested.probabilities.max(axis=2).astype(np.float64)
    right = (tested.predicted == tested.labels).astype(np.float64)
    # Guo et al.: a bin holds its upper edge.
    places = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(np.int64)
    drawn = _resampled(confidence - right)
    bins, errors = [], []
    for name, rows in tested.trials.reset_index().groupby("name", sort=False):
        own = rows.index.to_numpy()
        keys = {"name": name, "family": rows["family"].iloc[0]}
        bins.append(_bins(places[own], confidence[own], right[own]).assign(**keys))
        errors.append(keys | _errors(places[own], confidence[own], right[own], drawn[:, own]))
    return Calibration(pd.concat(bins, ignore_index=True), pd.DataFrame(errors))


def _bins(places: IntArray, confidence: FloatArray, right: FloatArray) -> pd.DataFrame:
    """Of one configuration; each argument has shape (seeds, n)."""
    seeds = len(places)
    flat = {"bin": places.ravel(), "confidence": confidence.ravel(), "accuracy": right.ravel()}
    groups = pd.DataFrame(flat).groupby("bin")
    frame = groups.mean().assign(images=groups.size() / seeds).reset_index()
    low, high = proportion_confint(
        frame["accuracy"] * frame["images"], frame["images"], method="wilson"
    )
    return frame.assign(
        low=frame["bin"] / BINS,
        high=(frame["bin"] + 1) / BINS,
        share=frame["images"] * seeds / places.size,
        accuracy_low=low,
        accuracy_high=high,
    )


def _errors(
    places: IntArray, confidence: FloatArray, right: FloatArray, drawn: FloatArray
) -> dict[str, float | str]:
    """Of one configuration: arguments as in `_bins`, and gaps on each draw, (draws, seeds)."""
    each = [_ece(*trial) for trial in zip(places, confidence, right, strict=True)]
    luck = [_luck(*trial) for trial in zip(places, confidence, strict=True)]
    gap = intervals.estimate((confidence - right).mean(axis=1), drawn)
    return {
        "seeds": len(each),
        "ece": float(np.mean(each)),
        "ece_sd": float(np.std(each, ddof=1)) if len(each) > 1 else float("nan"),
        "luck": float(np.mean(luck)),
        "confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
        "gap": gap.mean,
        "gap_low": gap.low,
        "gap_high": gap.high,
        "tendency": OVER if gap.low > 0 else UNDER if gap.high < 0 else EITHER,
    }


def _ece(places: IntArray, confidence: FloatArray, right: FloatArray) -> float:
    """Of one trial: the sum over bins of share x |accuracy - confidence|."""
    return float(np.abs(np.bincount(places, right - confidence)).sum() / places.size)


def _luck(places: IntArray, confidence: FloatArray) -> float:
    """The ECE that chance alone gives, if each image is right with the probability it was given.

    A bin's sum of (right - confidence) is then about normal with variance sum p (1 - p), and the
    mean of |normal| is sqrt(2 / pi) standard deviations: .3 points for 3,421 images at 95 %.
    """
    variance = np.bincount(places, confidence * (1 - confidence))
    return float(np.sqrt(2 / np.pi * np.maximum(variance, 0)).sum() / places.size)


def _resampled(values: FloatArray) -> FloatArray:
    """Means of values (trials, n) on each draw of the images, shape (draws, trials)."""
    n = values.shape[1]
    return np.concatenate([chunk @ values.T / n for chunk in bootstrap.draws(n)])
