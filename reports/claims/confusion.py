"""Judge the paper's claims about the confusion matrices."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis.error_patterns import (
    CENTRAL_CLASS,
    AnyFloatArray,
    ConfusionErrors,
    LeadOverRunnerUp,
    compute_error_shares,
    compute_lead,
    compute_mistaken_shares,
)
from reports.analysis.intervals import ALPHA, Estimate
from reports.analysis.pattern_correlation import MIN_SAME_CORRELATION, correlate_patterns
from reports.claims.claim import (
    NO_TRIAL_TEXT,
    NUMBER_COLUMNS,
    Claim,
    Verdict,
    explain_one_replicate,
    format_plain,
    format_plain_interval,
    format_points,
    is_below,
    make_numbers_frame,
)
from reports.format.text import label
from reports.format.units import choose_decimals, format_count, format_number
from reports.ledger import published
from reports.ledger.test_predictions import TestPredictions

PERFECT_CLASS = 7
"""Class that the paper calls perfectly classified."""


def judge_central_class(predictions: TestPredictions, errors: ConfusionErrors) -> Claim:
    """Judge whether class 3 is the center of confusion in every family.

    Three shares are measured per family, each minus the share of the runner-up class: the errors
    that involve class 3, the errors on class 0 predicted as class 3, and the errors on class 5
    predicted as class 3. The verdict is "supported" if the 95% confidence interval of the first
    is above 0 and the means of the other two are above 0. It is "contradicted" if any is
    significantly below 0 (Holm-adjusted p < ALPHA), and "inconclusive" with one replicate.
    """
    make_claim = partial(
        Claim,
        statement="Class 3 is the central source of confusion.",
        paper_sections="4.1, 4.2, 4.3",
    )
    rows: dict[str, Estimate] = {}
    texts, supported = [], []
    for family, names in _group_by_family(predictions).items():
        ((counts, resampled),) = errors.sum_groups(names)
        if not counts.any():
            supported.append(False)
            texts.append(
                f"{label(family)}: no errors, or no replicate that is complete for every "
                "configuration."
            )
            continue
        leads = {
            part: compute_lead(share(counts), share(resampled))
            for part, share in _SHARE_FUNCTIONS.items()
        }
        supported.append(leads["errors"].margin.low > 0 and _is_always_ahead(leads))
        texts.append(f"{label(family)}: {_format_leads(leads)}")
        for part, part_lead in leads.items():
            rows[
                f"share of {part}, {label(family)}: class {CENTRAL_CLASS} - {part_lead.runner_up}"
            ] = part_lead.margin
    if not rows:
        return make_claim(evidence=" ".join(texts) or NO_TRIAL_TEXT)
    numbers = make_numbers_frame(rows)
    verdict: Verdict = "inconclusive"
    if numbers["replicates"].min() < 2:
        texts.append(explain_one_replicate(numbers))
    elif is_below(numbers).any() or all(supported):
        verdict = "supported" if all(supported) else "contradicted"
    return make_claim(verdict=verdict, evidence=" ".join(texts), numbers=numbers)


_SHARE_FUNCTIONS: Mapping[str, Callable[[AnyFloatArray], FloatArray]] = {
    "errors": compute_error_shares,
    "errors on class 0": partial(compute_mistaken_shares, true=0),
    "errors on class 5": partial(compute_mistaken_shares, true=5),
}


def _group_by_family(predictions: TestPredictions) -> dict[str, list[str]]:
    """Return the names of each family's configurations, in the order of the plan."""
    names = predictions.trials.groupby("family", sort=False)["configuration"].unique()
    return {str(family): family_names.tolist() for family, family_names in names.items()}


def _is_always_ahead(leads: Mapping[str, LeadOverRunnerUp]) -> bool:
    return all(part_lead.margin.mean > 0 for part_lead in leads.values())


def _format_leads(leads: Mapping[str, LeadOverRunnerUp]) -> str:
    overall = leads["errors"]
    share, runner_up_share = _format_shares(overall)
    texts = [
        f"class {CENTRAL_CLASS} is involved in {share}% of the errors and class "
        f"{overall.runner_up} in {runner_up_share}%, a difference of "
        f"{format_points(_make_interval_row(overall.margin))}."
    ]
    for class_name in ("class 0", "class 5"):
        part_lead = leads[f"errors on {class_name}"]
        interval_note = ""
        if part_lead.margin.low <= 0 <= part_lead.margin.high:
            interval_note = "; the 95% confidence interval of the difference includes 0"
        share, runner_up_share = _format_shares(part_lead)
        texts.append(
            f"On {class_name}, {share}% of the errors are "
            f"predictions of class {CENTRAL_CLASS} and {runner_up_share}% of class "
            f"{part_lead.runner_up}{interval_note}."
        )
    return " ".join(texts)


def _format_shares(lead: LeadOverRunnerUp) -> list[str]:
    """Format both shares in percent, with the decimals of the interval of their difference."""
    decimals = choose_decimals([lead.margin.low], [lead.margin.high])
    shares = lead.share, lead.runner_up_share
    return [format_number(share, "percent", decimals=decimals) for share in shares]


def _make_interval_row(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.mean, "low": estimate.low, "high": estimate.high}


