"""A claim with its evidence and verdict, and the rules and words that several claims share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import Sampled
from reports.analysis.intervals import LEVEL, Estimate, contrast, holm
from reports.format.text import word
from reports.format.units import interval, number
from reports.ledger.loading import Evidence

Verdict = Literal["supported", "contradicted", "cannot tell"]

MEASURED = ("quantity", "value", "low", "high", "p", "p_holm", "seeds")
"""Columns of `Claim.numbers`: `value` with its 95 % interval, `p_holm` over the claim's rows."""

ONE_SEED = "One seed: how much of this is the luck of that seed is unknown."

NOTHING = "This study has no finished trial."

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the paper and what this study says about it.

    Attributes:
        statement: one sentence.
        where: the paper's sections, as `4.1, 4.2`.
        verdict: the rule is in the docstring of the function that makes the claim.
        evidence: sentences with numbers.
        numbers: what the evidence rests on, unrounded, in the columns `MEASURED`.
    """

    statement: str
    where: str
    verdict: Verdict = "cannot tell"
    evidence: str
    numbers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*MEASURED]))


def measured(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Estimates as rows of `Claim.numbers`, their p-values corrected for how many they are."""
    frame = pd.DataFrame(
        [{"quantity": key, "value": own.mean} | own._asdict() for key, own in estimates.items()],
        columns=["quantity", "value", "low", "high", "p", "seeds"],
    )
    return frame.assign(p_holm=holm(frame["p"].to_numpy(dtype=np.float64)))[[*MEASURED]]


def contrasts(
    sampled: Sampled, wanted: Mapping[str, tuple[str, Mapping[str, float]]]
) -> pd.DataFrame:
    """Contrasts as rows of `Claim.numbers`.

    Args:
        sampled: of the study.
        wanted: score and weights of each contrast, by the quantity's name; one without a seed
            that all its configurations have is left out.
    """
    found = {
        quantity: contrast(sampled, score, weights) for quantity, (score, weights) in wanted.items()
    }
    return measured({quantity: own for quantity, own in found.items() if own is not None})


def all_above(numbers: pd.DataFrame) -> Verdict:
    """Whether every value is above 0.

    Supported if all are, each with p < LEVEL after Holm's correction; contradicted if any is
    below 0 with such a p; one seed tells nothing.
    """
    if numbers.empty or numbers["seeds"].min() < 2:
        return "cannot tell"
    if above(numbers).all():
        return "supported"
    return "contradicted" if below(numbers).any() else "cannot tell"


def above(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Which values are separated above 0."""
    return (numbers["value"] > 0) & (numbers["p_holm"] < LEVEL)


def below(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Which values are separated below 0."""
    return (numbers["value"] < 0) & (numbers["p_holm"] < LEVEL)


def configurations(sampled: Sampled, family: str) -> list[str]:
    """Names of a family's configurations that have a score, in the order of the plan."""
    trials = sampled.trials
    return [str(name) for name in trials.loc[trials["family"] == family, "name"].unique()]


def families(sampled: Sampled) -> list[str]:
    """Families that have a score, in the order of the plan."""
    return [str(family) for family in sampled.trials["family"].unique()]


def functions(evidence: Evidence) -> dict[str, str]:
    """What each configuration computes: equal texts where the loss alone differs.

    CrossEntropy on logits and NLLLoss on a log-softmax are the same function.
    """
    return {
        record.configuration: repr(
            sorted((k, v) for k, v in record.config.items() if k not in {"loss", "seed"})
        )
        for record in evidence.records.values()
    }


def lacks(lacking: Sequence[str]) -> str:
    """`This study has no finished MLNN trial.`; of families, or of optimizers."""
    if len(lacking) > 1:
        return NOTHING
    return f"This study has no finished {word(lacking[0])} trial."


def one_seed(numbers: pd.DataFrame) -> str:
    """Why numbers of which some rest on one seed decide nothing."""
    if numbers["seeds"].max() == 1:
        return ONE_SEED
    return "Some of this rests on one seed, and how much of it is that seed's luck is unknown."


def in_points(row: Mapping[Any, Any]) -> str:
    """`+6.10 points (95 % interval [+5.20, +7.00])`; of a difference of fractions."""
    value, ends = number(row["value"], "points"), interval(row["low"], row["high"], "points")
    return f"{value} points (95 % interval {ends})"


def plain(value: float) -> str:
    """A number with two decimals and a typographic minus."""
    return f"{value:.2f}".replace("-", _MINUS)


def in_plain(row: Mapping[Any, Any]) -> str:
    """`1.67 (95 % interval [1.18, 2.37])`; without the interval where there is none."""
    if pd.isna(row["low"]):
        return plain(row["value"])
    return f"{plain(row['value'])} (95 % interval [{plain(row['low'])}, {plain(row['high'])}])"
