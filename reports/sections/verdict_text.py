"""The sentences of the report that depend on its numbers. Plain text, escaped where it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.analysis.frames import NOT_COMPLETE
from reports.analysis.intervals import ALPHA
from reports.format.text import DataLabel, label
from reports.format.units import format_count, format_interval, format_mean_sd, format_number

_RAW_LOGITS = (
    "NLLLoss fell below 0, which the negative logarithm of a probability cannot. The model ends in "
    "raw logits; it has to end in a log-softmax."
)


def describe_verdict(comparison: pd.DataFrame, pairs: pd.DataFrame, effects: pd.DataFrame) -> str:
    """The result in a paragraph: which is highest, from what it is apart, what each choice does.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairs: Pairs of the configurations, `PairwiseComparison.pairs`.
        effects: Frame from `effects.estimate_effects`.
    """
    scored = comparison[comparison["seeds"] > 0]
    if scored.empty:
        return "No trial has finished: there is nothing to compare."
    overall = effects[effects["scope"] == "all"]
    sentences = [
        _describe_best(scored, pairs),
        *(_describe_effect(row) for row in overall.to_dict("records")),
        *_list_caveats(scored),
    ]
    return " ".join(sentences)


def _describe_best(scored: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Which configuration scored highest on test, and from how many others it is apart."""
    top = scored[scored["test_macro_f1"] == scored["test_macro_f1"].max()]
    best = top.iloc[0]
    score = f"{format_number(best['test_macro_f1'], 'percent')} %"
    if best["seeds"] > 1:
        score = format_mean_sd(best["test_macro_f1"], best["test_macro_f1_sd"], "percent") + " %"
        score += f" (mean and standard deviation of {best['seeds']} seeds)"
    interval_text = format_interval(
        best["test_macro_f1_low"], best["test_macro_f1_high"], "percent"
    )
    score_text = f"{score}, 95 % interval {interval_text}."
    if len(scored) == 1:
        return f"{best['configuration']} has a macro F1 on test of {score_text}"
    tied_names = [str(name) for name in top["configuration"]]
    verb = "has" if len(top) == 1 else "share"
    count_text = format_count(len(scored), "configuration")
    names = " and ".join(tied_names)
    return (
        f"{names} {verb} the highest macro F1 on test among {count_text}: {score_text}"
        f"{_describe_significance(tied_names, pairs)}"
    )


def _describe_significance(tied_names: Sequence[str], pairs: pd.DataFrame) -> str:
    """How far the highest, of which there may be several equal ones, is above the others."""
    involves_best = pairs["a"].isin(tied_names[:1]) | pairs["b"].isin(tied_names[:1])
    best_pairs = pairs[involves_best & ~(pairs["a"].isin(tied_names) & pairs["b"].isin(tied_names))]
    if best_pairs.empty:
        return ""
    undecided_pairs = best_pairs[~best_pairs["significant"].astype(bool)]
    other_names = [
        str(a if b in tied_names else b)
        for a, b in zip(undecided_pairs["a"], undecided_pairs["b"], strict=True)
    ]
    pronoun, verb = ("They", "are") if len(tied_names) > 1 else ("It", "is")
    if not other_names:
        others_text = "every other" if len(best_pairs) > 1 else "the other"
        return f" {pronoun} {verb} above {others_text} beyond chance."
    if len(other_names) == len(best_pairs):
        return f" But {pronoun.lower()} cannot be told apart from any other."
    names_text = ", ".join(other_names) if len(other_names) <= 4 else f"{len(other_names)} others"
    rest_text = f"above the rest {pronoun.lower()} {verb} beyond chance"
    return f" {pronoun} cannot be told apart from {names_text}; {rest_text}."


def format_contrast_label(effect: Mapping[Any, Any]) -> str:
    """`CNN instead of MLNN`."""
    return f"{label(effect['to_value'])} instead of {label(effect['from_value'])}"


