"""Test how often any pair of equal models is called different, and how often a planted one is.

Scores are normal, as in `test_interval_coverage.py`, so many studies can be simulated at once.
"""

from itertools import combinations

import numpy as np
import pytest

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import ALPHA, adjust_holm, compute_guarded_p
from reports.analysis.replicate_variance import (
    ReplicateVariance,
    combine_replicate_variances,
    estimate_replicate_variance,
    moderate_replicate_variances,
)
from reports.analysis.uncertainty import MeanVariance

N_STUDIES = 1000
N_CONFIGURATIONS = 8
OWN_SD = 0.006
"""Standard deviation of a score from the test images that is specific to a trial."""

PLANTED_DIFFERENCE = 0.04
"""Four points, of the first configuration."""

SPREADS = {
    "equal": [0.0045] * 8,
    "one 4 times as large": [0.0045] * 7 + [0.018],
    "one 12 times as large": [0.003] * 7 + [0.0375],
    "two families": [0.0045] * 4 + [0.018] * 4,
}
"""Standard deviations over seeds."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def compute_p(scores: FloatArray) -> FloatArray:
    """Return adjusted p-values of all pairs, shape (pairs, studies)."""
    n_seeds = scores.shape[1]
    estimates = [estimate_replicate_variance(values, None) for values in scores]
    total, _, dof = (np.stack(parts) for parts in zip(*estimates, strict=True))
    own = ReplicateVariance(total, np.full(total.shape, OWN_SD**2), dof)
    pairs = list(combinations(range(N_CONFIGURATIONS), 2))
    weights = np.zeros((len(pairs), N_CONFIGURATIONS))
    for row, (a, b) in enumerate(pairs):
        weights[row, [a, b]] = 1, -1
    images = np.full((len(pairs), scores.shape[2]), 2 * OWN_SD**2 / n_seeds)
    variances = [
        MeanVariance(images, combined.between_replicates / n_seeds, combined.dof)
        for combined in (
            combine_replicate_variances(part, weights)
            for part in (own, moderate_replicate_variances(own))
        )
    ]
    differences = np.abs(np.tensordot(weights, scores.mean(axis=1), axes=1))
    p = compute_guarded_p(differences, *variances)
    return np.apply_along_axis(adjust_holm, 0, p)


@pytest.mark.parametrize(("n_seeds", "most"), [(2, 0.2), (3, 0.16), (5, 0.13)])
@pytest.mark.parametrize("name", SPREADS)
def test_pairs_of_equal_models_are_rarely_different_and_four_points_are_found(
    name: str, n_seeds: int, most: float
) -> None:
    random = np.random.default_rng(n_seeds)
    shape = (N_CONFIGURATIONS, n_seeds, N_STUDIES)
    scores = random.normal(scale=OWN_SD, size=shape)
    scores += random.normal(size=shape) * np.array(SPREADS[name])[:, None, None]
    scores[0] += PLANTED_DIFFERENCE
    is_different = compute_p(scores) < ALPHA
    is_planted = np.array([a == 0 for a, _ in combinations(range(N_CONFIGURATIONS), 2)])
    error_rate = is_different[~is_planted].any(axis=0).mean()
    found_rate = is_different[is_planted].mean()
    print(f"{n_seeds} seeds, {name}: {error_rate:.1%} false, {found_rate:.1%} found")
    assert error_rate <= most
    if name == "equal":
        assert error_rate <= 0.1
        assert found_rate >= (0.55 if n_seeds == 2 else 0.95)
