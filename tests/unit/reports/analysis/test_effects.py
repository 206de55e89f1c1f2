"""One contrast over the grid: planted effects are found, and absent ones are exactly 0."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.effects import estimate_effects
from reports.ledger.test_predictions import TestPredictions
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


def copy_losses(grid: TestPredictions, *families: str) -> TestPredictions:
    """Return a grid in which NLLLoss trains the same models as CrossEntropy in these families."""
    probabilities = grid.probabilities.copy()
    for (family, _), own in grid.trials.groupby(["family", "optimizer"]):
        if family in families:
            is_nll = (own["loss"] == "nll").to_numpy()
            probabilities[own.index[is_nll]] = probabilities[own.index[~is_nll]]
    return TestPredictions(trials=grid.trials, labels=grid.labels, probabilities=probabilities)


def test_estimate_effects_of_equal_models_is_exactly_0_and_is_not_counted_by_holm(
    grid: TestPredictions,
) -> None:
    """Not even a rounding error is left."""
    frame = estimate_effects(bootstrap_scores(copy_losses(grid, "mlnn", "cnn")))
    is_loss = frame["factor"] == "loss"
    losses, others = frame[is_loss], frame[~is_loss]
    assert losses["scope"].tolist() == ["all", "mlnn", "cnn"]
    assert losses["pairs"].tolist() == [4, 2, 2]
    assert (losses[["difference", "low", "high"]] == 0).all(axis=None)
    assert losses[["p", "p_holm"]].isna().all(axis=None)
    # Holm multiplies the smallest p by 2, family and optimizer, and not by 3.
    overall = others[others["scope"] == "all"]
    assert overall["p_holm"].min() == pytest.approx(2 * overall["p"].min())
    for _, rows in others.groupby(others["scope"] == "all"):
        expected = multipletests(rows["p"], method="holm")[1]
        np.testing.assert_allclose(rows["p_holm"], expected, rtol=1e-12)


def test_estimate_effects_count_a_model_and_its_copy_once() -> None:
    """Adam costs the CNN 20 points and the MLNN 2; the CNN with NLLLoss is a copy."""
    accuracies = {
        f"{family} {loss} {optimizer}": best - (optimizer == "adam") * loss_of_adam
        for family, best, loss_of_adam in (("mlnn", 0.8, 0.02), ("cnn", 0.9, 0.2))
        for loss in ("cross_entropy", "nll")
        for optimizer in ("sgd", "adam")
    }
    grid = simulate_predictions(accuracies, n_images=N_IMAGES, n_seeds=2)
    copied = copy_losses(grid, "cnn")
    bootstrap = bootstrap_scores(copied)
    frame = estimate_effects(bootstrap)
    effects = {(row["factor"], row["scope"]): row for row in frame.to_dict("records")}
    means = pd.Series(bootstrap.values["macro_f1"]).groupby(copied.trials["configuration"]).mean()

    def get_difference(family: str, loss: str) -> float:
        return float(means[f"{family} {loss} adam"] - means[f"{family} {loss} sgd"])

    cnn = get_difference("cnn", "cross_entropy")
    assert cnn == get_difference("cnn", "nll") < -0.15
    mlnn = [get_difference("mlnn", loss) for loss in ("cross_entropy", "nll")]
    assert effects["optimizer", "all"]["pairs"] == 3
    assert effects["optimizer", "all"]["difference"] == pytest.approx((cnn + sum(mlnn)) / 3)
    assert effects["optimizer", "cnn"]["pairs"] == 1
    assert effects["optimizer", "cnn"]["difference"] == pytest.approx(cnn)
    assert effects["optimizer", "mlnn"]["pairs"] == 2
    assert np.isnan(effects["loss", "cnn"]["p"])
    assert effects["loss", "mlnn"]["p"] > 0


def test_estimate_effects_without_a_common_replicate_are_of_all_replicates(
    grid: TestPredictions, bootstrap: BootstrapScores
) -> None:
    suffixes = grid.trials["family"].map({"mlnn": "", "cnn": "-f0"})
    apart = TestPredictions(
        trials=grid.trials.assign(replicate=grid.trials["replicate"] + suffixes),
        labels=grid.labels,
        probabilities=grid.probabilities,
    )
    found, expected = (
        estimate_effects(scores).set_index(["factor", "scope"])
        for scores in (bootstrap_scores(apart), bootstrap)
    )
    assert found.loc[("family", "all"), "replicates"] == 0
    columns = ["difference", "low", "high", "p"]
    np.testing.assert_allclose(found[columns], expected[columns], rtol=1e-5, atol=1e-8)


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
