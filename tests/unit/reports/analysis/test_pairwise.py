"""Planted differences are found, absent ones are not, and the tests are statsmodels'."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from reports.analysis import pairwise
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger.loading import TestPredictions
from tests.helpers.predictions import GRID_ACCURACIES, make_no_predictions, simulate_predictions


@pytest.fixture(scope="module")
def grid() -> TestPredictions:
    return simulate_predictions(GRID_ACCURACIES)


@pytest.fixture(scope="module")
def found(grid: TestPredictions) -> pd.DataFrame:
    return pairwise.compare_pairs(grid, bootstrap_scores(grid))


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
    tested = simulate_predictions(accuracies, spread=0.003)
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


def test_compare_pairs_of_identical_predictions_has_no_difference(grid: TestPredictions) -> None:
    twice = TestPredictions(
        trials=pd.concat(
            [grid.trials[:3], grid.trials[:3].assign(configuration="copy")], ignore_index=True
        ),
        labels=grid.labels,
        probabilities=np.concatenate([grid.probabilities[:3]] * 2),
    )
    (row,) = pairwise.compare_pairs(twice, bootstrap_scores(twice)).to_dict("records")
    assert (row["difference"], row["p"], row["n_differing"], row["significant"]) == (0, 1, 0, False)


def test_compare_pairs_uses_the_seeds_that_both_have(
    grid: TestPredictions, found: pd.DataFrame
) -> None:
    keep = np.ones(len(grid.trials), bool)
    keep[[0, 4]] = False  # seed 0 of the first configuration, seed 1 of the second
    rest = TestPredictions(
        trials=grid.trials[keep].reset_index(drop=True),
        labels=grid.labels,
        probabilities=grid.probabilities[keep],
    )
    pairs = pairwise.compare_pairs(rest, bootstrap_scores(rest))
    assert list(pairs[["a", "b"]].itertuples(index=False)) == list(
        found[["a", "b"]].itertuples(index=False)
    )
    assert pairs["seeds"].tolist() == [1, *[2] * 12, *[3] * 15]
    untouched = slice(13, None)
    np.testing.assert_allclose(pairs["difference"][untouched], found["difference"][untouched])


def make_pairs(names: str, separated: set[str]) -> pd.DataFrame:
    rows = [(a, b, a + b in separated) for a, b in combinations(names, 2)]
    return pd.DataFrame(rows, columns=["a", "b", "significant"])


def test_find_tied_groups_overlap_and_are_as_large_as_possible() -> None:
    compared = make_pairs("abcd", {"ac", "ad", "bd"})
    groups = pairwise.find_tied_groups(list("abcd"), compared)
    assert groups == [["a", "b"], ["b", "c"], ["c", "d"]]
    assert pairwise.assign_group_letters(list("abcd"), groups) == {
        "a": "a",
        "b": "ab",
        "c": "bc",
        "d": "c",
    }


def test_find_tied_groups_of_some_names_leave_the_others_out() -> None:
    groups = pairwise.find_tied_groups(["b", "a"], make_pairs("abcd", set()))
    assert groups == [["b", "a"]]


def test_group_configurations_ranks_by_score_and_letters_the_groups() -> None:
    comparison = pd.DataFrame(
        {
            "configuration": ["worst", "best", "middle", "unscored"],
            "seeds": [3, 3, 1, 0],
            "test_macro_f1": [0.80, 0.95, 0.94, np.nan],
        }
    )
    pairs = pd.DataFrame(
        [("worst", "best", True), ("worst", "middle", True), ("best", "middle", False)],
        columns=["a", "b", "significant"],
    )
    comparison_of_pairs = pairwise.group_configurations(comparison, pairs)
    assert comparison_of_pairs.pairs is pairs
    assert comparison_of_pairs.ranked_names == ["best", "middle", "worst"]
    assert comparison_of_pairs.tied_groups == [["best", "middle"], ["worst"]]
    assert comparison_of_pairs.group_letters == {"best": "a", "middle": "a", "worst": "b"}


def test_compare_pairs_without_a_trial_is_empty() -> None:
    predictions = make_no_predictions()
    assert pairwise.compare_pairs(predictions, bootstrap_scores(predictions)).empty
