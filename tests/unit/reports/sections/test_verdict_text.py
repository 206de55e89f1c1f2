"""Sentences that depend on numbers: which names and numbers they hold, and when they differ."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from reports.analysis.pair_decisions import Decision
from reports.format.model_labels import format_model
from reports.format.text import DataLabel
from reports.sections.verdict_text import (
    describe_effects,
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
    make_pairwise,
)

SCORES = {"x1": 0.9418, "x2": 0.93, "x3": 0.87}
VAL = {"x1": 0.9, "x2": 0.8}


def describe(
    scores: Mapping[str, float],
    decisions: Mapping[str, Decision] | None = None,
    *,
    seeds: int = 2,
    val: Mapping[str, float] | None = None,
    **changes: Any,
) -> str:
    """Return the verdict where the first configuration is compared with each of the others.

    Args:
        scores: Macro F1 on test by configuration.
        decisions: Decisions about the other configurations; None for significant differences.
        seeds: Number of seeds of each.
        val: Macro F1 on val by configuration; None for that on test.
        changes: Fields of `PairwiseComparison` that differ from those of `make_pairwise`.
    """
    first, *others = scores
    differences = {(first, name): scores[first] - scores[name] for name in others}
    pairs = make_pairs(differences, seeds=seeds)
    if decisions is not None:
        pairs["decision"] = pairs["b"].map(decisions)
    comparison = make_comparison(scores, seeds=seeds)
    if val is not None:
        comparison["val_macro_f1"] = comparison["configuration"].map(val)
    return describe_verdict(comparison, make_pairwise(pairs, list(scores), **changes))


def list_numbers(text: str) -> list[str]:
    """Return the whole numbers of a text."""
    return re.findall(r"(?<![\w.])\d+(?![\w.])", text)


def split_sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.)]) (?=[A-Z])", text)


def test_describe_verdict_names_the_best_with_spread_and_interval() -> None:
    text = describe(SCORES)
    assert all(part in text for part in ("x1", "94.2 ± 0.2", "[93.2, 95.2]"))
    assert {"2", "3"} <= {*list_numbers(text)}  # seeds, models
    assert "x2" not in text


def test_describe_verdict_is_about_the_configuration_chosen_on_val() -> None:
    text = describe(SCORES, val={"x1": 0.9, "x2": 0.95, "x3": 0.8})
    headline, score, maximum, decisions = split_sentences(text)
    assert "x2" in headline
    assert "x1" not in headline + score
    assert "93.0 ± 0.2" in score
    assert all(part in maximum for part in ("x1", "94.2"))
    assert "[" not in maximum  # the maximum of several scores is no estimate
    assert "worse" in decisions  # x1 against x2, the only pair of x2


def test_describe_verdict_of_the_best_on_val_and_test_names_no_other_maximum() -> None:
    assert len(split_sentences(describe(SCORES))) == 3
    assert len(split_sentences(describe(SCORES, val={"x1": 0.8, "x2": 0.9, "x3": 0.7}))) == 4


def test_describe_verdict_names_the_copies_of_a_model() -> None:
    copies = {"x1": ["x4", "x5"]}
    assert "x4" not in describe(SCORES)
    text = describe(SCORES, copies=copies)
    assert format_model("x1", copies) in text


def test_describe_verdict_counts_models_and_not_their_copies() -> None:
    scores = SCORES | {"x4": SCORES["x1"]}
    pairwise = make_pairwise(make_pairs({("x1", "x2"): 0.01}), [*SCORES], copies={"x1": ["x4"]})
    text = describe_verdict(make_comparison(scores), pairwise)
    assert "3" in list_numbers(text)
    assert "4" not in list_numbers(text)


def test_describe_verdict_of_one_seed_shows_no_spread_and_a_caveat() -> None:
    one, several = describe({"x1": 0.9}, seeds=1), describe({"x1": 0.9})
    assert "90.0" in one
    assert "±" not in one
    assert len(one.split(". ")) > len(several.split(". "))


def test_describe_verdict_of_one_configuration_ranks_nothing() -> None:
    one, first_of_two = describe({"x1": 0.9}, seeds=3), describe({"x1": 0.9, "x2": 0.8}, seeds=3)
    assert "[89.0, 91.0]" in one
    assert "1" not in list_numbers(one)
    assert "2" in list_numbers(first_of_two)


def test_describe_verdict_names_the_models_of_each_decision() -> None:
    scores = SCORES | {"x4": 0.86, "x5": 0.85}
    decisions = dict(zip(["x2", "x3", "x4"], Decision, strict=True)) | {"x5": Decision.DIFFERENT}
    (sentence,) = (text for text in split_sentences(describe(scores, decisions)) if "x3" in text)
    parts = sentence.split(";")
    assert [re.findall(r"x\d", part) for part in parts] == [["x2", "x5"], ["x3"], ["x4"]]
    assert "1 point" in parts[1]


@pytest.mark.parametrize("decision", list(Decision))
def test_describe_verdict_of_one_decision_about_all_names_none(decision: Decision) -> None:
    texts = [
        describe(SCORES, {"x2": about_second, "x3": decision})
        for about_second in (decision, *(other for other in Decision if other != decision))
    ]
    assert len(set(texts)) == 3
    assert "x2" not in texts[0]
    assert "x3" not in texts[0]


def test_describe_verdict_of_a_worse_choice_differs_from_that_of_a_better_one() -> None:
    better, worse = describe({"x1": 0.9, "x2": 0.8}), describe({"x1": 0.8, "x2": 0.9}, val=VAL)
    assert "better" in better
    assert "worse" not in better
    assert "worse" in worse


def test_describe_verdict_of_another_margin_names_it() -> None:
    decisions = {"x2": Decision.EQUIVALENT, "x3": Decision.EQUIVALENT}
    assert "2.5 points" in describe(SCORES, decisions, margin=0.025)


def test_describe_verdict_of_many_undecided_gives_their_number() -> None:
    scores = {"x1": 0.95} | {f"other-{i}": 0.94 for i in range(5)} | {"last": 0.5}
    decisions = dict.fromkeys(scores, Decision.UNDECIDED) | {"last": Decision.DIFFERENT}
    text = describe(scores, decisions)
    assert "5" in list_numbers(text)
    assert "other-0" not in text


PAIRWISE = make_pairwise(make_pairs({("x1", "x2"): 0.1}), ["x1", "x2", "x3"])


def test_describe_effects_give_the_adjusted_p_and_no_interval() -> None:
    """Intervals are not adjusted, so the two are not mixed in one sentence."""
    effects = make_effects(scope="all")
    (text,) = describe_effects(effects)
    assert all(part in text for part in ("+6.12", "0.0003", f"{MINUS}0.43", "0.0800"))
    assert "[+5.00, +7.00]" not in text
    variants = {
        *describe_effects(effects.iloc[:1].assign(p=0.001, p_holm=0.003)),
        *describe_effects(effects.iloc[:1].assign(p=0.001, p_holm=0.09)),
    }
    assert len(variants) == 2
    assert len({"not significant" in variant for variant in variants}) == 2


def test_describe_effects_of_a_factor_that_changes_no_model_gives_no_number() -> None:
    effects = make_effects(scope="all")
    *_, phrase = next(describe_effects(effects)).split(";")
    assert not re.search(r"\d", phrase)


def test_describe_effects_leaves_effects_within_families_out() -> None:
    (text,) = describe_effects(make_effects())
    assert "CrossEntropy" not in text
    assert "Adam" in text
    assert list(describe_effects(make_effects().iloc[:0])) == []


def test_describe_verdict_of_different_numbers_of_seeds_has_a_caveat() -> None:
    comparison = make_comparison(SCORES)
    equal, different = (
        describe_verdict(comparison.assign(replicates=seeds), PAIRWISE) for seeds in (3, [3, 2, 3])
    )
    assert different.startswith(equal)
    assert different != equal


def test_describe_verdict_without_a_score_names_no_configuration() -> None:
    comparison = make_comparison(SCORES).assign(replicates=0)
    text = describe_verdict(comparison, PAIRWISE)
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
