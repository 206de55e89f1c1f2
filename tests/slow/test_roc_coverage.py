"""Test how often the bands of ROC and precision-recall curves hold the true curves.

The scores of the class and the rest are normal, so the true curves are known. Trials share a part
of the score of each image. The mean of the class differs between seeds.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from reports.analysis.roc_curves import (
    FALSE_POSITIVE_RATES,
    RECALLS,
    Curve,
    compute_roc_curves,
)
from reports.ledger.test_predictions import TestPredictions

IMAGES = 3421
STUDIES = 100
COMMON_SHARE = 0.6
"""Share of the variance of a score that all trials have in common."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def truth(shift: float, spread: float, share: float) -> dict[Curve, NDArray[np.float64]]:
    """Return the curves, averaged over seeds, for a class with a share of the images."""
    nodes, weights = hermegauss(40)
    shifts = (shift + spread * nodes)[:, None]
    false_rates = ndtr(ndtri(RECALLS) - shifts)
    precision = share * RECALLS / (share * RECALLS + (1 - share) * false_rates)
    return {
        Curve.ROC: np.average(ndtr(shifts + ndtri(FALSE_POSITIVE_RATES)), axis=0, weights=weights),
        Curve.PRECISION_RECALL: np.average(precision, axis=0, weights=weights),
    }


def study(
    random: np.random.Generator, shifts: NDArray[np.float64], share: float
) -> TestPredictions:
    """Return the predictions of one configuration, with a shift of the class for each seed."""
    labels = (random.random(IMAGES) < share).astype(np.int64)
    common = np.sqrt(COMMON_SHARE) * random.normal(size=IMAGES)
    own = np.sqrt(1 - COMMON_SHARE) * random.normal(size=(shifts.size, IMAGES))
    # The logistic function keeps more digits near 1 than the normal distribution does.
    scores = 1 / (1 + np.exp(-(common + own + shifts[:, None] * labels - 3)))
    replicates = [f"s{seed}" for seed in range(shifts.size)]
    trials = pd.DataFrame({"replicate": replicates}).assign(family="cnn", configuration="c")
    probabilities = np.stack([1 - scores, scores], axis=2).astype(np.float32)
    return TestPredictions(trials=trials, labels=labels, probabilities=probabilities)


@pytest.mark.parametrize("share", [0.012, 0.07])
@pytest.mark.parametrize("shift", [2.0, 3.5, 5.0])
@pytest.mark.parametrize(("seeds", "spread"), [(1, 0.0), (3, 0.0), (3, 0.2), (5, 0.2)])
def test_roc_bands_hold_the_truth(shift: float, share: float, seeds: int, spread: float) -> None:
    random = np.random.default_rng(seeds)
    expected = truth(shift, spread, share)
    hits: dict[Curve, list[NDArray[np.float64]]] = {curve: [] for curve in Curve}
    for _ in range(STUDIES):
        shifts = shift + spread * random.normal(size=seeds)
        frame = compute_roc_curves(study(random, shifts, share))
        for curve, values in expected.items():
            rows = frame[(frame["curve"] == curve) & (frame["class"] == 1)]
            is_held = (rows["low"] <= values) & (values <= rows["high"])
            hits[curve].append(np.where(rows["low"].isna(), np.nan, is_held))
    coverage = {curve: float(np.nanmean(held)) for curve, held in hits.items()}
    print(f"\nshift {shift}, share {share}, {seeds} seeds, spread {spread}: {coverage}")
    assert min(coverage.values()) > 0.88
