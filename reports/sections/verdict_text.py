"""Write the sentences of the report that depend on its numbers, as plain text."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.analysis.frames import NOT_COMPLETE
from reports.analysis.intervals import ALPHA
from reports.analysis.pair_decisions import Decision
from reports.analysis.pairwise import PairwiseComparison
from reports.format.text import DataLabel, label
from reports.format.units import BLANK, format_count, format_interval, format_mean_sd, format_number

_SIGNIFICANT = f"Holm-adjusted p < {ALPHA:g}"
_RAW_LOGITS = (
    "NLLLoss fell below 0, which is impossible for the negative logarithm of a probability. The "
    "model outputs raw logits; it must end in a log-softmax."
)


def describe_verdict(
    comparison: pd.DataFrame, pairwise: PairwiseComparison, effects: pd.DataFrame
) -> str:
    """Return the result in one paragraph: the chosen configuration and the effect of each choice.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Comparisons of the models.
        effects: Frame from `effects.estimate_effects`.
    """
    scored = comparison[comparison["seeds"] > 0]
    if scored.empty:
        return "No trial has finished: there is nothing to compare."
    copied_names = [name for names in pairwise.copies.values() for name in names]
    models = scored[~scored["configuration"].isin(copied_names)]
    overall = effects[effects["scope"] == "all"]
    sentences = [
        *_describe_chosen(models, pairwise),
        *(_describe_effect(row) for row in overall.to_dict("records")),
        *_list_caveats(scored),
    ]
    return " ".join(sentences)


def _describe_chosen(models: pd.DataFrame, pairwise: PairwiseComparison) -> Iterator[str]:
    """Name the model that is best on val, its score on test, and the best one on test."""
    rows = models.to_dict("records")
    chosen = max(rows, key=lambda row: row["val_macro_f1"])
    name = format_model(str(chosen["configuration"]), pairwise.copies)
    score = _format_score(chosen)
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
        top_score = format_number(top_on_test["test_macro_f1"], "percent")
        yield (
            f"The highest macro F1 on test is {top_score}% ({top_name}); as the maximum of several "
            "scores, it is too high on average."
        )
    yield from _describe_decisions(str(chosen["configuration"]), pairwise)


def _format_score(row: Mapping[Any, Any]) -> str:
    """Format a score on test with its interval, as the end of a sentence."""
    score = f"{format_number(row['test_macro_f1'], 'percent')}%"
    if row["seeds"] > 1:
        score = format_mean_sd(row["test_macro_f1"], row["test_macro_f1_sd"], "percent") + "%"
        score += f" (mean and standard deviation over {row['seeds']} seeds)"
    interval_text = format_interval(row["test_macro_f1_low"], row["test_macro_f1_high"], "percent")
    if interval_text == BLANK:
        return f"{score}. The test images do not suffice for a confidence interval."
    return f"{score}, 95% confidence interval {interval_text}."


def format_model(name: str, copies: Mapping[str, Sequence[str]]) -> str:
    """Return the name of a model with those of the configurations that train the same one."""
    return f"{name} (= {', '.join(copies[name])})" if name in copies else name


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
        (Decision.UNDECIDED, "not significantly different from {}, nor shown to be equivalent"),
    )
    texts = [
        phrase.format(_format_names(others[outcome], sum(map(len, others.values()))))
        for outcome, phrase in phrases
        if outcome in others
    ]
    if texts:
        yield f"It is {'; '.join(texts)}."


def format_margin(margin: float) -> str:
    """Format a difference of macro F1 in points, e.g. `1 point`."""
    return f"{100 * margin:g} {'point' if margin == 0.01 else 'points'}"


def _format_names(names: Sequence[str], n_others: int) -> str:
    """Format names, or their number if there are many."""
    if len(names) == n_others:
        return "the other model" if n_others == 1 else "every other model"
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} others"


def format_contrast_label(effect: Mapping[Any, Any]) -> str:
    """Return the two values of a contrast, e.g. `CNN instead of MLNN`."""
    return f"{label(effect['to_value'])} instead of {label(effect['from_value'])}"


def _describe_effect(effect: Mapping[Any, Any]) -> str:
    """Describe one contrast over the grid in a sentence."""
    contrast = format_contrast_label(effect)
    if math.isnan(effect["p"]) and effect["difference"] == 0:
        return f"{contrast}: no difference; the two are the same function."
    return (
        f"{contrast}: {format_number(effect['difference'], 'points')} points, "
        f"{format_significance(effect['p_holm'])}."
    )


def format_significance(p_holm: float) -> str:
    """Format an adjusted p-value, e.g. `not significant (Holm-adjusted p = 0.2000)`."""
    outcome = "significant" if p_holm < ALPHA else "not significant"
    p = format_number(p_holm, "p")
    return f"{outcome} (Holm-adjusted p {p if p.startswith('<') else f'= {p}'})"


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
            "seeds that both have, or on all seeds if they share none."
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
        "The limit is computed from the standard deviation of the weighted F1 of the first "
        "configuration over our seeds."
    )
    has_replicates = noise["seed_dof"] > 0
    if not has_replicates.any():
        yield "One seed has no standard deviation: the limit needs --seeds 2 or more."
    if (has_replicates & noise["limit"].isna()).any():
        yield (
            "If all seeds have the same score, there is no basis for a limit: a few equal scores "
            "do not show that the seed has no effect."
        )


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
