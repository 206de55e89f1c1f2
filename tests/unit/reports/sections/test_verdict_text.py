"""Sentences that depend on numbers: which names and numbers they hold, and when they differ."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.format.text import DataLabel
from reports.sections.verdict_text import (
    describe_equivalent_losses,
    describe_verdict,
    format_contrast_label,
    list_warnings,
)
from tests.helpers.report_frames import (
    MINUS,
    OFFICIAL,
    SYNTHETIC,
    make_comparison,
    make_effects,
    make_pairs,
)

SCORES = {"x1": 0.9418, "x2": 0.93, "x3": 0.87}
NO_EFFECTS = make_effects().iloc[:0]


def describe(
    scores: Mapping[str, float], significant: Mapping[str, bool] | None = None, *, seeds: int = 2
) -> str:
    """Return the verdict where "x1" is compared with each of the others."""
    pairs = make_pairs({("x1", name): 0.01 for name in scores if name != "x1"}, seeds=seeds)
    if significant is not None:
        pairs["significant"] = pairs["b"].map(significant)
    return describe_verdict(make_comparison(scores, seeds=seeds), pairs, NO_EFFECTS)


def list_numbers(text: str) -> list[str]:
    """Return the whole numbers of a text."""
    return re.findall(r"(?<![\w.])\d+(?![\w.])", text)


def test_describe_verdict_names_the_best_with_spread_and_interval() -> None:
    text = describe(SCORES)
    assert all(part in text for part in ("x1", "94.18 ± 0.20", "[93.18, 95.18]"))
    assert {"2", "3"} <= {*list_numbers(text)}  # seeds, configurations
    assert "x2" not in text


def test_describe_verdict_of_one_seed_shows_no_spread_and_a_caveat() -> None:
    one, several = describe({"x1": 0.9}, seeds=1), describe({"x1": 0.9})
    assert "90.00" in one
    assert "±" not in one
    assert len(one.split(". ")) > len(several.split(". "))


def test_describe_verdict_of_one_configuration_ranks_nothing() -> None:
    one, first_of_two = describe({"x1": 0.9}, seeds=3), describe({"x1": 0.9, "x2": 0.8}, seeds=3)
    assert "[89.00, 91.00]" in one
    assert "1" not in list_numbers(one)
    assert "2" in list_numbers(first_of_two)


def test_describe_verdict_of_equal_scores_names_both() -> None:
    text = describe({"x1": 0.9, "x2": 0.9, "x3": 0.8})
    assert all(name in text for name in ("x1", "x2"))
    assert "x3" not in text


def test_describe_verdict_of_equal_scores_compares_them_with_the_others_only() -> None:
    scores = {"x1": 0.9, "x2": 0.9, "x3": 0.8}
    texts = {
        describe(scores, {"x2": is_significant, "x3": True}) for is_significant in (False, True)
    }
    assert len(texts) == 1
    assert texts != {describe(scores, {"x2": False, "x3": False})}


def test_describe_verdict_names_those_that_are_not_significantly_lower() -> None:
    all_significant = describe(SCORES, {"x2": True, "x3": True})
    one_undecided = describe(SCORES, {"x2": False, "x3": True})
    none_significant = describe(SCORES, {"x2": False, "x3": False})
    assert len({all_significant, one_undecided, none_significant}) == 3
    assert "x2" in one_undecided
    assert "x3" not in one_undecided
    assert "x2" not in all_significant + none_significant


def test_describe_verdict_of_many_undecided_gives_their_number() -> None:
    scores = {"x1": 0.95} | {f"other-{i}": 0.94 for i in range(5)} | {"last": 0.5}
    undecided = dict.fromkeys(scores, False) | {"last": True}
    text = describe(scores, undecided)
    assert "5" in list_numbers(text)
    assert "other-0" not in text


def test_describe_verdict_effects_give_numbers_and_differ_by_significance() -> None:
    comparison, pairs = make_comparison({"x1": 0.9}), make_pairs({("x1", "x2"): 0.1})
    effects = make_effects(scope="all")
    text = describe_verdict(comparison, pairs, effects)
    assert all(part in text for part in ("+6.12", "[+5.00, +7.00]", f"{MINUS}0.43"))
    variants = {
        describe_verdict(comparison, pairs, effects.iloc[:1].assign(p=p, p_holm=p_holm))
        for p, p_holm in ((0.001, 0.003), (0.03, 0.09), (0.3, 0.9))
    }
    assert len(variants) == 3


def test_describe_verdict_leaves_effects_within_families_out() -> None:
    comparison, pairs = make_comparison({"x1": 0.9}), make_pairs({("x1", "x2"): 0.1})
    text = describe_verdict(comparison, pairs, make_effects())
    assert "CrossEntropy" not in text
    assert "Adam" in text


def test_describe_verdict_of_different_numbers_of_seeds_has_a_caveat() -> None:
    comparison = make_comparison(SCORES)
    pairs = make_pairs({("x1", "x2"): 0.01})
    equal, different = (
        describe_verdict(comparison.assign(seeds=seeds), pairs, NO_EFFECTS)
        for seeds in (3, [3, 2, 3])
    )
    assert different.startswith(equal)
    assert different != equal


def test_describe_verdict_without_a_score_names_no_configuration() -> None:
    comparison = make_comparison(SCORES).assign(seeds=0)
    text = describe_verdict(comparison, make_pairs({("x1", "x2"): 0.1}), make_effects())
    assert text
    assert not any(character.isdigit() for character in text)


def test_format_contrast_label_names_the_second_value_first() -> None:
    text = format_contrast_label({"from_value": "sgd", "to_value": "adam"})
    assert text.index("Adam") < text.index("SGD")


@pytest.mark.parametrize(("data", "n_warnings"), [(OFFICIAL, 0), (SYNTHETIC, 1)])
def test_list_warnings_of_synthetic_cells_has_one(data: DataLabel, n_warnings: int) -> None:
    assert len(list(list_warnings(make_comparison(SCORES), (), data))) == n_warnings


@pytest.mark.parametrize(
    ("trials", "numbers"), [(["x-s0"], ["1"]), (["x-s0", "y", "z"], ["3", "2"])]
)
def test_list_warnings_of_negative_losses_name_the_first_trial(
    trials: list[str], numbers: list[str]
) -> None:
    (text,) = list_warnings(make_comparison(SCORES), trials, OFFICIAL)
    assert "x-s0" in text
    assert "y" not in text.partition(")")[0]
    assert all(number in text for number in numbers)


def test_list_warnings_count_trials_that_are_not_complete_by_state() -> None:
    comparison = make_comparison(SCORES).assign(failed=[1, 0, 0], missing=[0, 1, 1])
    (text,) = list_warnings(comparison, (), OFFICIAL)
    assert all(part in text for part in ("1 failed", "2 missing"))
    assert "6" in list_numbers(text)
    assert "unreadable" not in text


def make_losses(
    *, n_differing: int, first_loss_difference: float = 0.0, has_negative_loss: bool = False
) -> EquivalentLosses:
    pairs = pd.DataFrame(
        {
            "cross_entropy": ["cnn-config-1"],
            "nll": ["cnn-config-3"],
            "seeds": [2],
            "n_predictions": [7200],
            "n_differing": [n_differing],
            "first_loss_difference": [first_loss_difference],
            "has_negative_loss": [has_negative_loss],
        }
    )
    return EquivalentLosses(pairs=pairs, seed_noise=pd.DataFrame(), negative_loss_trials=())


def test_describe_equivalent_losses_gives_one_cause_for_each_kind_of_difference() -> None:
    causes = []
    for options in (
        {"has_negative_loss": True},
        {"first_loss_difference": ROUNDING_TOLERANCE},
        {"first_loss_difference": 2 * ROUNDING_TOLERANCE},
    ):
        losses = make_losses(n_differing=4, **options)
        (first, cause) = describe_equivalent_losses(losses, OFFICIAL)
        assert "7,200" in first
        assert "4" in first
        assert "cnn-config-1" in cause
        assert "cnn-config-3" in cause
        causes.append(cause)
    assert len(set(causes)) == 3


def test_describe_equivalent_losses_of_equal_predictions_has_no_cause() -> None:
    (text,) = describe_equivalent_losses(make_losses(n_differing=0), OFFICIAL)
    assert "7,200" in text
    assert "cnn-config" not in text


@pytest.mark.parametrize(
    ("limit", "data", "n_more"), [(0.01, OFFICIAL, 1), (np.nan, OFFICIAL, 2), (0.01, SYNTHETIC, 0)]
)
def test_describe_equivalent_losses_explains_the_limit_of_real_cells(
    limit: float, data: DataLabel, n_more: int
) -> None:
    losses = replace(make_losses(n_differing=0), seed_noise=pd.DataFrame({"limit": [limit]}))
    assert len(list(describe_equivalent_losses(losses, data))) == 1 + n_more
