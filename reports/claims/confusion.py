"""What the paper says of the confusion matrices: which classes, and whether always the same."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import pandas as pd
from scipy import stats

from bloodnets.metrics import FloatArray
from reports.analysis.error_patterns import (
    CENTRAL,
    Floats,
    Lead,
    Mistakes,
    lead,
    likeness,
    shares,
    taken_for,
)
from reports.analysis.intervals import Estimate
from reports.claims.claim import (
    MEASURED,
    NOTHING,
    Claim,
    Verdict,
    below,
    in_plain,
    in_points,
    measured,
    one_seed,
    plain,
)
from reports.format.text import word
from reports.format.units import number, plural
from reports.ledger import published
from reports.ledger.loading import Tested

PERFECT = 7
"""The class that the paper calls perfectly classified."""

ALIKE = 0.9
"""Correlation from which two patterns of confusion count as the same. Ours: the paper gives none.
At .9 one pattern explains four fifths (.81) of the other's variance over the cells."""


def central_class(tested: Tested, found: Mistakes) -> Claim:
    """Class 3 is the centre of confusion, in every family.

    Three shares of the family's errors, each less that of the class that comes next to class 3:
    of all errors, those in which it takes part; of the errors on class 0, those taken for it; of
    those on class 5 likewise. Supported if the first is above 0 with its 95 % interval and the
    other two are above 0 as they stand; contradicted if one of them is below 0 with p < LEVEL
    after Holm's correction; one seed tells nothing.
    """
    said = partial(
        Claim, statement="Class 3 is the central source of confusion.", where="4.1, 4.2, 4.3"
    )
    rows: dict[str, Estimate] = {}
    texts, supported = [], []
    for family, names in _by_family(tested).items():
        ((counts, resampled),) = found.summed(names)
        if not counts.any():
            supported.append(False)
            texts.append(
                f"{word(family)}: no errors, or no seed that every configuration finished."
            )
            continue
        leads = {part: lead(share(counts), share(resampled)) for part, share in _SHARES.items()}
        supported.append(leads["errors"].margin.low > 0 and _all_ahead(leads))
        texts.append(f"{word(family)}: {_in_words(leads)}")
        for part, own in leads.items():
            rows[f"share of {part}, {word(family)}: class {CENTRAL} - {own.rival}"] = own.margin
    if not rows:
        return said(evidence=" ".join(texts) or NOTHING)
    numbers = measured(rows)
    verdict: Verdict = "cannot tell"
    if numbers["seeds"].min() < 2:
        texts.append(one_seed(numbers))
    elif below(numbers).any() or all(supported):
        verdict = "supported" if all(supported) else "contradicted"
    return said(verdict=verdict, evidence=" ".join(texts), numbers=numbers)


_SHARES: Mapping[str, Callable[[Floats], FloatArray]] = {
    "errors": shares,
    "errors on class 0": partial(taken_for, true=0),
    "errors on class 5": partial(taken_for, true=5),
}


def _by_family(tested: Tested) -> dict[str, list[str]]:
    """Names of the configurations of each family, in the order of the plan."""
    names = tested.trials.groupby("family", sort=False)["name"].unique()
    return {str(family): own.tolist() for family, own in names.items()}


def _all_ahead(leads: Mapping[str, Lead]) -> bool:
    return all(own.margin.mean > 0 for own in leads.values())


def _in_words(leads: Mapping[str, Lead]) -> str:
    whole = leads["errors"]
    texts = [
        f"class {CENTRAL} takes part in {number(whole.share, 'percent')} % of the errors, class "
        f"{whole.rival} in {number(whole.rival_share, 'percent')} %: "
        f"{in_points(_interval(whole.margin))}."
    ]
    for part in ("errors on class 0", "errors on class 5"):
        own = leads[part]
        chance = own.margin.low <= 0 <= own.margin.high
        texts.append(
            f"Of the {part}, {number(own.share, 'percent')} % are taken for class {CENTRAL}, "
            f"{number(own.rival_share, 'percent')} % for class {own.rival}"
            f"{': a difference that could be chance.' if chance else '.'}"
        )
    return " ".join(texts)


def _interval(found: Estimate) -> dict[str, Any]:
    return {"value": found.mean, "low": found.low, "high": found.high}


