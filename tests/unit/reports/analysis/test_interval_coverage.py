"""Test how often 95% intervals hold the truth, on many simulated scores with known variances.

The scores are normal, so the simulation needs no images. `tests/slow/test_coverage.py` simulates
images and classifiers.
"""

import numpy as np
import pytest

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import ALPHA
from reports.analysis.replicate_variance import (
    ReplicateVariance,
    combine_replicate_variances,
    estimate_replicate_variance,
)
from reports.analysis.uncertainty import MeanVariance, compute_half_width

N_STUDIES = 20_000
COMMON_SD, OWN_SD = 0.005, 0.006
"""Standard deviation of a score from the test images, in common and specific to a trial."""

SPREADS = {
    "equal and small": (0.003, 0.003, 0.003, 0.003),
    "equal": (0.0075, 0.0075, 0.0075, 0.0075),
    "equal and large": (0.0225, 0.0225, 0.0225, 0.0225),
    "one 4 times as large": (0.0045, 0.0045, 0.0045, 0.018),
    "one 12 times as large": (0.003, 0.003, 0.003, 0.0375),
    "two families": (0.0045, 0.0045, 0.018, 0.018),
}
"""Standard deviations over seeds of four configurations."""


def simulate_scores(spreads: tuple[float, ...], n_seeds: int) -> FloatArray:
    """Return scores with mean 0, shape (configurations, seeds, studies)."""
    random = np.random.default_rng(n_seeds)
    shape = (len(spreads), n_seeds, N_STUDIES)
    common = random.normal(scale=COMMON_SD, size=N_STUDIES)
    own = random.normal(scale=OWN_SD, size=shape)
    scores: FloatArray = common + own + random.normal(size=shape) * np.array(spreads)[:, None, None]
    return scores


def estimate_variances(scores: FloatArray) -> ReplicateVariance:
    estimates = [estimate_replicate_variance(values, None) for values in scores]
    total, _, dof = (np.stack(parts) for parts in zip(*estimates, strict=True))
    return ReplicateVariance(total, np.full(total.shape, OWN_SD**2), dof)


def compute_coverage(
    scores: FloatArray, variances: ReplicateVariance, weights: list[float]
) -> float:
    """Return how often the interval of a weighted sum of mean scores contains 0."""
    n_seeds = scores.shape[1]
    combined = combine_replicate_variances(variances, np.array([weights]))
    images = (sum(weights) * COMMON_SD) ** 2 + (OWN_SD**2 / n_seeds) * np.square(weights).sum()
    half_width = compute_half_width(
        MeanVariance(
            np.full(N_STUDIES, images), combined.between_replicates[0] / n_seeds, combined.dof[0]
        ),
        ALPHA / 2,
    )
    estimate = np.tensordot(weights, scores.mean(axis=1), axes=1)
    return float((np.abs(estimate) <= half_width).mean())


@pytest.mark.parametrize(("n_seeds", "least"), [(2, 0.895), (3, 0.925), (5, 0.93)])
@pytest.mark.parametrize("spreads", SPREADS.values(), ids=SPREADS)
def test_intervals_hold_the_truth_whatever_the_other_spreads(
    spreads: tuple[float, ...], n_seeds: int, least: float
) -> None:
    """The first configuration is stable, and the last one has the largest spread."""
    scores = simulate_scores(spreads, n_seeds)
    variances = estimate_variances(scores)
    for weights in ([1, 0, 0, 0], [0, 0, 0, 1], [1, -1, 0, 0], [1, 0, 0, -1]):
        coverage = compute_coverage(scores, variances, [float(weight) for weight in weights])
        assert least <= coverage <= 0.975, (weights, coverage)


def test_interval_of_a_stable_configuration_does_not_depend_on_the_others() -> None:
    scores = simulate_scores(SPREADS["one 12 times as large"], 3)
    alone = combine_replicate_variances(estimate_variances(scores[:1]), np.ones((1, 1)))
    beside = combine_replicate_variances(estimate_variances(scores), np.array([[1.0, 0, 0, 0]]))
    np.testing.assert_allclose(alone.between_replicates, beside.between_replicates)
    np.testing.assert_allclose(alone.dof, beside.dof)