def _describe_effect(effect: Mapping[Any, Any]) -> str:
    """One contrast over the grid as a sentence."""
    if effect["difference"] == effect["low"] == effect["high"] == 0:
        return f"{format_contrast_label(effect)}: no difference at all, the same function."
    text = (
        f"{format_contrast_label(effect)}: {format_number(effect['difference'], 'points')} points "
    )
    text += format_interval(effect["low"], effect["high"], "points")
    if effect["p_holm"] < ALPHA:
        return f"{text}."
    if effect["p"] < ALPHA:
        return f"{text}, which is not beyond chance where several choices are compared."
    return f"{text}, which can be chance."


def _list_caveats(scored: pd.DataFrame) -> Iterator[str]:
    """What the numbers do not hold."""
    if scored["seeds"].max() == 1:
        yield (
            "There is one seed, so the intervals hold the luck of the test images alone: what "
            "differs here are trained models, and whether the configurations do takes more seeds."
        )
    if scored["seeds"].min() < scored["seeds"].max():
        yield (
            "Configurations were measured with different numbers of seeds; two are compared on "
            "the seeds that both have."
        )


def list_warnings(
    comparison: pd.DataFrame, negative_loss_trials: Sequence[str], data: DataLabel
) -> Iterator[str]:
    """Say what the data are not, and what is lacking.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
        data: Names of the data.
    """
    if data.warning:
        yield (
            "The cells are drawings. The scores show that the software works; they say nothing "
            "about blood cells and are not compared with those of any study."
        )
    if n_negative := len(negative_loss_trials):
        first_id = negative_loss_trials[0]
        names_text = first_id if n_negative == 1 else f"{first_id} and {n_negative - 1} more"
        yield f"In {format_count(n_negative, 'trial')} ({names_text}) {_RAW_LOGITS}"
    count_texts = [
        f"{comparison[name].sum():,} {name}" for name in NOT_COMPLETE if comparison[name].any()
    ]
    if count_texts:
        planned = format_count(int(comparison["seeds_planned"].sum()), "planned trial")
        yield (
            f"Of {planned}: {', '.join(count_texts)}; see “Trials that are not in the comparison”."
        )


def describe_equivalent_losses(losses: EquivalentLosses, data: DataLabel) -> Iterator[str]:
    """Say what CrossEntropy and NLLLoss have in common, what was found, and what follows.

    Args:
        losses: Configurations that differ only in the loss, at least one pair.
        data: Names of the data.
    """
    pairs, noise = losses.pairs, losses.seed_noise
    total, differing = pairs["n_predictions"].sum(), pairs["n_differing"].sum()
    yield (
        "CrossEntropy on logits and NLLLoss on a log-softmax are the same function, computed in "
        "another place. Two configurations that differ in it alone, with the same seed, on the "
        f"same machine, should predict the same. Of {format_count(int(total), 'prediction')} on "
        f"test, {differing:,} differ; 0 are expected."
    )
    differing_pairs = pairs[pairs["n_differing"] > 0]
    for cause, group in differing_pairs.groupby(
        [_explain_difference(pair) for pair in differing_pairs.itertuples()], sort=False
    ):
        names = zip(group["cross_entropy"], group["nll"], strict=True)
        yield f"{'; '.join(' and '.join(pair_names) for pair_names in names)}: {cause}"
    if data.warning or noise.empty:
        return
    yield (
        "The paper compares such configurations (1 with 3, 2 with 4) as if the loss made them "
        "differ. What differs between its rows is the seed, so its differences are held against "
        "how far two runs of one function lie apart with our seeds: up to the limit in 95 % of "
        "cases, by the spread of the weighted F1 over seeds, pooled in each family."
    )
    if noise["limit"].isna().all():
        yield "One seed has no spread: the limit takes --seeds 2 or more."


def _explain_difference(pair: Any) -> str:
    """Why two configurations that should be one function are not."""
    if pair.has_negative_loss:
        return _RAW_LOGITS
    if pair.first_loss_difference <= ROUNDING_TOLERANCE:
        return (
            "they start alike and drift apart, which is rounding. Either they ran on different "
            "hardware, or one computes the log-softmax in another way, for example twice, which "
            "changes nothing but the last digits."
        )
    return (
        "they differ from the first epoch on, so they are not the same function. Look at what "
        "the two models end in."
    )
