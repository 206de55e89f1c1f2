"""Correlations of planted patterns: without noise, with noise, and unknown ones."""

from collections.abc import Sequence

import numpy as np
import pytest

from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.error_patterns import ConfusionErrors, count_confusion_errors
from reports.analysis.intervals import Estimate
from reports.analysis.pattern_correlation import MIN_SAME_CORRELATION, correlate_patterns
from tests.helpers.grid_builder import ConfusionMatrix
from tests.helpers.planted_study import ADAM, SGD, make_error_matrix, plant_study

CENTER = {(0, 3): 18, (0, 1): 6, (5, 3): 24, (5, 4): 6, (1, 2): 12}
FAR = {(3, 0): 18, (1, 0): 6, (3, 5): 24, (4, 5): 6, (2, 1): 12}
OFF_DIAGONAL = ~np.eye(8, dtype=bool)
EXPECTED = np.random.default_rng(5).gamma(2, 3, size=(8, 8)) * OFF_DIAGONAL
"""Expected errors of a pattern, about 340, by cell."""


def correlate(a: Sequence[ConfusionMatrix], b: Sequence[ConfusionMatrix]) -> Estimate | None:
    errors = count_confusion_errors(plant_study({SGD: a, ADAM: b}).predictions)
    return correlate_patterns(errors, [SGD], [ADAM])


def simulate_errors(random: np.random.Generator, *expected: np.ndarray) -> ConfusionErrors:
    """Return errors of three seeds whose counts are independent, with their resamples."""
    n_trials = 3 * len(expected)
    counts = random.poisson(np.repeat(expected, 3, axis=0)).astype(np.float64)
    resampled = random.poisson(counts[:, None], (n_trials, N_RESAMPLES, 8, 8))
    predictions = plant_study({SGD: [make_error_matrix({})] * 3, ADAM: [make_error_matrix({})] * 3})
    return ConfusionErrors(
        trials=predictions.predictions.trials,
        counts=counts,
        resampled=resampled.astype(np.float32),
    )


def test_correlate_patterns_of_equal_expected_errors_is_one_despite_noise() -> None:
    random = np.random.default_rng(0)
    errors = [simulate_errors(random, EXPECTED, EXPECTED) for _ in range(4)]
    found = [correlate_patterns(both, [SGD], [ADAM]) for both in errors]
    noisy = [
        np.corrcoef(*both.counts.reshape(2, 3, 64).sum(axis=1)[:, OFF_DIAGONAL.ravel()])[0, 1]
        for both in errors
    ]
    assert np.mean(noisy) < 0.95
    assert np.mean([r.mean for r in found if r is not None]) > 0.98
    assert all(r is not None and r.high == 1 for r in found)


def test_correlate_patterns_without_images_noise_is_pearsons_r() -> None:
    random = np.random.default_rng(1)
    other = EXPECTED + 3 * random.uniform(size=(8, 8)) * OFF_DIAGONAL
    errors = simulate_errors(random, EXPECTED, other)
    counts = np.repeat([EXPECTED, other], 3, axis=0)
    exact = ConfusionErrors(
        trials=errors.trials,
        counts=counts,
        resampled=np.repeat(counts[:, None], N_RESAMPLES, axis=1).astype(np.float32),
    )
    r = correlate_patterns(exact, [SGD], [ADAM])
    assert r is not None
    assert r.mean == pytest.approx(
        np.corrcoef(EXPECTED[OFF_DIAGONAL], other[OFF_DIAGONAL])[0, 1], abs=1e-6
    )


def test_correlate_patterns_of_different_errors_is_significantly_below_the_threshold() -> None:
    r = correlate([make_error_matrix(CENTER)] * 3, [make_error_matrix(FAR)] * 3)
    assert r is not None
    assert r.high < MIN_SAME_CORRELATION
    assert r.p < 0.01
    assert -1 <= r.low < r.mean < 0


def test_correlate_patterns_of_seeds_that_differ_has_a_larger_standard_deviation() -> None:
    varied = [
        make_error_matrix(CENTER),
        make_error_matrix(CENTER | {(6, 2): 24}),
        make_error_matrix({(0, 3): 12, (5, 3): 20, (4, 1): 9}),
    ]
    equal = [make_error_matrix(CENTER)] * 3
    steady = correlate(equal, [make_error_matrix({(0, 3): 18, (5, 3): 24, (6, 2): 15})] * 3)
    changing = correlate(equal, varied)
    assert steady is not None
    assert changing is not None
    assert changing.sd > steady.sd


def test_correlate_patterns_of_one_seed_has_no_replicate_variance() -> None:
    r = correlate([make_error_matrix(CENTER)], [make_error_matrix(CENTER | {(6, 2): 9})])
    assert r is not None
    assert r.replicates == 1
    assert np.isnan(r.sd)
    assert r.low < r.mean <= r.high


def test_correlate_patterns_without_errors_or_a_common_replicate_is_none() -> None:
    perfect = make_error_matrix({})
    assert correlate([make_error_matrix(CENTER), perfect], [perfect, perfect]) is None
    errors = count_confusion_errors(
        plant_study({name: [make_error_matrix(CENTER)] for name in (SGD, ADAM)}).predictions
    )
    errors.trials["replicate"] = ["s0-f0", "s0-f1"]
    assert correlate_patterns(errors, [SGD], [ADAM]) is None


def test_correlate_patterns_of_errors_that_are_only_noise_is_none() -> None:
    every_cell = {(t, p): 1 for t in range(8) for p in range(8) if t != p}
    matrices = [make_error_matrix(every_cell), make_error_matrix(every_cell | {(0, 1): 2})]
    assert correlate(matrices, matrices) is None