def perfect_class(tested: Tested) -> Claim:
    """No trial errs on class 7: one error contradicts it, whatever the number of seeds."""
    said = partial(
        Claim, statement="Class 7 is perfectly classified in every configuration.", where="4.1, 4.2"
    )
    own = tested.labels == PERFECT
    images, trials = int(own.sum()), len(tested.trials)
    if not images * trials:
        return said(evidence=NOTHING if not trials else "No test image is of class 7.")
    predicted = tested.predicted
    wrong = (predicted[:, own] != PERFECT).sum(axis=1)
    taken = int((predicted[:, ~own] == PERFECT).sum())
    total, erring = int(wrong.sum()), int((wrong > 0).sum())
    of = f"{images * trials:,} predictions on class 7 ({plural(trials, 'trial')})"
    if total:
        text = f"Of {of}, {total:,} {'is' if total == 1 else 'are'} wrong, in "
        text += f"{plural(erring, 'trial')}."
    else:
        low = stats.binomtest(images, images).proportion_ci(0.95, "exact").low
        text = (
            f"Of {of}, none is wrong. A trial without an error on {plural(images, 'image')} may "
            f"still miss some: with 95 % confidence it recognises {number(low, 'percent')} % or "
            "more (Clopper and Pearson)."
        )
    text += f" Images of other classes were taken for it {plural(taken, 'time')}."
    counts = {"errors on class 7": total, "trials that err on it": erring, "taken for it": taken}
    return said(
        verdict="contradicted" if total else "supported",
        evidence=f"{text} {_published_errors()}".strip(),
        numbers=pd.DataFrame({"quantity": [*counts], "value": [*counts.values()]}),
    )


def _published_errors() -> str:
    """Where the paper's own matrices have an error that its text denies."""
    found = [
        f"{row.confusion[PERFECT][PERFECT]} of {sum(row.confusion[PERFECT])} for "
        f"{row.configuration}"
        for row in published.load().rows
        if row.confusion[PERFECT][PERFECT] < sum(row.confusion[PERFECT])
    ]
    if not found:
        return ""
    return f"The paper's own matrices contradict its text too: they have {', '.join(found)}."


def same_pattern(tested: Tested, found: Mistakes, functions: Mapping[str, str]) -> Claim:
    """Confusion has the same pattern in all configurations of a family.

    The pattern is the 56 cells off the diagonal, summed over seeds; likeness is Pearson's
    correlation. Supported if the smallest lower end of the pairs' 95 % intervals is above
    `ALIKE`; contradicted if any pair's upper end is below it; one seed tells nothing.

    Args:
        tested: of the study.
        found: from `mistakes`.
        functions: from `verdicts.functions`; pairs of equal ones are left out.
    """
    said = partial(
        Claim,
        statement="The pattern of confusion is the same across the configurations of a family.",
        where="4.1",
    )
    families = _by_family(tested)
    rows = {
        f"r of {a} and {b}": own
        for names in families.values()
        for a, b in combinations(names, 2)
        if functions[a] != functions[b] and (own := likeness(found, [a], [b])) is not None
    }
    if not rows:
        return said(evidence=_NO_PAIR if families else NOTHING)
    numbers = measured(rows)
    low, high = numbers["low"].min(), numbers["high"].min()
    text = (
        f"In {plural(len(rows), 'pair')} of configurations of a family that differ in more than "
        f"the loss, r is {_span(numbers['value'])}; the 95 % intervals reach from {plain(low)} to "
        f"{plain(numbers['high'].max())}."
    )
    verdict: Verdict = "cannot tell"
    if numbers["seeds"].min() < 2:
        text += f" {one_seed(numbers)}"
    elif low > ALIKE or high < ALIKE:
        verdict = "supported" if low > ALIKE else "contradicted"
    if len(families) == 2 and (own := likeness(found, *families.values())) is not None:
        row = _interval(own) | {"p": own.p, "seeds": own.seeds}
        row["quantity"] = f"r of {' and '.join(map(word, families))}"
        numbers = pd.DataFrame([*numbers.to_dict("records"), row], columns=[*MEASURED])
        text += f" Between the two families, r is {in_plain(row)}."
    return said(verdict=verdict, evidence=text, numbers=numbers)


_NO_PAIR = (
    "No two configurations of a family differ in more than the loss, have errors, and share a "
    "finished seed."
)


def _span(values: "pd.Series[float]") -> str:
    """`0.93 to 0.98`; one number where the two are alike."""
    low, high = plain(values.min()), plain(values.max())
    return low if low == high else f"{low} to {high}"
