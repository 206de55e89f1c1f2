"""Half-widths and p-values: the normal distribution, Student's t, and both together."""

import numpy as np
import pytest
from scipy import stats

from bloodnets.metrics import FloatArray
from reports.analysis.uncertainty import MeanVariance, compute_half_width, compute_tail

TAILS = (0.3, 0.025, 1e-4, 1e-12)
DOFS = (1.0, 2.0, 4.7, 28.0)


def make_variance(images: float, seeds: float, dof: float) -> MeanVariance:
    return MeanVariance(np.array([images]), np.array([seeds]), np.array([dof]))


def solve_both(images: float, seeds: float, dof: float, tail: float) -> float:
    """Return the half-width by hand: z and t of scipy, added in squares (MOVER)."""
    z, t = stats.norm.isf(tail), stats.t.isf(tail, dof)
    return float(np.sqrt(z**2 * images + t**2 * seeds))


@pytest.mark.parametrize("tail", TAILS)
def test_compute_half_width_of_images_only_is_normal(tail: float) -> None:
    for dof in (0.0, 2.0, np.inf):
        half_width = compute_half_width(make_variance(0.04, 0.0, dof), tail)
        assert half_width == pytest.approx(0.2 * stats.norm.isf(tail), rel=1e-9)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("dof", DOFS)
def test_compute_half_width_of_seeds_only_is_students_t(dof: float, tail: float) -> None:
    half_width = compute_half_width(make_variance(0.0, 0.04, dof), tail)
    assert half_width == pytest.approx(0.2 * stats.t.isf(tail, dof), rel=1e-6)


def test_compute_half_width_of_both_adds_the_squares() -> None:
    half_width = compute_half_width(make_variance(0.01, 0.04, 2.0), 0.025)
    assert half_width == pytest.approx(np.hypot(1.959964 * 0.1, 4.302653 * 0.2), rel=1e-6)
    assert half_width == pytest.approx(solve_both(0.01, 0.04, 2.0, 0.025), rel=1e-9)


def test_compute_half_width_of_an_unknown_variance_is_nan() -> None:
    assert np.isnan(compute_half_width(make_variance(np.nan, 0.0, 0.0), 0.025)).all()


def test_compute_tail_of_images_only_is_normal() -> None:
    z = np.array([0.0, 0.5, 1.959964, 8.0, 30.0])
    variance = MeanVariance(np.full(5, 0.04), np.zeros(5), np.zeros(5))
    np.testing.assert_allclose(compute_tail(0.2 * z, variance), stats.norm.sf(z), rtol=1e-9)


@pytest.mark.parametrize("dof", DOFS)
def test_compute_tail_of_seeds_only_is_students_t(dof: float) -> None:
    t = np.array([0.0, 0.5, 4.302653, 30.0, 1e4])
    variance = MeanVariance(np.zeros(5), np.full(5, 0.04), np.full(5, dof))
    np.testing.assert_allclose(compute_tail(0.2 * t, variance), stats.t.sf(t, dof), rtol=1e-6)


@pytest.mark.parametrize("tail", [*TAILS, 1e-30, 1e-200])
def test_compute_tail_of_a_half_width_is_its_tail(tail: float) -> None:
    images, seeds, dof = (
        values.ravel() for values in np.meshgrid([1e-6, 1e-4], [0.0, 1e-7, 1e-4], [2.0, 7.3, 60.0])
    )
    variance = MeanVariance(images, seeds, dof)
    found = compute_tail(compute_half_width(variance, tail), variance)
    np.testing.assert_allclose(found, tail, rtol=1e-6)


def test_compute_tail_beyond_all_probabilities_is_finite_and_below_all_others() -> None:
    far = compute_tail(np.array([1e6]), make_variance(1e-6, 0.0, 0.0))
    assert 0 < far[0] < 1e-290


def test_compute_tail_falls_with_the_distance_and_rises_with_either_variance() -> None:
    def find_tail(distance: float, images: float, seeds: float) -> FloatArray:
        return compute_tail(np.array([distance]), make_variance(images, seeds, 2.0))

    usual = find_tail(0.02, 1e-5, 1e-5)
    assert find_tail(0.03, 1e-5, 1e-5) < usual < find_tail(0.01, 1e-5, 1e-5)
    assert usual < find_tail(0.02, 2e-5, 1e-5)
    assert usual < find_tail(0.02, 1e-5, 2e-5)


def test_compute_tail_of_an_unknown_variance_is_nan() -> None:
    assert np.isnan(compute_tail(np.array([0.1]), make_variance(np.nan, 0.0, 0.0))).all()
