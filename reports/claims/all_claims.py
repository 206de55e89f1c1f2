"""Judge each claim of the paper by the trials and the data of a study.

The verdict is "inconclusive" if the study lacks trials or replicates, or if it has too few to
decide. It is also "inconclusive" if a trial ended at the epoch limit: the paper's claims are about
models that were trained until they stopped improving. More epochs can change what each of the eight
measures: the levels of the scores, the lowest loss of the curves, and which errors remain.
`docs/explanation/statistics.md` gives the reason for each claim.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product

import pandas as pd

from reports.analysis.bootstrap import BootstrapScores, name_class_precisions
from reports.analysis.epoch_limit import EpochLimit, count_limited_trials
from reports.analysis.error_patterns import count_confusion_errors
from reports.analysis.intervals import ALPHA
from reports.claims.claim import (
    NUMBER_COLUMNS,
    Claim,
    Verdict,
    describe_missing,
    explain_one_replicate,
    is_above,
    is_below,
    judge_all_above,
    list_families,
    list_models,
    make_equivalence_keys,
    measure_contrasts,
)
from reports.claims.confusion import judge_central_class, judge_perfect_class, judge_same_pattern
from reports.claims.convergence import judge_faster_convergence, judge_smoother_curves
from reports.format.text import make_class_label
from reports.format.units import choose_decimals, format_count, format_interval, format_number
from reports.ledger.loading import LoadedStudy, select_trials

SIMILARITY_MARGIN = 0.01
"""Difference of macro F1 (a fraction) below which two scores count as similar: one point."""


def judge_claims(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> list[Claim]:
    """Judge the eight claims of the paper, in the paper's order of importance.

    Configurations that train the same model count once.

    Args:
        loaded_study: Files of the study, with only the published trials.
        bootstrap: Scores of its trials.
    """
    loaded_study = select_trials(
        loaded_study,
        bootstrap.trials[bootstrap.trials["configuration"].isin(bootstrap.models)]["id"],
    )
    predictions, equivalence_keys = loaded_study.predictions, make_equivalence_keys(loaded_study)
    errors = count_confusion_errors(predictions)
    names = loaded_study.study.data.class_names
    labels = tuple(make_class_label(i, name) for i, name in enumerate(names))
    judged_claims = [
        judge_better_family(bootstrap),
        judge_better_precision(bootstrap, labels),
        judge_smoother_curves(loaded_study),
        judge_faster_convergence(loaded_study),
        judge_similar_scores(bootstrap),
        judge_central_class(predictions, errors),
        judge_perfect_class(predictions),
        judge_same_pattern(predictions, errors, equivalence_keys),
    ]
    limit = count_limited_trials(loaded_study)
    return [withhold_verdict(claim, limit) for claim in judged_claims]


def withhold_verdict(claim: Claim, limit: EpochLimit) -> Claim:
    """Return the claim as "inconclusive" if a trial ended at the epoch limit, with its numbers.

    After four epochs, a study would contradict that all configurations reach similar scores, or
    support that one family is better, only because the slower ones have not converged.
    """
    if not limit.n_limited:
        return claim
    reason = (
        f"Not decided: {limit.n_limited} of {format_count(limit.n_complete, 'trial')} ended at the "
        "epoch limit."
    )
    return replace(
        claim,
        verdict="inconclusive",
        evidence=f"{reason} {claim.evidence}",
        n_limited=limit.n_limited,
    )


def make_claims_frame(judged_claims: Sequence[Claim]) -> pd.DataFrame:
    """Return the numbers of all claims in one frame, with at least one row per claim."""
    blank_row = pd.DataFrame([dict.fromkeys(NUMBER_COLUMNS)])
    frames = [
        (claim.numbers if len(claim.numbers) else blank_row)
        .reindex(columns=[*NUMBER_COLUMNS])
        .assign(claim=i, statement=claim.statement, verdict=claim.verdict)
        for i, claim in enumerate(judged_claims, start=1)
    ]
    columns = ["claim", "statement", "verdict", *NUMBER_COLUMNS]
    rows = [row for frame in frames for row in frame[columns].to_dict("records")]
    return pd.DataFrame(rows, columns=columns)


def judge_better_family(bootstrap: BootstrapScores) -> Claim:
    """Judge whether every CNN has a higher macro F1 than every MLNN, by `judge_all_above`."""
    make_claim = partial(
        Claim,
        statement="The CNN outperforms the MLNN in every configuration.",
        paper_sections="4.3, 5",
    )
    cnn, mlnn = list_models(bootstrap, "cnn"), list_models(bootstrap, "mlnn")
    if missing := [family for family, names in (("cnn", cnn), ("mlnn", mlnn)) if not names]:
        return make_claim(evidence=describe_missing(missing))
    rows = measure_contrasts(
        bootstrap,
        {f"macro F1, {a} - {b}": ("macro_f1", {a: 1, b: -1}) for a, b in product(cnn, mlnn)},
    )
    if rows.empty:
        return make_claim(
            evidence="No CNN and MLNN configurations have a complete replicate in common."
        )
    text = (
        f"The CNN has a significantly higher macro F1 than the MLNN in {is_above(rows).sum()} of "
        f"{format_count(len(rows), 'pair')} and a significantly lower one in "
        f"{is_below(rows).sum()} (largest Holm-adjusted p: "
        f"{format_number(rows['p_holm'].max(), 'p')}). {_describe_differences(rows)}"
    )
    return make_claim(
        verdict=judge_all_above(rows), evidence=_add_replicate_caveat(text, rows), numbers=rows
    )


def judge_better_precision(bootstrap: BootstrapScores, labels: tuple[str, ...]) -> Claim:
    """Judge whether CNNs have a higher mean precision in every class, by `judge_all_above`.

    Args:
        bootstrap: Scores of the study's trials.
        labels: Labels of the classes.
    """
    make_claim = partial(
        Claim,
        statement="The CNN has a higher precision than the MLNN in every class.",
        paper_sections="4.3",
    )
    cnn, mlnn = list_models(bootstrap, "cnn"), list_models(bootstrap, "mlnn")
    if missing := [family for family, selection in (("cnn", cnn), ("mlnn", mlnn)) if not selection]:
        return make_claim(evidence=describe_missing(missing))
    weights = {name: 1 / len(cnn) for name in cnn} | {name: -1 / len(mlnn) for name in mlnn}
    contrast_by_quantity = {
        f"precision of {label}, CNN - MLNN": (precision, weights)
        for precision, label in zip(name_class_precisions(len(labels)), labels, strict=True)
    }
    rows = measure_contrasts(bootstrap, contrast_by_quantity)
    if rows.empty:
        return make_claim(evidence="No replicate is complete for all CNN and MLNN configurations.")
    rows = rows.assign(class_label=labels)
    significant, decimals = is_above(rows), choose_decimals(rows["low"], rows["high"])
    text = (
        "The mean precision of the CNNs is significantly higher than that of the MLNNs in "
        f"{significant.sum()} of 8 classes and significantly lower in {is_below(rows).sum()}. The "
        f"differences are {_format_range(rows)} points."
    )
    for heading, is_selected in (
        ("Significantly lower", is_below(rows)),
        ("Not significantly different", ~significant & ~is_below(rows)),
    ):
        items = [
            f"{row['class_label']} {format_number(row['value'], 'points', decimals=decimals)} "
            f"{format_interval(row['low'], row['high'], 'points', decimals=decimals)}"
            for row in rows[is_selected].to_dict("records")
        ]
        if items:
            text += f" {heading} (points, 95% confidence interval): {'; '.join(items)}."
    return make_claim(
        verdict=judge_all_above(rows),
        evidence=_add_replicate_caveat(text, rows),
        numbers=rows[[*NUMBER_COLUMNS]],
    )


def judge_similar_scores(bootstrap: BootstrapScores) -> Claim:
    """Judge whether all models of a family have similar scores.

    The verdict is "supported" if the 95% confidence interval of every pair's difference in macro
    F1 is within `SIMILARITY_MARGIN`. It is "contradicted" if the interval of a pair is entirely
    outside the margin and its Holm-adjusted p < ALPHA. It is "inconclusive" with one replicate.
    Configurations that train the same model are counted.
    """
    make_claim = partial(
        Claim,
        statement="Given enough epochs, all configurations of a family reach similar F1 scores.",
        paper_sections="4.1, 4.2, 5",
    )
    rows = measure_contrasts(
        bootstrap,
        {
            f"macro F1, {a} - {b}": ("macro_f1", {a: 1, b: -1})
            for family in list_families(bootstrap)
            for a, b in combinations(list_models(bootstrap, family), 2)
        },
    )
    note = ""
    if n_copies := len(bootstrap.representatives) - len(bootstrap.models):
        note = (
            f" {format_count(n_copies, 'configuration')} more train the same model as another one, "
            "so the difference is exactly 0."
        )
    if rows.empty:
        reason = "No family has two different models with a complete replicate in common."
        return make_claim(evidence=f"{reason}{note}")
    inside = (rows["low"] >= -SIMILARITY_MARGIN) & (rows["high"] <= SIMILARITY_MARGIN)
    outside = (rows["low"] > SIMILARITY_MARGIN) | (rows["high"] < -SIMILARITY_MARGIN)
    differs = outside & (rows["p_holm"] < ALPHA)
    verdict: Verdict = "inconclusive"
    if rows["replicates"].min() > 1 and (inside.all() or differs.any()):
        verdict = "supported" if inside.all() else "contradicted"
    text = (
        f"Within a family, the difference in macro F1 is less than one point in {inside.sum()} of "
        f"{format_count(len(rows), 'pair')} (95% confidence). It is more than one point in "
        f"{differs.sum()}, and inconclusive in {(~inside & ~differs).sum()}. "
        f"{_describe_differences(rows)}{note}"
    )
    return make_claim(verdict=verdict, evidence=_add_replicate_caveat(text, rows), numbers=rows)


def _describe_differences(rows: pd.DataFrame) -> str:
    """Return a sentence with the range of the differences in macro F1 and of their intervals."""
    decimals = choose_decimals(rows["low"], rows["high"])
    ends = rows["low"].min(), rows["high"].max()
    interval = format_interval(*ends, "points", decimals=decimals)
    if len(rows) == 1:
        return (
            f"The difference is {_format_range(rows)} points (95% confidence interval {interval})."
        )
    return (
        f"The differences are {_format_range(rows)} points, with 95% confidence intervals within "
        f"{interval}."
    )


def _format_range(rows: pd.DataFrame) -> str:
    """Format as `+5.90 to +9.10`, or as one number if both ends are equal."""
    decimals = choose_decimals(rows["low"], rows["high"])
    low, high = (
        format_number(bound, "points", decimals=decimals)
        for bound in (rows["value"].min(), rows["value"].max())
    )
    return low if low == high else f"{low} to {high}"


def _add_replicate_caveat(text: str, rows: pd.DataFrame) -> str:
    return f"{text} {explain_one_replicate(rows)}" if rows["replicates"].min() < 2 else text
