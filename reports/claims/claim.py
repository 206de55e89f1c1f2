"""A claim with its evidence and verdict, and the rules and words that several claims share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.intervals import ALPHA, Estimate, adjust_holm, estimate_contrast
from reports.format.text import label
from reports.format.units import format_interval, format_number
from reports.ledger.loading import LoadedStudy

Verdict = Literal["supported", "contradicted", "cannot tell"]

NUMBER_COLUMNS = ("quantity", "value", "low", "high", "p", "p_holm", "seeds")
"""Columns of `Claim.numbers`."""

ONE_SEED_TEXT = "One seed: how much of this is the luck of that seed is unknown."

NO_TRIAL_TEXT = "This study has no finished trial."

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the paper and what this study says about it.

    Attributes:
        statement: One sentence.
        paper_sections: Sections of the paper, for example "4.1, 4.2".
        verdict: Verdict by the rule in the docstring of the function that makes the claim.
        evidence: Sentences with numbers.
        numbers: A row for each quantity that the evidence rests on, unrounded:

            - `quantity` (str): What is measured, with the configurations.
            - `value`, `low`, `high` (float): Mean over the seeds, with its 95 % interval.
            - `p`, `p_holm` (float): Two-sided p-value of the value, and the same adjusted by
              Holm's method over the claim's rows.
            - `seeds` (int): Number of seeds, at least 1.
    """

    statement: str
    paper_sections: str
    verdict: Verdict = "cannot tell"
    evidence: str
    numbers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*NUMBER_COLUMNS]))


def make_numbers_frame(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Estimates as rows of `Claim.numbers`, their p-values corrected for how many they are."""
    frame = pd.DataFrame(
        [
            {"quantity": key, "value": estimate.mean} | estimate._asdict()
            for key, estimate in estimates.items()
        ],
        columns=["quantity", "value", "low", "high", "p", "seeds"],
    )
    return frame.assign(p_holm=adjust_holm(frame["p"].to_numpy(dtype=np.float64)))[
        [*NUMBER_COLUMNS]
    ]


def measure_contrasts(
    bootstrap: BootstrapScores, contrast_by_quantity: Mapping[str, tuple[str, Mapping[str, float]]]
) -> pd.DataFrame:
    """Contrasts as rows of `Claim.numbers`.

    Args:
        bootstrap: of the study.
        contrast_by_quantity: score and weights of each contrast, by the quantity's name; one
            without a seed that all its configurations have is left out.
    """
    estimates = {
        quantity: estimate_contrast(bootstrap, score, weights)
        for quantity, (score, weights) in contrast_by_quantity.items()
    }
    return make_numbers_frame(
        {quantity: estimate for quantity, estimate in estimates.items() if estimate is not None}
    )


def judge_all_above(numbers: pd.DataFrame) -> Verdict:
    """Whether every value is above 0.

    Supported if all are, each with p < ALPHA after Holm's correction; contradicted if any is
    below 0 with such a p; one seed tells nothing.
    """
    if numbers.empty or numbers["seeds"].min() < 2:
        return "cannot tell"
    if is_above(numbers).all():
        return "supported"
    return "contradicted" if is_below(numbers).any() else "cannot tell"


def is_above(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Which values are separated above 0."""
    return (numbers["value"] > 0) & (numbers["p_holm"] < ALPHA)


def is_below(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Which values are separated below 0."""
    return (numbers["value"] < 0) & (numbers["p_holm"] < ALPHA)


def list_configurations(bootstrap: BootstrapScores, family: str) -> list[str]:
    """Names of a family's configurations that have a score, in the order of the plan."""
    trials = bootstrap.trials
    return [str(name) for name in trials.loc[trials["family"] == family, "configuration"].unique()]


def list_families(bootstrap: BootstrapScores) -> list[str]:
    """Families that have a score, in the order of the plan."""
    return [str(family) for family in bootstrap.trials["family"].unique()]


def make_equivalence_keys(loaded_study: LoadedStudy) -> dict[str, str]:
    """What each configuration computes: equal texts where the loss alone differs.

    CrossEntropy on logits and NLLLoss on a log-softmax are the same function.
    """
    return {
        record.configuration: repr(
            sorted((k, v) for k, v in record.config.items() if k not in {"loss", "seed"})
        )
        for record in loaded_study.records.values()
    }


def describe_missing(missing: Sequence[str]) -> str:
    """`This study has no finished MLNN trial.`; of families, or of optimizers."""
    if len(missing) > 1:
        return NO_TRIAL_TEXT
    return f"This study has no finished {label(missing[0])} trial."


def explain_one_seed(numbers: pd.DataFrame) -> str:
    """Why numbers of which some rest on one seed decide nothing."""
    if numbers["seeds"].max() == 1:
        return ONE_SEED_TEXT
    return "Some of this rests on one seed, and how much of it is that seed's luck is unknown."


def format_points(row: Mapping[Any, Any]) -> str:
    """`+6.10 points (95 % interval [+5.20, +7.00])`; of a difference of fractions."""
    value, interval_text = (
        format_number(row["value"], "points"),
        format_interval(row["low"], row["high"], "points"),
    )
    return f"{value} points (95 % interval {interval_text})"


def format_plain(value: float) -> str:
    """A number with two decimals and a typographic minus."""
    return f"{value:.2f}".replace("-", _MINUS)


def format_plain_interval(row: Mapping[Any, Any]) -> str:
    """`1.67 (95 % interval [1.18, 2.37])`; without the interval where there is none."""
    if pd.isna(row["low"]):
        return format_plain(row["value"])
    value_text, low_text, high_text = (format_plain(row[key]) for key in ("value", "low", "high"))
    return f"{value_text} (95 % interval [{low_text}, {high_text}])"
