"""Planted differences are found, absent ones are not, and the tests are statsmodels'."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.multitest import multipletests

from reports.analysis import pairwise
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger.loading import TestPredictions

IMAGES = 2000


def simulated(
    accuracies: dict[str, float], *, seeds: int = 3, spread: float = 0.0
) -> TestPredictions:
    """Trials that err at random, on images of which some are hard for all."""
    random = np.random.default_rng(5)
    labels = random.integers(8, size=IMAGES)
    hardness = np.sqrt(0.8) * random.normal(size=IMAGES)
    rows, probabilities = [], []
    for name, accuracy in accuracies.items():
        for seed in range(seeds):
            own = ndtri(accuracy + random.normal(scale=spread))
            right = hardness + np.sqrt(0.2) * random.normal(size=IMAGES) < own
            predicted = np.where(right, labels, (labels + random.integers(1, 8)) % 8)
            probabilities.append(np.eye(8, dtype=np.float32)[predicted])
            family, loss, optimizer = name.split()
            settings = {"family": family, "loss": loss, "optimizer": optimizer}
            rows.append({"configuration": name, "seed": seed, **settings})
    return TestPredictions(
        trials=pd.DataFrame(rows), labels=labels, probabilities=np.stack(probabilities)
    )


GRID = {
    f"{family} {loss} {optimizer}": accuracy
    for family, accuracy in (("mlnn", 0.85), ("cnn", 0.92))
    for loss in ("cross_entropy", "nll")
    for optimizer in ("sgd", "adam")
}


@pytest.fixture(scope="module")
def grid() -> TestPredictions:
    return simulated(GRID)


@pytest.fixture(scope="module")
def found(grid: TestPredictions) -> pd.DataFrame:
    return pairwise.compare_pairs(grid, bootstrap_scores(grid))


def test_a_planted_difference_is_found_and_equal_ones_are_not_separated(
    found: pd.DataFrame,
) -> None:
    assert len(found) == 28
    across = found["a"].str.split().str[0] != found["b"].str.split().str[0]
    assert found.loc[across, "significant"].all()
    assert (found.loc[across, "difference"] < 0).all()  # the MLNN is A
    assert not found.loc[~across, "significant"].any()


def test_one_better_configuration_among_equals_is_found() -> None:
    accuracies = dict.fromkeys(GRID, 0.9) | {"cnn nll adam": 0.94}
    tested = simulated(accuracies, spread=0.003)
    pairs = pairwise.compare_pairs(tested, bootstrap_scores(tested))
    own = (pairs["a"] == "cnn nll adam") | (pairs["b"] == "cnn nll adam")
    assert pairs.loc[own, "significant"].all()
    assert not pairs.loc[~own, "significant"].any()


def test_mcnemar_and_holm_are_those_of_statsmodels(
    grid: TestPredictions, found: pd.DataFrame
) -> None:
    right = pd.Series(
        list(grid.predicted_classes == grid.labels), index=grid.trials["configuration"]
    )
    expected, alone = [], []
    for a, b in combinations(GRID, 2):
        tables = [
            pd.crosstab(pd.Categorical(x, [True, False]), pd.Categorical(y, [True, False]))
            for x, y in zip(right[a], right[b], strict=True)
        ]
        expected.append(max(reference(table, exact=True).pvalue for table in tables))
        alone.append(np.mean([table.to_numpy()[0, 1] for table in tables]))
    np.testing.assert_allclose(found["p_mcnemar"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["only_a_correct"], alone)
    for p in ("p", "p_mcnemar"):
        corrected = multipletests(found[p], method="holm")[1]
        np.testing.assert_allclose(found[f"{p}_holm"], corrected)


@pytest.mark.parametrize(
    ("a", "b", "p"), [(0, 0, 1.0), (1, 5, 14 / 64), (5, 5, 1.0), (0, 6, 2 / 64)]
)
def test_mcnemar_by_hand(a: int, b: int, p: float) -> None:
    assert pairwise.compute_mcnemar_p(np.array([float(a)]), np.array([float(b)])) == pytest.approx(
        [p]
    )


def test_identical_predictions_are_no_difference(grid: TestPredictions) -> None:
    twice = TestPredictions(
        trials=pd.concat(
            [grid.trials[:3], grid.trials[:3].assign(configuration="copy")], ignore_index=True
        ),
        labels=grid.labels,
        probabilities=np.concatenate([grid.probabilities[:3]] * 2),
    )
    (row,) = pairwise.compare_pairs(twice, bootstrap_scores(twice)).to_dict("records")
    assert (row["difference"], row["p"], row["n_differing"], row["significant"]) == (0, 1, 0, False)


def test_pairs_use_the_seeds_that_both_have(grid: TestPredictions, found: pd.DataFrame) -> None:
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


def _compared(names: str, separated: set[str]) -> pd.DataFrame:
    rows = [(a, b, a + b in separated) for a, b in combinations(names, 2)]
    return pd.DataFrame(rows, columns=["a", "b", "significant"])


def test_groups_overlap_and_are_as_large_as_they_come() -> None:
    compared = _compared("abcd", {"ac", "ad", "bd"})
    groups = pairwise.find_tied_groups(list("abcd"), compared)
    assert groups == [["a", "b"], ["b", "c"], ["c", "d"]]
    assert pairwise.assign_group_letters(list("abcd"), groups) == {
        "a": "a",
        "b": "ab",
        "c": "bc",
        "d": "c",
    }


def test_groups_of_the_leading_alone_leave_the_others_out() -> None:
    groups = pairwise.find_tied_groups(["b", "a"], _compared("abcd", set()))
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


def test_nothing_to_compare() -> None:
    empty: NDArray[np.float32] = np.empty((0, 0, 8), np.float32)
    columns = ["configuration", "family", "loss", "optimizer", "seed"]
    none = TestPredictions(
        trials=pd.DataFrame(columns=columns), labels=np.empty(0, np.int64), probabilities=empty
    )
    assert pairwise.compare_pairs(none, bootstrap_scores(none)).empty
