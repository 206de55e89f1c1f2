"""The claims about the loss curves on planted curves."""

from collections.abc import Sequence

import numpy as np
import pytest

from bloodnets.metrics import FloatArray
from reports.claims.convergence import (
    compare_convergence,
    compare_roughness,
    compute_roughness,
    count_epochs_until,
    judge_faster_convergence,
    judge_smoother_curves,
)
from reports.ledger.loading import LoadedStudy
from tests.helpers.planted_study import (
    ADAM,
    MLNN_ADAM,
    MLNN_SGD,
    SGD,
    make_curve,
    make_cyclic_matrices,
    plant_study,
    require_clean,
)


def plant_curves(curves: dict[str, list[FloatArray]]) -> LoadedStudy:
    return plant_study(
        {name: make_cyclic_matrices(*[45] * len(own)) for name, own in curves.items()}, curves
    )


def plant_ratios(roughness: Sequence[float], speeds: Sequence[float]) -> LoadedStudy:
    """Return a study with a seed per ratio.

    Args:
        roughness: Roughness of Adam's curve over that of SGD's.
        speeds: Time that SGD's curve takes to fall over that of Adam's.
    """
    return plant_curves(
        {
            SGD: [make_curve(speed=8 * ratio) for ratio in speeds],
            ADAM: [make_curve(speed=8, noise=0.01 * ratio) for ratio in roughness],
        }
    )


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


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((2.0, 3.0, 4.5), "supported"),
        ((1 / 2.0, 1 / 3.0, 1 / 4.5), "contradicted"),
        ((0.5, 1.0, 2.0), "inconclusive"),
        ((3.0,), "inconclusive"),
    ],
)
def test_judge_smoother_curves_follows_the_mean_ratio_of_roughness(
    ratios: tuple[float, ...], verdict: str
) -> None:
    claim = require_clean(judge_smoother_curves(plant_ratios(ratios, [1.5] * len(ratios))))
    assert claim.verdict == verdict
    mean = np.exp(np.mean(np.log(ratios)))
    assert claim.numbers["value"].tolist() == pytest.approx([mean])
    assert claim.numbers["seeds"].tolist() == [len(ratios)]
    assert f" {mean:.2f}" in claim.evidence


@pytest.mark.parametrize(
    ("speeds", "verdict"),
    [
        ((2.0, 2.5, 3.0), "supported"),
        ((0.5, 0.4, 0.3), "contradicted"),
        ((0.5, 1.0, 2.0), "inconclusive"),
        ((2.0,), "inconclusive"),
    ],
)
def test_judge_faster_convergence_follows_the_ratios_of_epochs(
    speeds: tuple[float, ...], verdict: str
) -> None:
    claim = require_clean(judge_faster_convergence(plant_ratios([1] * len(speeds), speeds)))
    assert claim.verdict == verdict


def test_judge_faster_convergence_gives_sgd_over_adam_of_all_and_of_each_family() -> None:
    def make_line(last: int) -> list[FloatArray]:
        return [np.concatenate([np.linspace(1.95, 1, last), [0.95] * 9])] * 2

    # 95% of the way from 1.95 to 0.95 is 1.00, which the line reaches at its last epoch.
    claim = require_clean(
        judge_faster_convergence(
            plant_curves(
                {
                    SGD: make_line(20),
                    ADAM: make_line(10),
                    MLNN_SGD: make_line(40),
                    MLNN_ADAM: make_line(10),
                }
            )
        )
    )
    assert claim.numbers["value"].tolist() == pytest.approx([8**0.5, 2, 4])
    assert claim.numbers["low"].isna().tolist()[1:] == [True, True]  # equal seeds have no spread
    assert "CNN 2.00," in claim.evidence
    assert "MLNN 4.00." in claim.evidence


@pytest.mark.parametrize(("mlnn_noise", "verdict"), [(0.079, "supported"), (0.009, "inconclusive")])
def test_judge_smoother_curves_is_supported_by_both_families_only(
    mlnn_noise: float, verdict: str
) -> None:
    flat = [make_curve(speed=8), make_curve(speed=8)]
    rough = [make_curve(speed=8, noise=noise) for noise in (0.079, 0.08)]
    mlnn = [make_curve(speed=8, noise=noise) for noise in (mlnn_noise, mlnn_noise + 0.001)]
    claim = judge_smoother_curves(
        plant_curves({SGD: flat, ADAM: rough, MLNN_SGD: flat, MLNN_ADAM: mlnn})
    )
    assert claim.numbers["low"][0] > 1
    assert claim.verdict == verdict


def test_judge_smoother_curves_leaves_out_a_seed_that_one_family_lacks() -> None:
    claim = judge_smoother_curves(
        plant_curves(
            {
                SGD: [make_curve(speed=8)] * 3,
                ADAM: [make_curve(speed=8, noise=0.01 * ratio) for ratio in (2, 3, 100)],
                MLNN_SGD: [make_curve(speed=8)] * 2,
                MLNN_ADAM: [make_curve(speed=8, noise=0.01 * ratio) for ratio in (2, 3)],
            }
        )
    )
    assert claim.numbers["value"].tolist() == pytest.approx([6**0.5] * 3)
    assert claim.numbers["seeds"].tolist() == [2] * 3


def test_judge_curves_of_one_epoch_is_inconclusive() -> None:
    study = plant_curves({SGD: [np.array([1.0])], ADAM: [np.array([1.0])]})
    for claim in (judge_smoother_curves(study), judge_faster_convergence(study)):
        assert require_clean(claim).verdict == "inconclusive"
        assert claim.numbers.empty
