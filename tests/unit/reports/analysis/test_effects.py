"""One contrast over the grid: planted effects are found, and absent ones are exactly 0."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.effects import estimate_effects
from reports.ledger.loading import TestPredictions
from tests.unit.reports.analysis.test_pairwise import GRID, simulated


@pytest.fixture(scope="module")
def grid() -> TestPredictions:
    return simulated(GRID)


def test_a_third_family_leaves_the_effects_of_the_two_as_they_are(grid: TestPredictions) -> None:
    third = simulated(GRID | {"resnet cross_entropy adamw": 0.95})
    twice = third.trials["configuration"] == "resnet cross_entropy adamw"
    trials = pd.concat([third.trials, third.trials[twice].assign(configuration="another")])
    every = TestPredictions(
        trials=trials.reset_index(drop=True),
        labels=third.labels,
        probabilities=np.concatenate([third.probabilities, third.probabilities[twice]]),
    )
    found, alone = (
        estimate_effects(bootstrap_scores(every)),
        estimate_effects(bootstrap_scores(grid)),
    )
    names = ["factor", "from_value", "to_value", "scope", "pairs", "difference"]
    pd.testing.assert_frame_equal(found[names], alone[names])


def test_effects_of_the_grid(grid: TestPredictions) -> None:
    frame = estimate_effects(bootstrap_scores(grid)).set_index(["factor", "scope"])
    (family,) = frame.loc[[("family", "all")]].to_dict("records")
    assert 0.05 < family["low"] < family["difference"] < family["high"] < 0.09
    assert family["pairs"] == 4
    assert family["p_holm"] < 1e-6
    others = frame.drop(index=("family", "all"))
    assert set(others.index) == {
        (factor, within) for factor in ("loss", "optimizer") for within in ("all", "mlnn", "cnn")
    }
    assert (others["low"] < 0).all()
    assert (others["high"] > 0).all()
    assert (others["p_holm"] >= 0.05).all()


def test_a_loss_that_changes_nothing_has_no_effect_at_all(grid: TestPredictions) -> None:
    """Not even by a rounding error."""
    same = grid.probabilities.copy()
    for (_, _), own in grid.trials.groupby(["family", "optimizer"]):
        same[own.index[own["loss"] == "nll"]] = same[own.index[own["loss"] != "nll"]]
    tested = TestPredictions(trials=grid.trials, labels=grid.labels, probabilities=same)
    frame = estimate_effects(bootstrap_scores(tested))
    frame = frame[frame["factor"] == "loss"]
    assert len(frame) == 3
    assert (frame[["difference", "low", "high"]] == 0).all(axis=None)
    assert (frame["p"] == 1).all()


def test_effects_need_partners_and_unambiguous_settings(grid: TestPredictions) -> None:
    alone = TestPredictions(
        trials=grid.trials[:3], labels=grid.labels, probabilities=grid.probabilities[:3]
    )
    assert estimate_effects(bootstrap_scores(alone)).empty
    clash = TestPredictions(
        trials=grid.trials[:6].assign(loss="nll", optimizer="sgd").reset_index(drop=True),
        labels=grid.labels,
        probabilities=grid.probabilities[:6],
    )
    assert estimate_effects(bootstrap_scores(clash)).empty


def test_estimate_effects_without_a_trial_is_empty() -> None:
    empty: NDArray[np.float32] = np.empty((0, 0, 8), np.float32)
    columns = ["configuration", "family", "loss", "optimizer", "seed"]
    none = TestPredictions(
        trials=pd.DataFrame(columns=columns), labels=np.empty(0, np.int64), probabilities=empty
    )
    assert estimate_effects(bootstrap_scores(none)).empty
