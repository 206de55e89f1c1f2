"""Planted differences are found, absent ones are not, and the tests are statsmodels'."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from reports.analysis import pairwise
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.pair_decisions import Decision
from reports.ledger.loading import read_study_files
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.predictions import GRID_ACCURACIES, make_no_predictions, simulate_predictions

N_SEEDS = 3


@pytest.fixture(scope="module")
def grid() -> TestPredictions:
    return simulate_predictions(GRID_ACCURACIES, n_images=1200, n_seeds=N_SEEDS)


@pytest.fixture(scope="module")
def bootstrap(grid: TestPredictions) -> BootstrapScores:
    return bootstrap_scores(grid)


@pytest.fixture(scope="module")
def found(grid: TestPredictions, bootstrap: BootstrapScores) -> pd.DataFrame:
    return pairwise.compare_pairs(grid, bootstrap)


def test_compare_pairs_finds_the_planted_difference_and_no_other(
    found: pd.DataFrame,
) -> None:
    assert len(found) == 28
    across = found["a"].str.split().str[0] != found["b"].str.split().str[0]
    assert found.loc[across, "significant"].all()
    assert (found.loc[across, "difference"] < 0).all()  # the MLNN is A
    assert not found.loc[~across, "significant"].any()


def test_compare_pairs_finds_one_better_configuration_among_equals() -> None:
    accuracies = dict.fromkeys(GRID_ACCURACIES, 0.9) | {"cnn nll adam": 0.94}
    tested = simulate_predictions(accuracies, n_seeds=N_SEEDS, spread=0.003)
    pairs = pairwise.compare_pairs(tested, bootstrap_scores(tested))
    own = (pairs["a"] == "cnn nll adam") | (pairs["b"] == "cnn nll adam")
    assert pairs.loc[own, "significant"].all()
    assert not pairs.loc[~own, "significant"].any()


def test_compare_pairs_has_mcnemars_test_and_holms_correction_of_statsmodels(
    grid: TestPredictions, found: pd.DataFrame
) -> None:
    is_right = grid.predicted_classes == grid.labels
    rows = {name: own.index for name, own in grid.trials.groupby("configuration")}
    expected, only_a = [], []
    for a, b in combinations(GRID_ACCURACIES, 2):
        tables = [
            [[(x & y).sum(), (x & ~y).sum()], [(~x & y).sum(), (~x & ~y).sum()]]
            for x, y in zip(is_right[rows[a]], is_right[rows[b]], strict=True)
        ]
        expected.append(max(mcnemar(table, exact=True).pvalue for table in tables))
        only_a.append(np.mean([table[0][1] for table in tables]))
    np.testing.assert_allclose(found["p_mcnemar"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["only_a_correct"], only_a)
    for p in ("p", "p_mcnemar"):
        corrected = multipletests(found[p], method="holm")[1]
        np.testing.assert_allclose(found[f"{p}_holm"], corrected)


@pytest.mark.parametrize(
    ("a", "b", "p"), [(0, 0, 1.0), (1, 5, 14 / 64), (5, 5, 1.0), (0, 6, 2 / 64)]
)
def test_compute_mcnemar_p_is_that_of_the_binomial_distribution(a: int, b: int, p: float) -> None:
    assert pairwise.compute_mcnemar_p(np.array([float(a)]), np.array([float(b)])) == pytest.approx(
        [p]
    )


def copy_losses(grid: TestPredictions) -> TestPredictions:
    """Return a grid in which NLLLoss trains the same models as CrossEntropy."""
    probabilities = grid.probabilities.copy()
    for _, own in grid.trials.groupby(["family", "optimizer"]):
        is_nll = (own["loss"] == "nll").to_numpy()
        probabilities[own.index[is_nll]] = probabilities[own.index[~is_nll]]
    return replace(grid, probabilities=probabilities)


def test_compare_configurations_of_four_models_and_their_copies_has_six_pairs(
    grid: TestPredictions,
) -> None:
    copied = copy_losses(grid)
    compared = pairwise.compare_configurations(copied, bootstrap_scores(copied))
    models = [name for name in GRID_ACCURACIES if "cross_entropy" in name]
    assert list(zip(compared.pairs["a"], compared.pairs["b"], strict=True)) == list(
        combinations(models, 2)
    )
    assert compared.copies == {name: [name.replace("cross_entropy", "nll")] for name in models}
    assert sorted(compared.ranked_names) == sorted(models)
    assert list(compared.replicate_sds) == models
    for name in models:
        copy = name.replace("cross_entropy", "nll")
        assert compared.group_letters[copy] == compared.group_letters[name] != ""
    alone = select_trials(copied, (copied.trials["loss"] == "cross_entropy").to_numpy())
    pd.testing.assert_frame_equal(
        compared.pairs, pairwise.compare_pairs(alone, bootstrap_scores(alone))
    )


def test_compare_configurations_of_one_model_and_its_copy_has_no_pair(
    grid: TestPredictions,
) -> None:
    is_kept = (grid.trials["family"] == "cnn") & (grid.trials["optimizer"] == "sgd")
    one = select_trials(copy_losses(grid), is_kept.to_numpy())
    compared = pairwise.compare_configurations(one, bootstrap_scores(one))
    first, copy = one.configurations
    assert compared.pairs.empty
    assert compared.copies == {first: [copy]}
    assert compared.ranked_names == [first]


def select_trials(predictions: TestPredictions, is_kept: NDArray[np.bool_]) -> TestPredictions:
    return replace(
        predictions,
        trials=predictions.trials[is_kept].reset_index(drop=True),
        probabilities=predictions.probabilities[is_kept],
    )


def test_compare_pairs_uses_the_seeds_that_both_have(
    grid: TestPredictions, found: pd.DataFrame
) -> None:
    keep = np.ones(len(grid.trials), bool)
    keep[[0, N_SEEDS + 1]] = False  # seed 0 of the first configuration, seed 1 of the second
    rest = select_trials(grid, keep)
    pairs = pairwise.compare_pairs(rest, bootstrap_scores(rest))
    assert list(pairs[["a", "b"]].itertuples(index=False)) == list(
        found[["a", "b"]].itertuples(index=False)
    )
    assert pairs["replicates"].tolist() == [N_SEEDS - 2, *[N_SEEDS - 1] * 12, *[N_SEEDS] * 15]
    untouched = slice(13, None)
    np.testing.assert_allclose(pairs["difference"][untouched], found["difference"][untouched])


def test_compare_pairs_without_a_common_replicate_are_compared_unpaired(
    grid: TestPredictions, found: pd.DataFrame
) -> None:
    """Every pair has a decision, and the same one: seeds of two configurations are independent."""
    names = grid.trials["replicate"] + grid.trials["configuration"]
    apart = replace(grid, trials=grid.trials.assign(replicate=names))
    pairs = pairwise.compare_pairs(apart, bootstrap_scores(apart))
    assert (pairs["replicates"] == 0).all()
    assert pairs[["sd", "p_mcnemar", "replicates_needed", "only_a_correct"]].isna().all(axis=None)
    assert pairs["decision"].tolist() == found["decision"].tolist()
    columns = ["difference", "low", "high", "p", "p_holm", "detectable_difference"]
    np.testing.assert_allclose(pairs[columns], found[columns], rtol=1e-5, atol=1e-8)


def test_compare_pairs_finds_a_planted_equivalence() -> None:
    names = ("cnn cross_entropy sgd", "cnn cross_entropy adam")
    tested = simulate_predictions(dict.fromkeys(names, 0.97), n_seeds=N_SEEDS)
    tested_bootstrap = bootstrap_scores(tested)
    for margin, decision in ((0.03, Decision.EQUIVALENT), (0.0005, Decision.UNDECIDED)):
        pairs = pairwise.compare_pairs(tested, tested_bootstrap, margin=margin)
        (row,) = pairs.to_dict("records")
        assert (row["decision"], row["margin"]) == (decision, margin)
        assert not row["significant"]


def test_compare_configurations_groups_those_that_do_not_differ_or_are_equivalent(
    grid: TestPredictions, bootstrap: BootstrapScores
) -> None:
    compared = pairwise.compare_configurations(grid, bootstrap, margin=0.04)
    best, worst = (
        [name for name in compared.ranked_names if name.startswith(family)]
        for family in ("cnn", "mlnn")
    )
    assert compared.ranked_names == [*best, *worst]
    assert compared.tied_groups == compared.equivalent_groups == [best, worst]
    assert compared.group_letters == dict.fromkeys(best, "a") | dict.fromkeys(worst, "b")
    assert compared.equivalence_letters == dict.fromkeys(best, "A") | dict.fromkeys(worst, "B")
    assert compared.margin == 0.04
    narrow = pairwise.compare_configurations(grid, bootstrap, margin=1e-4)
    assert narrow.tied_groups == compared.tied_groups
    assert narrow.equivalent_groups == []
    assert set(narrow.equivalence_letters.values()) == {""}


def test_compare_configurations_has_the_spread_over_seeds_and_bartletts_test(
    grid: TestPredictions,
) -> None:
    is_kept = np.ones(len(grid.trials), bool)
    is_kept[1:N_SEEDS] = False  # the first configuration has one seed left
    some = select_trials(grid, is_kept)
    some_bootstrap = bootstrap_scores(some)
    compared = pairwise.compare_configurations(some, some_bootstrap)
    names = list(GRID_ACCURACIES)[1:]
    scores = pd.Series(some_bootstrap.values["macro_f1"]).groupby(some.trials["configuration"])
    samples = [scores.get_group(name) for name in names]
    assert compared.replicate_sds == pytest.approx(
        {name: sample.std() for name, sample in zip(names, samples, strict=True)}
    )
    assert compared.homogeneity_p == pytest.approx(stats.bartlett(*samples).pvalue)


def test_compare_pairs_without_a_trial_is_empty() -> None:
    predictions = make_no_predictions()
    compared = pairwise.compare_configurations(predictions, bootstrap_scores(predictions))
    assert compared.pairs.empty
    assert compared.ranked_names == []
    assert np.isnan(compared.homogeneity_p)


def test_compare_pairs_with_the_same_seed_on_other_folds_are_not_paired(tmp_path: Path) -> None:
    first, second = "mlnn-config-1", "cnn-config-1"
    matrices = {name: [ASYMMETRIC] * 3 for name in (first, second)}
    for n_shared, missing in (
        (3, []),
        (1, [(first, 0), (second, 2)]),
        (0, [(first, 0), (first, 1), (second, 2)]),
    ):
        ledger = build_grid(tmp_path / f"s{n_shared}", matrices, missing_trials=missing, folds=3)
        predictions = read_study_files(ledger).predictions
        (pair,) = pairwise.compare_pairs(predictions, bootstrap_scores(predictions)).to_dict(
            "records"
        )
        assert pair["replicates"] == n_shared
        assert np.isnan(pair["p_mcnemar"]) == (n_shared == 0)
