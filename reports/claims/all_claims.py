"""Each claim of the published study, with what this study measured and a verdict.

A verdict is of this study's trials and data. "Cannot tell" is a verdict too: the study lacks the
trials, or the seeds, or the difference is too small for them.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations, product

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import PRECISIONS, Sampled
from reports.analysis.error_patterns import mistakes
from reports.analysis.intervals import LEVEL, holm
from reports.claims.claim import (
    MEASURED,
    Claim,
    Verdict,
    above,
    all_above,
    below,
    configurations,
    contrasts,
    families,
    functions,
    in_points,
    lacks,
    one_seed,
)
from reports.claims.confusion import central_class, perfect_class, same_pattern
from reports.claims.convergence import faster_convergence, smoother_curves
from reports.format.text import class_label
from reports.format.units import interval, number, plural
from reports.ledger import published
from reports.ledger.loading import Evidence

MARGIN = 0.01
"""Of macro F1: scores closer than one point count as similar."""


def published_part(evidence: Evidence) -> Evidence:
    """The trials whose settings the paper gives; none of drawn cells."""
    judged = {
        trial.id
        for trial in evidence.study.trials
        if evidence.study.data.kind != "rendered" and published.find(trial.config) is not None
    }
    tested = evidence.tested
    kept = tested.trials["id"].isin(judged).to_numpy()
    return replace(
        evidence,
        study=replace(
            evidence.study, trials=tuple(t for t in evidence.study.trials if t.id in judged)
        ),
        records={key: record for key, record in evidence.records.items() if key in judged},
        epochs={key: own for key, own in evidence.epochs.items() if key in judged},
        tested=replace(
            tested,
            trials=tested.trials[kept].reset_index(drop=True),
            probabilities=tested.probabilities[kept],
        ),
    )


def claims(evidence: Evidence, sampled: Sampled) -> list[Claim]:
    """The paper's eight claims in its order of importance.

    Args:
        evidence: from `published_part`.
        sampled: its scores.
    """
    tested, same = evidence.tested, functions(evidence)
    found = mistakes(tested)
    names = evidence.study.data.class_names
    labels = tuple(class_label(i, name) for i, name in enumerate(names))
    return [
        better_family(sampled),
        better_precision(sampled, labels),
        smoother_curves(evidence),
        faster_convergence(evidence),
        similar_scores(sampled, same),
        central_class(tested, found),
        perfect_class(tested),
        same_pattern(tested, found, same),
    ]


def numbers(found: list[Claim]) -> pd.DataFrame:
    """What the claims rest on, in one frame: a row a number, at least one row a claim."""
    blank = pd.DataFrame([dict.fromkeys(MEASURED)])
    frames = [
        (claim.numbers if len(claim.numbers) else blank)
        .reindex(columns=[*MEASURED])
        .assign(claim=i, statement=claim.statement, verdict=claim.verdict)
        for i, claim in enumerate(found, start=1)
    ]
    columns = ["claim", "statement", "verdict", *MEASURED]
    rows = [row for frame in frames for row in frame[columns].to_dict("records")]
    return pd.DataFrame(rows, columns=columns)


def better_family(sampled: Sampled) -> Claim:
    """The CNN beats the MLNN: every pair of one each is separated in macro F1; `all_above`."""
    said = partial(
        Claim, statement="The CNN beats the MLNN in every configuration.", where="4.3, 5"
    )
    cnn, mlnn = configurations(sampled, "cnn"), configurations(sampled, "mlnn")
    if lacking := [f for f, own in (("cnn", cnn), ("mlnn", mlnn)) if not own]:
        return said(evidence=lacks(lacking))
    rows = contrasts(
        sampled,
        {f"macro F1, {a} - {b}": ("macro_f1", {a: 1, b: -1}) for a, b in product(cnn, mlnn)},
    )
    if rows.empty:
        return said(evidence="No CNN and MLNN have a finished seed in common.")
    text = (
        f"In {above(rows).sum()} of {plural(len(rows), 'pair')} the CNN is separated above the "
        f"MLNN, in {below(rows).sum()} below. The differences in macro F1 are {_range(rows)} "
        f"points, their 95 % intervals within {_ends(rows)}; the largest p after Holm's "
        f"correction is {number(rows['p_holm'].max(), 'p')}."
    )
    return said(verdict=all_above(rows), evidence=_seeded(text, rows), numbers=rows)


def better_precision(sampled: Sampled, labels: tuple[str, ...]) -> Claim:
    """The CNNs' mean precision is above the MLNNs' in each of the eight classes; `all_above`.

    Args:
        sampled: of the study.
        labels: of the classes.
    """
    said = partial(Claim, statement="The CNN has the higher precision in each class.", where="4.3")
    cnn, mlnn = configurations(sampled, "cnn"), configurations(sampled, "mlnn")
    if lacking := [f for f, own in (("cnn", cnn), ("mlnn", mlnn)) if not own]:
        return said(evidence=lacks(lacking))
    weights = {name: 1 / len(cnn) for name in cnn} | {name: -1 / len(mlnn) for name in mlnn}
    wanted = {
        f"precision of {label}, CNN - MLNN": (precision, weights)
        for precision, label in zip(PRECISIONS, labels, strict=True)
    }
    rows = contrasts(sampled, wanted)
    if rows.empty:
        return said(evidence="No seed was finished by all CNNs and MLNNs.")
    rows = rows.assign(label=labels)
    separated = above(rows)
    text = "The mean precision of the CNNs is separated above that of the MLNNs in "
    text += f"{separated.sum()} of 8 classes, below it in {below(rows).sum()}. The differences "
    text += f"are {_range(rows)} points."
    for words, own in (("Below", below(rows)), ("Not separated", ~separated & ~below(rows))):
        listed = [f"{row['label']} {in_points(row)}" for row in rows[own].to_dict("records")]
        text += f" {words}: {'; '.join(listed)}." if listed else ""
    return said(verdict=all_above(rows), evidence=_seeded(text, rows), numbers=rows[[*MEASURED]])


def similar_scores(sampled: Sampled, same: Mapping[str, str]) -> Claim:
    """Within a family all configurations score alike, to `MARGIN`.

    Supported if the 95 % interval of every pair's difference in macro F1 is within the margin;
    contradicted if that of some pair is beyond it whole, and p < LEVEL after Holm's correction;
    one seed tells nothing. Pairs that are the same function twice are counted and left out.

    Args:
        sampled: of the study.
        same: from `functions`.
    """
    said = partial(
        Claim,
        statement="Given enough epochs, the configurations of a family reach similar F1.",
        where="4.1, 4.2, 5",
    )
    rows, twins = _within_families(sampled, same)
    note = ""
    if twins:
        note = (
            f" In {plural(twins, 'pair')} the loss alone differs: the same function twice, and a "
            "difference of exactly 0."
        )
    if rows.empty:
        reason = "No family has two different configurations with a finished seed in common."
        return said(evidence=f"{reason}{note}")
    inside = (rows["low"] >= -MARGIN) & (rows["high"] <= MARGIN)
    beyond = (rows["low"] > MARGIN) | (rows["high"] < -MARGIN)
    apart = beyond & (rows["p_holm"] < LEVEL)
    verdict: Verdict = "cannot tell"
    if rows["seeds"].min() > 1 and (inside.all() or apart.any()):
        verdict = "supported" if inside.all() else "contradicted"
    text = (
        f"Of {plural(len(rows), 'pair')} within a family, {inside.sum()} differ by less than a "
        f"point of macro F1 with 95 % confidence, {apart.sum()} by more; "
        f"{(~inside & ~apart).sum()} cannot be told. The differences are {_range(rows)} points, "
        f"their 95 % intervals within {_ends(rows)}.{note}"
    )
    return said(verdict=verdict, evidence=_seeded(text, rows), numbers=rows)


def _within_families(sampled: Sampled, same: Mapping[str, str]) -> tuple[pd.DataFrame, int]:
    """Every pair of a family, and how many more are the same function with a difference of 0."""
    pairs = {
        f"macro F1, {a} - {b}": (a, b)
        for family in families(sampled)
        for a, b in combinations(configurations(sampled, family), 2)
    }
    rows = contrasts(sampled, {q: ("macro_f1", {a: 1, b: -1}) for q, (a, b) in pairs.items()})
    twins = [same[a] == same[b] for a, b in map(pairs.__getitem__, rows["quantity"])]
    equal = np.array(twins, dtype=bool) & (rows[["value", "low", "high"]] == 0).all(axis=1)
    rest = rows[~equal]
    return rest.assign(p_holm=holm(rest["p"].to_numpy(dtype=np.float64))), int(equal.sum())


def _range(rows: pd.DataFrame) -> str:
    """`+5.90 to +9.10`; one number where there is one."""
    low, high = (number(end, "points") for end in (rows["value"].min(), rows["value"].max()))
    return low if low == high else f"{low} to {high}"


def _ends(rows: pd.DataFrame) -> str:
    return interval(rows["low"].min(), rows["high"].max(), "points")


def _seeded(text: str, rows: pd.DataFrame) -> str:
    return f"{text} {one_seed(rows)}" if rows["seeds"].min() < 2 else text
