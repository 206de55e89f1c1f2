"""One contrast over the grid: planted effects are found, and absent ones are exactly 0."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.effects import estimate_effects
from reports.ledger.loading import TestPredictions
from tests.helpers.predictions import GRID_ACCURACIES, make_no_predictions, simulate_predictions

N_IMAGES = 1500


@pytest.fixture(scope="module")
def grid() -> TestPredictions:
    return simulate_predictions(GRID_ACCURACIES, n_images=N_IMAGES)


@pytest.fixture(scope="module")
def bootstrap(grid: TestPredictions) -> BootstrapScores:
    return bootstrap_scores(grid)


def test_estimate_effects_with_a_third_family_leaves_those_of_the_two_unchanged(
    bootstrap: BootstrapScores,
) -> None:
    name = "resnet cross_entropy adamw"
    third = simulate_predictions(GRID_ACCURACIES | {name: 0.95}, n_images=N_IMAGES)
    is_third = third.trials["configuration"] == name
    trials = pd.concat([third.trials, third.trials[is_third].assign(configuration="another")])
    with_third = TestPredictions(
        trials=trials.reset_index(drop=True),
        labels=third.labels,
        probabilities=np.concatenate([third.probabilities, third.probabilities[is_third]]),
    )
    columns = ["factor", "from_value", "to_value", "scope", "pairs", "difference"]
    pd.testing.assert_frame_equal(
        estimate_effects(bootstrap_scores(with_third))[columns],
        estimate_effects(bootstrap)[columns],
    )


def test_estimate_effects_finds_the_planted_effect_and_no_other(
    bootstrap: BootstrapScores,
) -> None:
    frame = estimate_effects(bootstrap).set_index(["factor", "scope"])
    (family,) = frame.loc[[("family", "all")]].to_dict("records")
    assert 0.05 < family["low"] < family["difference"] < family["high"] < 0.09
    assert family["pairs"] == 4
    assert family["p_holm"] < 1e-6
    others = frame.drop(index=("family", "all"))
    assert set(others.index) == {
        (factor, scope) for factor in ("loss", "optimizer") for scope in ("all", "mlnn", "cnn")
    }
    assert (others["low"] < 0).all()
    assert (others["high"] > 0).all()
    assert (others["p_holm"] >= 0.05).all()


def test_estimate_effects_of_equal_predictions_is_exactly_0(grid: TestPredictions) -> None:
    """Not even a rounding error is left."""
    probabilities = grid.probabilities.copy()
    for _, own in grid.trials.groupby(["family", "optimizer"]):
        is_nll = (own["loss"] == "nll").to_numpy()
        probabilities[own.index[is_nll]] = probabilities[own.index[~is_nll]]
    predictions = TestPredictions(
        trials=grid.trials, labels=grid.labels, probabilities=probabilities
    )
    frame = estimate_effects(bootstrap_scores(predictions))
    frame = frame[frame["factor"] == "loss"]
    assert len(frame) == 3
    assert (frame[["difference", "low", "high"]] == 0).all(axis=None)
    assert (frame["p"] == 1).all()


def test_estimate_effects_without_partners_is_empty(grid: TestPredictions) -> None:
    one_configuration = TestPredictions(
        trials=grid.trials[:3], labels=grid.labels, probabilities=grid.probabilities[:3]
    )
    assert estimate_effects(bootstrap_scores(one_configuration)).empty


def test_estimate_effects_of_two_configurations_with_equal_settings_is_empty(
    grid: TestPredictions,
) -> None:
    ambiguous = TestPredictions(
        trials=grid.trials[:6].assign(loss="nll", optimizer="sgd").reset_index(drop=True),
        labels=grid.labels,
        probabilities=grid.probabilities[:6],
    )
    assert estimate_effects(bootstrap_scores(ambiguous)).empty


def test_estimate_effects_without_a_trial_is_empty() -> None:
    assert estimate_effects(bootstrap_scores(make_no_predictions())).empty


def test_estimate_effects_adjusts_over_all_and_within_families_separately(
    bootstrap: BootstrapScores,
) -> None:
    frame = estimate_effects(bootstrap)
    for _, rows in frame.groupby(frame["scope"] == "all"):
        expected = multipletests(rows["p"], method="holm")[1]
        np.testing.assert_allclose(rows["p_holm"], expected, rtol=1e-12)
    assert frame["scope"].nunique() == 3
