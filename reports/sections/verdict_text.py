"""The sentences of the report that depend on its numbers. Plain text, escaped where it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.equivalent_losses import ROUNDING, below_zero
from reports.analysis.frames import MISSING, UNREADABLE
from reports.analysis.intervals import LEVEL
from reports.format.text import word
from reports.format.units import interval, number, plural, with_spread
from reports.sections.findings import Findings

_RAW_LOGITS = (
    "NLLLoss fell below 0, which the negative logarithm of a probability cannot. The model ends in "
    "raw logits; it has to end in a log-softmax."
)


def verdict(comparison: pd.DataFrame, pairs: pd.DataFrame, effects: pd.DataFrame) -> str:
    """The result in a paragraph: which is highest, from what it is apart, what each choice does.

    Args:
        comparison: from `tables.comparison`.
        pairs: from `comparisons.pairs`.
        effects: from `comparisons.effects`.
    """
    scored = comparison[comparison["seeds"] > 0]
    if scored.empty:
        return "No trial has finished: there is nothing to compare."
    whole = effects[effects["within"] == "all"]
    sentences = [
        _best(scored, pairs),
        *(_effect(row) for row in whole.to_dict("records")),
        *_reservations(scored),
    ]
    return " ".join(sentences)


def _best(scored: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Which configuration scored highest on test, and from how many others it is apart."""
    top = scored[scored["test_macro_f1"] == scored["test_macro_f1"].max()]
    best = top.iloc[0]
    score = f"{number(best['test_macro_f1'], 'percent')} %"
    if best["seeds"] > 1:
        score = with_spread(best["test_macro_f1"], best["test_macro_f1_sd"], "percent") + " %"
        score += f" (mean and standard deviation of {best['seeds']} seeds)"
    ends = interval(best["test_macro_f1_low"], best["test_macro_f1_high"], "percent")
    said = f"{score}, 95 % interval {ends}."
    if len(scored) == 1:
        return f"{best['configuration']} has a macro F1 on test of {said}"
    tied = [str(name) for name in top["configuration"]]
    verb = "has" if len(top) == 1 else "share"
    among = plural(len(scored), "configuration")
    names = " and ".join(tied)
    return f"{names} {verb} the highest macro F1 on test among {among}: {said}{_apart(tied, pairs)}"


def _apart(tied: Sequence[str], pairs: pd.DataFrame) -> str:
    """How far the highest, of which there may be several equal ones, is above the others."""
    of_top = pairs["a"].isin(tied[:1]) | pairs["b"].isin(tied[:1])
    own = pairs[of_top & ~(pairs["a"].isin(tied) & pairs["b"].isin(tied))]
    if own.empty:
        return ""
    close = own[~own["separated"].astype(bool)]
    others = [str(a if b in tied else b) for a, b in zip(close["a"], close["b"], strict=True)]
    it, is_ = ("They", "are") if len(tied) > 1 else ("It", "is")
    if not others:
        return f" {it} {is_} above {'every other' if len(own) > 1 else 'the other'} beyond chance."
    if len(others) == len(own):
        return f" But {it.lower()} cannot be told apart from any other."
    shown = ", ".join(others) if len(others) <= 4 else f"{len(others)} others"
    rest = f"above the rest {it.lower()} {is_} beyond chance"
    return f" {it} cannot be told apart from {shown}; {rest}."


def instead(effect: Mapping[Any, Any]) -> str:
    """`CNN instead of MLNN`."""
    return f"{word(effect['to'])} instead of {word(effect['from'])}"


def _effect(effect: Mapping[Any, Any]) -> str:
    """One contrast over the grid as a sentence."""
    if effect["difference"] == effect["low"] == effect["high"] == 0:
        return f"{instead(effect)}: no difference at all, the same function."
    points = f"{instead(effect)}: {number(effect['difference'], 'points')} points "
    points += interval(effect["low"], effect["high"], "points")
    if effect["p_holm"] < LEVEL:
        return f"{points}."
    if effect["p"] < LEVEL:
        return f"{points}, which is not beyond chance where several choices are compared."
    return f"{points}, which can be chance."


def _reservations(scored: pd.DataFrame) -> Iterator[str]:
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


def warnings(found: Findings) -> Iterator[str]:
    """What the data are not, and what is lacking."""
    comparison = found.comparison
    if found.data.mark:
        yield (
            "The cells are drawings. The scores show that the software works; they say nothing "
            "about blood cells and are not compared with those of any study."
        )
    if wrong := below_zero(found.evidence):
        named = wrong[0] if len(wrong) == 1 else f"{wrong[0]} and {len(wrong) - 1} more"
        yield f"In {plural(len(wrong), 'trial')} ({named}) {_RAW_LOGITS}"
    lacking = [
        f"{comparison[name].sum():,} {name}"
        for name in ("failed", MISSING, UNREADABLE)
        if comparison[name].any()
    ]
    if lacking:
        planned = plural(int(comparison["seeds_planned"].sum()), "planned trial")
        yield f"Of {planned}: {', '.join(lacking)}; see “Trials that are not in the comparison”."


def same_function(found: Findings, noise: pd.DataFrame) -> Iterator[str]:
    """What CrossEntropy and NLLLoss have in common, what was found, and what follows.

    Args:
        found: with `twins` that are not empty.
        noise: from `twins.noise_floor`.
    """
    total, differing = found.twins["predictions"].sum(), found.twins["differing"].sum()
    yield (
        "CrossEntropy on logits and NLLLoss on a log-softmax are the same function, computed in "
        "another place. Two configurations that differ in it alone, with the same seed, on the "
        f"same machine, should predict the same. Of {plural(int(total), 'prediction')} on test, "
        f"{differing:,} differ; 0 are expected."
    )
    apart = found.twins[found.twins["differing"] > 0]
    for cause, pairs in apart.groupby([_cause(pair) for pair in apart.itertuples()], sort=False):
        names = zip(pairs["cross_entropy"], pairs["nll"], strict=True)
        yield f"{'; '.join(f'{one} and {other}' for one, other in names)}: {cause}"
    if found.data.mark or noise.empty:
        return
    yield (
        "The paper compares such configurations (1 with 3, 2 with 4) as if the loss made them "
        "differ. What differs between its rows is the seed, so its differences are held against "
        "how far two runs of one function lie apart with our seeds: up to the limit in 95 % of "
        "cases, by the spread of the weighted F1 over seeds, pooled in each family."
    )
    if noise["limit"].isna().all():
        yield "One seed has no spread: the limit takes --seeds 2 or more."


def _cause(pair: Any) -> str:
    """Why two configurations that should be one function are not."""
    if pair.below_zero:
        return _RAW_LOGITS
    if pair.first_loss <= ROUNDING:
        return (
            "they start alike and drift apart, which is rounding. Either they ran on different "
            "hardware, or one computes the log-softmax in another way, for example twice, which "
            "changes nothing but the last digits."
        )
    return (
        "they differ from the first epoch on, so they are not the same function. Look at what "
        "the two models end in."
    )
