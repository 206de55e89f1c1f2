"""Write the sentences of the report that depend on its numbers, as plain text."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.frames import NOT_COMPLETE
from reports.analysis.intervals import ALPHA
from reports.analysis.pair_decisions import Decision
from reports.analysis.pairwise import PairwiseComparison
from reports.format.model_labels import format_model
from reports.format.table import choose_column_decimals
from reports.format.text import DataLabel, label
from reports.format.units import (
    BLANK,
    choose_decimals,
    format_count,
    format_interval,
    format_mean,
    format_number,
)

_SIGNIFICANT = f"Holm-adjusted p < {ALPHA:g}"
RAW_LOGITS = (
    "NLLLoss fell below 0, which is impossible for the negative logarithm of a probability. The "
    "model outputs raw logits; it must end in a log-softmax."
)
"""Cause of a negative NLLLoss."""


def describe_verdict(comparison: pd.DataFrame, pairwise: PairwiseComparison) -> str:
    """Return the result in one paragraph: the chosen configuration, compared with the others.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Comparisons of the models.
    """
    scored = comparison[comparison["replicates"] > 0]
    if scored.empty:
        return "No trial has finished: there is nothing to compare."
    copied_names = [name for names in pairwise.copies.values() for name in names]
    models = scored[~scored["configuration"].isin(copied_names)]
    decimals = choose_column_decimals(comparison, "test_macro_f1")
    sentences = [
        *_describe_chosen(models, pairwise, decimals),
        *_describe_replicate_numbers(scored),
    ]
    if scored["replicates"].max() == 1:
        sentences.insert(0, "One replicate: this compares trained models, not configurations.")
    return " ".join(sentences)


def describe_effects(effects: pd.DataFrame) -> Iterator[str]:
    """Yield one paragraph about the effect of each choice over the whole grid, if there is any.

    Args:
        effects: Frame from `effects.estimate_effects`.
    """
    overall = effects[effects["scope"] == "all"].to_dict("records")
    if overall:
        decimals = choose_decimals(effects["low"], effects["high"])
        texts = (_describe_effect(effect, decimals) for effect in overall)
        yield f"Effects on macro F1: {'; '.join(texts)}."


def _describe_chosen(
    models: pd.DataFrame, pairwise: PairwiseComparison, decimals: int
) -> Iterator[str]:
    """Name the model that is best on val, its score on test, and the best one on test."""
    rows = models.to_dict("records")
    chosen = max(rows, key=lambda row: row["val_macro_f1"])
    name = format_model(str(chosen["configuration"]), pairwise.copies)
    score = _format_score(chosen, decimals)
    if len(models) == 1:
        yield f"{name} has a macro F1 on test of {score}"
        return
    count_text = f"{len(models)} models"
    if pairwise.copies:
        count_text = f"{len(models)} different models"
    top_on_test = max(rows, key=lambda row: row["test_macro_f1"])
    also = " and on test" if top_on_test["configuration"] == chosen["configuration"] else ""
    yield (
        f"Among {count_text}, {name} has the highest macro F1 on val{also}. "
        f"Its macro F1 on test is {score}"
    )
    if not also:
        top_name = format_model(str(top_on_test["configuration"]), pairwise.copies)
        top_score = format_number(top_on_test["test_macro_f1"], "percent", decimals=decimals)
        yield (
            f"The highest macro F1 on test is {top_score}% ({top_name}); as the maximum of several "
            "scores, it is too high on average."
        )
    yield from _describe_decisions(str(chosen["configuration"]), pairwise)


def _format_score(row: Mapping[Any, Any], decimals: int) -> str:
    """Format a score on test with its interval, as the end of a sentence."""
    mean, sd = row["test_macro_f1"], row["test_macro_f1_sd"]
    score = f"{format_mean(mean, sd, 'percent', decimals=decimals)}%"
    if row["replicates"] > 1:
        score += f" (mean and standard deviation over {row['replicates']} replicates)"
    ends = row["test_macro_f1_low"], row["test_macro_f1_high"]
    interval_text = format_interval(*ends, "percent", decimals=decimals)
    if interval_text == BLANK:
        return f"{score}. The test images do not suffice for a confidence interval."
    return f"{score}, 95% confidence interval {interval_text}."


def _describe_decisions(name: str, pairwise: PairwiseComparison) -> Iterator[str]:
    """Say from which other models a model differs, and to which it is equivalent."""
    others: dict[str, list[str]] = {}
    for pair in pairwise.pairs.to_dict("records"):
        if name in (pair["a"], pair["b"]):
            other = pair["b"] if pair["a"] == name else pair["a"]
            is_better = (pair["difference"] > 0) == (pair["a"] == name)
            outcome = pair["decision"]
            if outcome == Decision.DIFFERENT:
                outcome = "better" if is_better else "worse"
            others.setdefault(outcome, []).append(str(other))
    margin = format_margin(pairwise.margin)
    phrases = (
        ("better", f"significantly better than {{}} ({_SIGNIFICANT})"),
        ("worse", f"significantly worse than {{}} ({_SIGNIFICANT})"),
        (Decision.EQUIVALENT, f"equivalent to {{}} within {margin}"),
        (Decision.UNDECIDED, "not significantly different from {}, and not shown to be equivalent"),
    )
    texts = [
        phrase.format(
            _format_names(
                others[outcome],
                sum(map(len, others.values())),
                # "Not different from every other model" could mean from some of them.
                quantifier="any" if outcome == Decision.UNDECIDED else "every",
            )
        )
        for outcome, phrase in phrases
        if outcome in others
    ]
    if texts:
        yield f"It is {'; '.join(texts)}."


def format_margin(margin: float) -> str:
    """Format a difference of macro F1 in points, e.g. `1 point`."""
    return f"{100 * margin:g} {'point' if margin == 0.01 else 'points'}"


def _format_names(names: Sequence[str], n_others: int, *, quantifier: str) -> str:
    """Format names, or their number if there are many; all others are `quantifier` other model."""
    if len(names) == n_others:
        return "the other model" if n_others == 1 else f"{quantifier} other model"
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} others"


def format_contrast_label(effect: Mapping[Any, Any]) -> str:
    """Return the two values of a contrast, e.g. `CNN instead of MLNN`."""
    return f"{label(effect['to_value'])} instead of {label(effect['from_value'])}"


def _describe_effect(effect: Mapping[Any, Any], decimals: int) -> str:
    """Describe one contrast over the grid in a phrase."""
    contrast = format_contrast_label(effect)
    if math.isnan(effect["p"]) and effect["difference"] == 0:
        return f"{contrast} changes nothing, because the two are the same function"
    return (
        f"{contrast} {format_number(effect['difference'], 'points', decimals=decimals)} points, "
        f"{format_significance(effect['p_holm'])}"
    )


def format_significance(p_holm: float) -> str:
    """Format an adjusted p-value, e.g. `not significant (Holm-adjusted p = 0.2000)`."""
    outcome = "significant" if p_holm < ALPHA else "not significant"
    p = format_number(p_holm, "p")
    return f"{outcome} (Holm-adjusted p {p if p.startswith('<') else f'= {p}'})"


def _describe_replicate_numbers(scored: pd.DataFrame) -> Iterator[str]:
    """Explain how configurations with different numbers of replicates are compared."""
    if scored["replicates"].min() < scored["replicates"].max():
        yield (
            "The configurations have different numbers of replicates; each pair is compared on the "
            "replicates that both have, or on all if they share none."
        )


def list_warnings(
    comparison: pd.DataFrame, negative_loss_trials: Sequence[str], data: DataLabel
) -> Iterator[str]:
    """Yield warnings about the data, the losses and incomplete trials.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
        data: Names of the data.
    """
    if data.warning:
        yield (
            "The cells are synthetic. The scores show that the software works, and say nothing "
            "about blood cells."
        )
    if n_negative := len(negative_loss_trials):
        first_id = negative_loss_trials[0]
        names_text = first_id if n_negative == 1 else f"{first_id} and {n_negative - 1} more"
        yield f"In {format_count(n_negative, 'trial')} ({names_text}) {RAW_LOGITS}"
    count_texts = [
        f"{comparison[name].sum():,} {name}" for name in NOT_COMPLETE if comparison[name].any()
    ]
    if count_texts:
        planned = format_count(int(comparison["replicates_planned"].sum()), "planned trial")
        yield (
            f"Incomplete: {', '.join(count_texts)} (of {planned}); see “Trials that are not in the "
            "comparison”."
        )
