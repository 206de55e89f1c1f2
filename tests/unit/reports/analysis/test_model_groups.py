"""Ranks, groups and letters of models: worked by hand."""

from itertools import combinations
from string import ascii_lowercase

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.model_groups import assign_letters, find_groups, rank_models
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.predictions import make_no_predictions, predict_matrices


def make_pairs(*names: str) -> pd.DataFrame:
    """Return a pair for each name of two letters."""
    return pd.DataFrame([tuple(name) for name in names], columns=["a", "b"])


def test_rank_models_is_by_the_mean_over_seeds_and_without_copies() -> None:
    # The best seed is the second one's; the third is a copy of the first.
    matrices = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (2, 1, 8, 0)]
    distinct = predict_matrices(*matrices, names=["middle", "best", "worst", "worst"])
    trials = pd.DataFrame(
        {
            "configuration": ["middle", "best", "copy", "worst", "worst"],
            "family": "cnn",
            "replicate": ["s0", "s0", "s0", "s0", "s1"],
        }
    )
    predictions = TestPredictions(
        trials=trials,
        labels=distinct.labels,
        probabilities=distinct.probabilities[[0, 1, 0, 2, 3]],
    )
    bootstrap = bootstrap_scores(predictions)
    assert rank_models(bootstrap, "macro_f1") == ["best", "middle", "worst"]


def test_rank_models_gives_one_letter_to_each() -> None:
    matrices = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in range(28)]
    names = [f"c{n}" for n in range(28)]
    bootstrap = bootstrap_scores(predict_matrices(*matrices[::-1], names=names[::-1]))
    assert rank_models(bootstrap, "accuracy") == names[: len(ascii_lowercase)]


def test_rank_models_without_a_trial_is_empty() -> None:
    assert rank_models(bootstrap_scores(make_no_predictions()), "macro_f1") == []


def test_find_groups_overlap_and_are_as_large_as_possible() -> None:
    groups = find_groups(list("abcd"), make_pairs("ab", "bc", "cd"))
    assert groups == [["a", "b"], ["b", "c"], ["c", "d"]]
    groups = find_groups(list("abcd"), make_pairs("ab", "bc", "ac"))
    assert groups == [["a", "b", "c"], ["d"]]


def test_find_groups_are_all_sets_of_connected_models_that_no_other_model_extends() -> None:
    generator = np.random.default_rng(0)
    for share in (0.0, 0.3, 0.6, 0.9, 1.0):
        names = list("abcdefgh")
        linked = [pair for pair in combinations(names, 2) if generator.random() < share]
        groups = [set(group) for group in find_groups(names, make_pairs(*map("".join, linked)))]
        cliques = [
            set(subset)
            for size in range(1, len(names) + 1)
            for subset in combinations(names, size)
            if set(combinations(subset, 2)) <= set(linked)
        ]
        largest = [clique for clique in cliques if not any(clique < other for other in cliques)]
        assert len(groups) == len(largest)
        assert all(clique in groups for clique in largest)


def test_find_groups_are_in_the_order_of_the_ranking_whichever_way_pairs_are() -> None:
    groups = find_groups(list("dacb"), make_pairs("ab", "bd", "ca"))
    assert groups == [["d", "b"], ["a", "c"], ["a", "b"]]


def test_find_groups_of_some_names_leave_the_others_out() -> None:
    pairs = pd.DataFrame(list(combinations("abcd", 2)), columns=["a", "b"])
    assert find_groups(["b", "a"], pairs) == [["b", "a"]]


def test_assign_letters_gives_copies_those_of_their_model() -> None:
    representatives = {"a": "a", "b": "b", "a2": "a", "c": "c"}
    letters = assign_letters(representatives, [["a", "b"], ["b"]], "xy")
    assert letters == {"a": "x", "b": "xy", "a2": "x", "c": ""}


def test_assign_letters_of_more_groups_than_letters_stops() -> None:
    letters = assign_letters({"a": "a", "b": "b"}, [["a"], ["b"]], "x")
    assert letters == {"a": "x", "b": ""}
