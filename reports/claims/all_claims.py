"""Each claim of the published study, with what this study measured and a verdict.

A verdict is of this study's trials and data. "Cannot tell" is a verdict too: the study lacks the
trials, or the seeds, or the difference is too small for them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations, product

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import CLASS_PRECISIONS, BootstrapScores
from reports.analysis.error_patterns import count_confusion_errors
from reports.analysis.intervals import ALPHA, adjust_holm
from reports.claims.claim import (
    NUMBER_COLUMNS,
    Claim,
    Verdict,
    describe_missing,
    explain_one_seed,
    format_points,
    is_above,
    is_below,
    judge_all_above,
    list_configurations,
    list_families,
    make_equivalence_keys,
    measure_contrasts,
)
from reports.claims.confusion import judge_central_class, judge_perfect_class, judge_same_pattern
from reports.claims.convergence import judge_faster_convergence, judge_smoother_curves
from reports.format.text import make_class_label
from reports.format.units import format_count, format_interval, format_number
from reports.ledger.loading import LoadedStudy

SIMILARITY_MARGIN = 0.01
"""Of macro F1: scores closer than one point count as similar."""


def judge_claims(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> list[Claim]:
    """The paper's eight claims in its order of importance.

    Args:
        loaded_study: Files of the study, of published trials only.
        bootstrap: Scores of its trials.
    """
    predictions, equivalence_keys = loaded_study.predictions, make_equivalence_keys(loaded_study)
    errors = count_confusion_errors(predictions)
    names = loaded_study.study.data.class_names
    labels = tuple(make_class_label(i, name) for i, name in enumerate(names))
    return [
        judge_better_family(bootstrap),
        judge_better_precision(bootstrap, labels),
        judge_smoother_curves(loaded_study),
        judge_faster_convergence(loaded_study),
        judge_similar_scores(bootstrap, equivalence_keys),
        judge_central_class(predictions, errors),
        judge_perfect_class(predictions),
        judge_same_pattern(predictions, errors, equivalence_keys),
    ]


def make_claims_frame(judged_claims: Sequence[Claim]) -> pd.DataFrame:
    """What the claims rest on, in one frame: a row a number, at least one row a claim."""
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
    """The CNN beats the MLNN: each pair of one each is separated in macro F1; `judge_all_above`."""
    make_claim = partial(
        Claim, statement="The CNN beats the MLNN in every configuration.", paper_sections="4.3, 5"
    )
    cnn, mlnn = list_configurations(bootstrap, "cnn"), list_configurations(bootstrap, "mlnn")
    if missing := [family for family, names in (("cnn", cnn), ("mlnn", mlnn)) if not names]:
        return make_claim(evidence=describe_missing(missing))
    rows = measure_contrasts(
        bootstrap,
        {f"macro F1, {a} - {b}": ("macro_f1", {a: 1, b: -1}) for a, b in product(cnn, mlnn)},
    )
    if rows.empty:
        return make_claim(evidence="No CNN and MLNN have a finished seed in common.")
    text = (
        f"In {is_above(rows).sum()} of {format_count(len(rows), 'pair')} the CNN is separated "
        f"above the MLNN, in {is_below(rows).sum()} below. The differences in macro F1 are "
        f"{_format_range(rows)} points, their 95 % intervals within {_format_bounds(rows)}; the "
        f"largest p after Holm's correction is {format_number(rows['p_holm'].max(), 'p')}."
    )
    return make_claim(
        verdict=judge_all_above(rows), evidence=_add_seed_caveat(text, rows), numbers=rows
    )


def judge_better_precision(bootstrap: BootstrapScores, labels: tuple[str, ...]) -> Claim:
    """The CNNs' mean precision is above the MLNNs' in each of the eight classes; `judge_all_above`.

    Args:
        bootstrap: of the study.
        labels: of the classes.
    """
    make_claim = partial(
        Claim, statement="The CNN has the higher precision in each class.", paper_sections="4.3"
    )
    cnn, mlnn = list_configurations(bootstrap, "cnn"), list_configurations(bootstrap, "mlnn")
    if missing := [family for family, selection in (("cnn", cnn), ("mlnn", mlnn)) if not selection]:
        return make_claim(evidence=describe_missing(missing))
    weights = {name: 1 / len(cnn) for name in cnn} | {name: -1 / len(mlnn) for name in mlnn}
    contrast_by_quantity = {
        f"precision of {label}, CNN - MLNN": (precision, weights)
        for precision, label in zip(CLASS_PRECISIONS, labels, strict=True)
    }
    rows = measure_contrasts(bootstrap, contrast_by_quantity)
    if rows.empty:
        return make_claim(evidence="No seed was finished by all CNNs and MLNNs.")
    rows = rows.assign(class_label=labels)
    significant = is_above(rows)
    text = "The mean precision of the CNNs is separated above that of the MLNNs in "
    text += (
        f"{significant.sum()} of 8 classes, below it in {is_below(rows).sum()}. The differences "
    )
    text += f"are {_format_range(rows)} points."
    for heading, is_selected in (
        ("Below", is_below(rows)),
        ("Not separated", ~significant & ~is_below(rows)),
    ):
        items = [
            f"{row['class_label']} {format_points(row)}"
            for row in rows[is_selected].to_dict("records")
        ]
        text += f" {heading}: {'; '.join(items)}." if items else ""
    return make_claim(
        verdict=judge_all_above(rows),
        evidence=_add_seed_caveat(text, rows),
        numbers=rows[[*NUMBER_COLUMNS]],
    )


def judge_similar_scores(bootstrap: BootstrapScores, equivalence_keys: Mapping[str, str]) -> Claim:
    """Within a family all configurations score alike, to `SIMILARITY_MARGIN`.

    Supported if the 95 % interval of every pair's difference in macro F1 is within the margin;
    contradicted if that of some pair is beyond it whole, and p < ALPHA after Holm's correction;
    one seed tells nothing. Pairs that are the same function twice are counted and left out.

    Args:
        bootstrap: of the study.
        equivalence_keys: from `make_equivalence_keys`.
    """
    make_claim = partial(
        Claim,
        statement="Given enough epochs, the configurations of a family reach similar F1.",
        paper_sections="4.1, 4.2, 5",
    )
    rows, n_equivalent = _compare_within_families(bootstrap, equivalence_keys)
    note = ""
    if n_equivalent:
        note = (
            f" In {format_count(n_equivalent, 'pair')} the loss alone differs: the same function "
            "twice, and a difference of exactly 0."
        )
    if rows.empty:
        reason = "No family has two different configurations with a finished seed in common."
        return make_claim(evidence=f"{reason}{note}")
    inside = (rows["low"] >= -SIMILARITY_MARGIN) & (rows["high"] <= SIMILARITY_MARGIN)
    outside = (rows["low"] > SIMILARITY_MARGIN) | (rows["high"] < -SIMILARITY_MARGIN)
    differs = outside & (rows["p_holm"] < ALPHA)
    verdict: Verdict = "cannot tell"
    if rows["seeds"].min() > 1 and (inside.all() or differs.any()):
        verdict = "supported" if inside.all() else "contradicted"
    text = (
        f"Of {format_count(len(rows), 'pair')} within a family, {inside.sum()} differ by less than "
        f"a point of macro F1 with 95 % confidence, {differs.sum()} by more; "
        f"{(~inside & ~differs).sum()} cannot be told. The differences are {_format_range(rows)} "
        f"points, their 95 % intervals within {_format_bounds(rows)}.{note}"
    )
    return make_claim(verdict=verdict, evidence=_add_seed_caveat(text, rows), numbers=rows)


def _compare_within_families(
    bootstrap: BootstrapScores, equivalence_keys: Mapping[str, str]
) -> tuple[pd.DataFrame, int]:
    """Every pair of a family, and how many more are the same function with a difference of 0."""
    pairs = {
        f"macro F1, {a} - {b}": (a, b)
        for family in list_families(bootstrap)
        for a, b in combinations(list_configurations(bootstrap, family), 2)
    }
    rows = measure_contrasts(
        bootstrap, {quantity: ("macro_f1", {a: 1, b: -1}) for quantity, (a, b) in pairs.items()}
    )
    is_equivalent = [
        equivalence_keys[a] == equivalence_keys[b]
        for a, b in map(pairs.__getitem__, rows["quantity"])
    ]
    is_identical = np.array(is_equivalent, dtype=bool) & (rows[["value", "low", "high"]] == 0).all(
        axis=1
    )
    different = rows[~is_identical]
    return different.assign(p_holm=adjust_holm(different["p"].to_numpy(dtype=np.float64))), int(
        is_identical.sum()
    )


def _format_range(rows: pd.DataFrame) -> str:
    """`+5.90 to +9.10`; one number where there is one."""
    low, high = (
        format_number(bound, "points") for bound in (rows["value"].min(), rows["value"].max())
    )
    return low if low == high else f"{low} to {high}"


def _format_bounds(rows: pd.DataFrame) -> str:
    return format_interval(rows["low"].min(), rows["high"].max(), "points")


def _add_seed_caveat(text: str, rows: pd.DataFrame) -> str:
    return f"{text} {explain_one_seed(rows)}" if rows["seeds"].min() < 2 else text
