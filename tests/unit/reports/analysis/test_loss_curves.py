"""Roughness and epochs to convergence of planted curves."""

from collections.abc import Callable

import numpy as np
import pytest

from bloodnets.metrics import FloatArray
from reports.analysis.loss_curves import (
    compare_convergence,
    compare_convergence_at_least,
    compare_convergence_at_most,
    compare_noise_by_epoch,
    compare_roughness,
    compare_roughness_by_epoch,
    compute_roughness,
    count_epochs_until,
)
from tests.helpers.planted_study import make_curve


@pytest.mark.parametrize("speed", [2.0, 5.0, 20.0])
def test_compute_roughness_measures_the_noise_at_any_speed(speed: float) -> None:
    assert compute_roughness(make_curve(speed=speed, noise=0)) < 1e-12
    assert compute_roughness(make_curve(speed=speed)) == pytest.approx(0.04 / np.sqrt(6))


def test_compare_roughness_of_noise_that_grows_as_the_loss_falls_is_equal_at_any_speed() -> None:
    t = np.arange(40)

    def make_growing(speed: float) -> FloatArray:
        return np.asarray(np.exp(-t / speed + 0.01 * np.exp(t / speed / 2) * (-1.0) ** t))

    slow, fast = make_growing(12), make_growing(6)
    assert compare_roughness(slow, fast) == pytest.approx(0, abs=0.2)
    # The comparison that would be wrong, epoch by epoch, sees a difference.
    assert np.log(compute_roughness(fast) / compute_roughness(slow)) > 0.5


def test_count_epochs_until_counts_from_one_to_the_share_of_the_drop() -> None:
    assert count_epochs_until(np.linspace(1, 0, 101)) == 96
    assert count_epochs_until(np.array([2.0, 1.0, 0.196, 0.195, 0.1, 0.3])) == 4


def test_compare_convergence_is_the_log_ratio_of_epochs_and_nan_without_a_fall() -> None:
    slow, fast, flat = np.linspace(1, 0, 101), np.linspace(1, 0, 51), np.ones(9)
    assert compare_convergence(slow, fast) == pytest.approx(np.log(96 / 49))
    assert np.isnan(compare_convergence(flat, fast))
    assert np.isnan(compare_convergence(slow, flat))


def test_compare_convergence_is_between_the_ratios_that_whole_epochs_permit() -> None:
    slow, fast = np.linspace(1, 0, 101), np.linspace(1, 0, 51)
    assert compare_convergence_at_least(slow, fast) == pytest.approx(np.log(95 / 49))
    assert compare_convergence_at_most(slow, fast) == pytest.approx(np.log(96 / 48))


def test_compare_noise_by_epoch_is_in_nats_and_roughness_is_relative() -> None:
    noise = np.tile([1.0, -1.0], 10)
    high, low = 4 + 0.02 * noise, 1 + 0.01 * noise
    assert compare_noise_by_epoch(high, low) == pytest.approx(np.log(0.5))
    assert compare_roughness_by_epoch(high, low) == pytest.approx(np.log(2), abs=1e-3)


@pytest.mark.parametrize("compare", [compare_noise_by_epoch, compare_roughness_by_epoch])
def test_compare_roughness_of_too_few_epochs_is_nan(
    compare: Callable[[FloatArray, FloatArray], float],
) -> None:
    curve = make_curve(speed=5, n_epochs=4)
    assert np.isnan(compare(curve, curve))