def judge_perfect_class(predictions: TestPredictions) -> Claim:
    """Judge whether no trial errs on class 7; one error is enough to contradict it."""
    make_claim = partial(
        Claim,
        statement="Class 7 is perfectly classified in every configuration.",
        paper_sections="4.1, 4.2",
    )
    is_class = predictions.labels == PERFECT_CLASS
    n_images, n_trials = int(is_class.sum()), len(predictions.trials)
    if not n_images * n_trials:
        return make_claim(
            evidence=NO_TRIAL_TEXT if not n_trials else "The test split has no image of class 7."
        )
    predicted = predictions.predicted_classes
    wrong = (predicted[:, is_class] != PERFECT_CLASS).sum(axis=1)
    n_mistaken = int((predicted[:, ~is_class] == PERFECT_CLASS).sum())
    n_wrong, n_erring_trials = int(wrong.sum()), int((wrong > 0).sum())
    total_text = (
        f"{n_images * n_trials:,} predictions on class 7 ({format_count(n_trials, 'trial')})"
    )
    if n_wrong:
        text = f"{n_wrong:,} of {total_text} {'is' if n_wrong == 1 else 'are'} wrong, in "
        text += f"{format_count(n_erring_trials, 'trial')}."
    else:
        low = (ALPHA / 2) ** (1 / n_images)
        text = (
            f"All {total_text} are correct. With 95% confidence, the recall of a trial without "
            f"errors on {format_count(n_images, 'image')} is at least "
            f"{format_number(low, 'percent')}% (Clopper-Pearson interval)."
        )
    text += (
        f" Class 7 was predicted for images of other classes in {format_count(n_mistaken, 'case')}."
    )
    counts = {
        "errors on class 7": n_wrong,
        "trials with errors on class 7": n_erring_trials,
        "images of other classes predicted as class 7": n_mistaken,
    }
    return make_claim(
        verdict="contradicted" if n_wrong else "supported",
        evidence=f"{text} {_describe_published_errors()}".strip(),
        numbers=pd.DataFrame({"quantity": [*counts], "value": [*counts.values()]}),
    )


def _describe_published_errors() -> str:
    """Return a sentence on the errors that the matrices of the paper have and its text denies."""
    error_texts = [
        f"{row.confusion[PERFECT_CLASS][PERFECT_CLASS]} of {sum(row.confusion[PERFECT_CLASS])} for "
        f"{row.configuration}"
        for row in published.load_published().rows
        if row.confusion[PERFECT_CLASS][PERFECT_CLASS] < sum(row.confusion[PERFECT_CLASS])
    ]
    if not error_texts:
        return ""
    return (
        "The paper's own confusion matrices contradict this claim; their correct predictions on "
        f"class 7 are {', '.join(error_texts)}."
    )


def judge_same_pattern(
    predictions: TestPredictions, errors: ConfusionErrors, equivalence_keys: Mapping[str, str]
) -> Claim:
    """Judge whether all configurations of a family have the same pattern of confusion.

    The pattern is the 56 off-diagonal cells, summed over replicates. Two patterns are compared by
    Pearson's correlation, corrected for noise. The verdict is "supported" if the 95% confidence
    intervals of all pairs are above `MIN_SAME_CORRELATION`. It is "contradicted" if the correlation
    of any pair is significantly below it (Holm-adjusted p < ALPHA), and "inconclusive" with one
    replicate. For 40 simulated studies with equal expected patterns, 0 are contradicted, and 15
    without the correction (tests/slow/test_same_pattern.py, even pattern).

    Args:
        predictions: Predictions of the study on test.
        errors: Errors from `count_confusion_errors`.
        equivalence_keys: Keys from `claim.make_equivalence_keys`; pairs of equal keys are left
            out.
    """
    make_claim = partial(
        Claim,
        statement="The pattern of confusion is the same across the configurations of a family.",
        paper_sections="4.1",
    )
    families = _group_by_family(predictions)
    correlations = {
        f"r of {a} and {b}": correlate_patterns(errors, [a], [b])
        for names in families.values()
        for a, b in combinations(names, 2)
        if equivalence_keys[a] != equivalence_keys[b]
    }
    rows = {quantity: r for quantity, r in correlations.items() if r is not None}
    if not rows:
        return make_claim(evidence=_NO_PAIR_TEXT if families else NO_TRIAL_TEXT)
    numbers = make_numbers_frame(rows)
    low, high = format_plain(numbers["low"].min()), format_plain(numbers["high"].max())
    text = (
        f"The correlation r, corrected for noise, is {_format_span(numbers['value'])} in "
        f"{format_count(len(rows), 'pair')} of configurations within a family that differ in more "
        f"than the loss; the 95% confidence intervals extend from {low} to {high}."
    )
    if n_unknown := len(correlations) - len(rows):
        text += f" It is unknown for {format_count(n_unknown, 'pair')} with few or no errors."
    is_low = (numbers["value"] < MIN_SAME_CORRELATION) & (numbers["p_holm"] < ALPHA)
    verdict: Verdict = "inconclusive"
    if numbers["replicates"].min() < 2:
        text += f" {explain_one_replicate(numbers)}"
    elif is_low.any():
        verdict = "contradicted"
    elif (numbers["low"] > MIN_SAME_CORRELATION).all() and not n_unknown:
        verdict = "supported"
    if (
        len(families) == 2
        and (correlation := correlate_patterns(errors, *families.values())) is not None
    ):
        row = _make_interval_row(correlation) | {
            "p": correlation.p,
            "replicates": correlation.replicates,
        }
        row["quantity"] = f"r of {' and '.join(map(label, families))}"
        numbers = pd.DataFrame([*numbers.to_dict("records"), row], columns=[*NUMBER_COLUMNS])
        text += f" Between the two families, r is {format_plain_interval(row)}."
    return make_claim(verdict=verdict, evidence=text, numbers=numbers)


_NO_PAIR_TEXT = (
    "No two configurations of a family differ in more than the loss, share a complete replicate, "
    "and have enough errors to compare their patterns."
)


def _format_span(values: "pd.Series[float]") -> str:
    """Format as `0.93 to 0.98`, or as one number if both ends are equal."""
    low, high = format_plain(values.min()), format_plain(values.max())
    return low if low == high else f"{low} to {high}"
