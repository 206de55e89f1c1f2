"""Test how often equal and different patterns of confusion are told apart, on simulated studies.

Two configurations err with the same probability. Their errors depend on the images, partly in the
same way, and each seed changes the probability of each cell.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from bloodnets.metrics import FloatArray
from reports.analysis.error_patterns import count_confusion_errors
from reports.analysis.intervals import ALPHA, Estimate
from reports.analysis.pattern_correlation import MIN_SAME_CORRELATION, correlate_patterns
from reports.ledger import published
from reports.ledger.test_predictions import TestPredictions

CLASS_SHARES = np.array([244, 624, 311, 579, 243, 284, 666, 470]) / 3421  # in test
ERROR_RATE = 0.08
N_IMAGES, N_SEEDS = 3421, 3
SEED_SD = 0.3  # standard deviation of the logarithm of a cell's probability
COMMON, OWN = 0.3, 0.3  # parts of the variance over images: both configurations, and each
N_STUDIES = 40

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def make_even_pattern() -> FloatArray:
    """Return probabilities of the cells that differ little, so noise hides the pattern."""
    noise = np.random.default_rng(3).normal(scale=0.6, size=(8, 8))
    return normalize(CLASS_SHARES[:, None] * np.exp(noise))


def make_published_pattern() -> FloatArray:
    """Return the mean pattern of the published matrices of the CNN."""
    rows = [row for row in published.load_published().rows if row.configuration.startswith("cnn")]
    return normalize(np.sum([row.confusion for row in rows], axis=0).astype(np.float64))


def normalize(cells: FloatArray) -> FloatArray:
    cells = np.where(np.eye(8, dtype=bool), 0, cells)
    return np.asarray(cells / cells.sum())


def mix_cells(pattern: FloatArray, share: float) -> FloatArray:
    """Return a pattern that exchanges a share of the errors between the cells at random."""
    is_error = ~np.eye(8, dtype=bool)
    mixed = pattern.copy()
    shuffled = np.random.default_rng(1).permutation(pattern[is_error])
    mixed[is_error] = (1 - share) * pattern[is_error] + share * shuffled
    return mixed


def correlate_cells(a: FloatArray, b: FloatArray) -> float:
    is_error = ~np.eye(8, dtype=bool)
    return float(np.corrcoef(a[is_error], b[is_error])[0, 1])


def simulate(random: np.random.Generator, *patterns: FloatArray) -> TestPredictions:
    labels = random.choice(8, size=N_IMAGES, p=CLASS_SHARES)
    common = random.normal(size=(2, N_IMAGES))
    rows, probabilities = [], []
    for name, pattern in enumerate(patterns):
        own = random.normal(size=(2, N_IMAGES))
        for seed in range(N_SEEDS):
            cells = normalize(pattern * np.exp(random.normal(scale=SEED_SD, size=(8, 8))))
            rates = ERROR_RATE * cells.sum(axis=1) / CLASS_SHARES
            noise = np.sqrt(1 - COMMON - OWN) * random.normal(size=(2, N_IMAGES))
            hard, direction = ndtr(np.sqrt(COMMON) * common + np.sqrt(OWN) * own + noise)
            steps = (cells / cells.sum(axis=1, keepdims=True)).cumsum(axis=1)
            taken_for = (direction[:, None] > steps[labels]).sum(axis=1).clip(0, 7)
            predicted = np.where(hard < rates[labels], taken_for, labels)
            probabilities.append(np.eye(8, dtype=np.float32)[predicted])
            rows.append({"configuration": str(name), "family": "cnn", "replicate": f"s{seed}"})
    return TestPredictions(
        trials=pd.DataFrame(rows), labels=labels, probabilities=np.stack(probabilities)
    )


def estimate_all(a: FloatArray, b: FloatArray) -> list[Estimate]:
    random = np.random.default_rng(7)
    found = [
        correlate_patterns(count_confusion_errors(simulate(random, a, b)), ["0"], ["1"])
        for _ in range(N_STUDIES)
    ]
    return [estimate for estimate in found if estimate is not None]


def is_contradicted(estimate: Estimate) -> bool:
    return estimate.mean < MIN_SAME_CORRELATION and estimate.p < ALPHA


@pytest.mark.parametrize("pattern", [make_even_pattern(), make_published_pattern()])
def test_equal_patterns_are_contradicted_in_at_most_5_percent(pattern: FloatArray) -> None:
    estimates = estimate_all(pattern, pattern)
    assert len(estimates) == N_STUDIES
    assert np.mean([is_contradicted(estimate) for estimate in estimates]) <= 0.05
    assert np.mean([estimate.low <= 1 <= estimate.high for estimate in estimates]) >= 0.9


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_different_patterns_are_contradicted(share: float) -> None:
    pattern = make_published_pattern()
    other = mix_cells(pattern, share)
    true_r = correlate_cells(pattern, other)
    assert true_r < MIN_SAME_CORRELATION - 0.2
    estimates = estimate_all(pattern, other)
    assert np.mean([estimate.mean for estimate in estimates]) == pytest.approx(true_r, abs=0.06)
    assert np.mean([is_contradicted(estimate) for estimate in estimates]) >= 0.35
