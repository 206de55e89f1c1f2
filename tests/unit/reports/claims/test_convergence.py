"""The claims about the loss curves on planted curves."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bloodnets.metrics import FloatArray
from reports.claims.convergence import judge_faster_convergence, judge_smoother_curves
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


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((4.0, 4.3, 4.6), "supported"),
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
    assert claim.numbers["value"][0] == pytest.approx(mean)
    assert claim.numbers["replicates"].tolist() == [len(ratios)] * 3
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
    # Equal seeds: a count of 20 or 40 epochs may be one too high, and so may one of 10.
    assert claim.numbers["low"].tolist()[1:] == pytest.approx([19 / 10, 39 / 10])
    assert claim.numbers["high"].tolist()[1:] == pytest.approx([20 / 9, 40 / 9])
    assert claim.numbers["p"].isna().all()
    assert "CNN 2.00 " in claim.evidence
    assert "MLNN 4.00 " in claim.evidence


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
    assert claim.numbers["value"].tolist()[:3] == pytest.approx([6**0.5] * 3)
    assert claim.numbers["replicates"].tolist() == [2] * 9


def test_judge_curves_of_one_epoch_is_inconclusive() -> None:
    study = plant_curves({SGD: [np.array([1.0])], ADAM: [np.array([1.0])]})
    for claim in (judge_smoother_curves(study), judge_faster_convergence(study)):
        assert require_clean(claim).verdict == "inconclusive"
        assert claim.numbers.empty


def test_judge_smoother_curves_is_inconclusive_if_the_definitions_disagree() -> None:
    # Adam's relative noise is about twice that of SGD, at a tenth of the loss.
    sgd = [10 * make_curve(speed=8, noise=noise) for noise in (0.1, 0.11, 0.12)]
    adam = [make_curve(speed=8, noise=noise) for noise in (0.2, 0.23, 0.24)]
    claim = require_clean(judge_smoother_curves(plant_curves({SGD: sgd, ADAM: adam})))
    assert claim.numbers["low"][1] > 1
    assert claim.numbers["high"][2] < 1
    assert claim.verdict == "inconclusive"


def test_judge_smoother_curves_of_equal_seeds_has_no_interval() -> None:
    smooth, rough = make_curve(speed=8), make_curve(speed=8, noise=0.05)
    claim = judge_smoother_curves(plant_curves({SGD: [smooth] * 3, ADAM: [rough] * 3}))
    assert claim.numbers[["low", "high", "p"]].isna().all(axis=None)
    assert claim.verdict == "inconclusive"


def test_judge_smoother_curves_pairs_the_folds_of_a_seed() -> None:
    seeds = plant_ratios((4.0, 4.3, 4.6), (1.5, 1.5, 1.5))
    folds = replace(
        seeds,
        records={
            key: replace(
                record,
                config=record.config | {"seed": 0, "folds": 3, "fold": record.config["seed"]},
            )
            for key, record in seeds.records.items()
        },
    )
    of_seeds, of_folds = (judge_smoother_curves(study).numbers for study in (seeds, folds))
    pd.testing.assert_frame_equal(of_folds, of_seeds)
