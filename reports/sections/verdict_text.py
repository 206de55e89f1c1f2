"""Write the sentences of the report that depend on its numbers, as plain text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.analysis.frames import NOT_COMPLETE
from reports.analysis.intervals import ALPHA
from reports.format.text import DataLabel, label
from reports.format.units import BLANK, format_count, format_interval, format_mean_sd, format_number

_SIGNIFICANT = f"Holm-adjusted p < {ALPHA:g}"
_RAW_LOGITS = (
    "NLLLoss fell below 0, which is impossible for the negative logarithm of a probability. The "
    "model outputs raw logits; it must end in a log-softmax."
)


def describe_verdict(comparison: pd.DataFrame, pairs: pd.DataFrame, effects: pd.DataFrame) -> str:
    """Return the result in one paragraph: the best configuration and the effect of each choice.

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
    """Name the configuration with the highest test score and its significant differences."""
    top = scored[scored["test_macro_f1"] == scored["test_macro_f1"].max()]
    best = top.iloc[0]
    score = f"{format_number(best['test_macro_f1'], 'percent')}%"
    if best["seeds"] > 1:
        score = format_mean_sd(best["test_macro_f1"], best["test_macro_f1_sd"], "percent") + "%"
        score += f" (mean and standard deviation over {best['seeds']} seeds)"
    interval_text = format_interval(
        best["test_macro_f1_low"], best["test_macro_f1_high"], "percent"
    )
    score_text = (
        f"{score}. The test images do not suffice for a confidence interval."
        if interval_text == BLANK
        else f"{score}, 95% confidence interval {interval_text}."
    )
    if len(scored) == 1:
        return f"{best['configuration']} has a macro F1 on test of {score_text}"
    tied_names = [str(name) for name in top["configuration"]]
    verb = "has" if len(top) == 1 else "share"
    count_text = format_count(len(scored), "configuration")
    names = " and ".join(tied_names)
    return (
        f"{names} {verb} the highest macro F1 on test among the {count_text}: {score_text}"
        f"{_describe_significance(tied_names, pairs)}"
    )


def _describe_significance(tied_names: Sequence[str], pairs: pd.DataFrame) -> str:
    """Say from which other configurations the best ones differ significantly."""
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
        return (
            f" {pronoun} {verb} significantly better than {others_text} configuration "
            f"({_SIGNIFICANT})."
        )
    if len(other_names) == len(best_pairs):
        others_text = "any other" if len(best_pairs) > 1 else "the other"
        return f" {pronoun} {verb} not significantly different from {others_text} configuration."
    names_text = ", ".join(other_names) if len(other_names) <= 4 else f"{len(other_names)} others"
    return (
        f" {pronoun} {verb} significantly better than the others ({_SIGNIFICANT}), except for "
        f"{names_text}."
    )


def format_contrast_label(effect: Mapping[Any, Any]) -> str:
    """Return the two values of a contrast, e.g. `CNN instead of MLNN`."""
    return f"{label(effect['to_value'])} instead of {label(effect['from_value'])}"


def _describe_effect(effect: Mapping[Any, Any]) -> str:
    """Describe one contrast over the grid in a sentence."""
    if effect["difference"] == effect["low"] == effect["high"] == 0:
        return f"{format_contrast_label(effect)}: no difference; the two are the same function."
    text = (
        f"{format_contrast_label(effect)}: {format_number(effect['difference'], 'points')} points "
    )
    text += format_interval(effect["low"], effect["high"], "points")
    if effect["p_holm"] < ALPHA:
        return f"{text}, significant."
    if effect["p"] < ALPHA:
        return f"{text}, not significant after Holm correction."
    return f"{text}, not significant."


def _list_caveats(scored: pd.DataFrame) -> Iterator[str]:
    """Yield the limitations of the comparison."""
    if scored["seeds"].max() == 1:
        yield (
            "With one seed, the intervals include only the variance from the choice of test "
            "images. The differences are between trained models; to compare the configurations, "
            "use more seeds."
        )
    if scored["seeds"].min() < scored["seeds"].max():
        yield (
            "The configurations have different numbers of seeds; each pair is compared on the "
            "seeds that both have."
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
            "The cells are synthetic. The scores show that the software works. They say nothing "
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
            f"Incomplete: {', '.join(count_texts)} (of {planned}); see “Trials that are not in the "
            "comparison”."
        )


def describe_equivalent_losses(losses: EquivalentLosses, data: DataLabel) -> Iterator[str]:
    """Explain why CrossEntropy and NLLLoss are equivalent, and give the results.

    Args:
        losses: Configurations that differ only in the loss, at least one pair.
        data: Names of the data.
    """
    pairs, noise = losses.pairs, losses.seed_noise
    total, differing = pairs["n_predictions"].sum(), pairs["n_differing"].sum()
    yield (
        "CrossEntropy on logits and NLLLoss on a log-softmax are the same function, computed in "
        "different places. Two configurations that differ only in the loss should make the same "
        "predictions with the same seed on the same hardware. On test, "
        f"{differing:,} of {format_count(int(total), 'prediction')} differ; 0 are expected."
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
        "The paper attributes the differences between such configurations (1 and 3, 2 and 4) to "
        "the loss. As the functions are equal, only the seed differs. Each published difference is "
        "therefore compared with a limit: two runs of one function differ by less in 95% of cases. "
        "The limit is computed from the standard deviation of the weighted F1 over our seeds, "
        "pooled within each family."
    )
    if noise["limit"].isna().all():
        yield "One seed has no standard deviation: the limit needs --seeds 2 or more."


def _explain_difference(pair: Any) -> str:
    """Explain why two configurations that should be the same function differ."""
    if pair.has_negative_loss:
        return _RAW_LOGITS
    if pair.first_loss_difference <= ROUNDING_TOLERANCE:
        return (
            "the losses start equal and then drift apart, which indicates rounding errors. Either "
            "the trials ran on different hardware, or one model computes the log-softmax "
            "differently, e.g. twice, which changes only the last digits."
        )
    return (
        "the losses differ from the first epoch on, so the two are not the same function. Check "
        "the last layer of both models."
    )
