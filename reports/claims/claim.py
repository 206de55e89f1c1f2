"""A claim with its evidence and verdict, and the rules and phrases that all claims share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.contrasts import estimate_contrasts
from reports.analysis.intervals import ALPHA, Estimate, adjust_holm
from reports.format.text import label
from reports.format.units import choose_decimals, format_interval, format_number
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import REPLICATE_SETTINGS

Verdict = Literal["supported", "contradicted", "inconclusive"]

NUMBER_COLUMNS = ("quantity", "value", "low", "high", "p", "p_holm", "replicates")
"""Columns of `Claim.numbers`."""

ONE_REPLICATE_TEXT = "There is only one replicate, so the variance across replicates is unknown."

NO_TRIAL_TEXT = "This study has no complete trials."

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A statement of the paper, with the evidence and the verdict of a study.

    Attributes:
        statement: One sentence.
        paper_sections: Sections of the paper, e.g. "4.1, 4.2".
        verdict: Verdict by the rule in the docstring of the function that makes the claim.
        evidence: Sentences with numbers.
        n_limited: Number of the trials behind the claim that ended at the epoch limit. If there
            are any, the verdict is "inconclusive".
        numbers: A row for each quantity in the evidence, unrounded:

            - `quantity` (str): What is measured, with the configurations.
            - `value`, `low`, `high` (float): Mean over the replicates and its 95% confidence
              interval.
            - `p`, `p_holm` (float): Two-sided p-value, and the same value Holm-adjusted for the
              number of rows of the claim.
            - `replicates` (int): Number of replicates, at least 1.
    """

    statement: str
    paper_sections: str
    verdict: Verdict = "inconclusive"
    evidence: str
    n_limited: int = 0
    numbers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*NUMBER_COLUMNS]))


def make_numbers_frame(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Return estimates as rows of `Claim.numbers`, with p-values adjusted for their number."""
    frame = pd.DataFrame(
        [
            {"quantity": key, "value": estimate.mean} | estimate._asdict()
            for key, estimate in estimates.items()
        ],
        columns=["quantity", "value", "low", "high", "p", "replicates"],
    )
    return frame.assign(p_holm=adjust_holm(frame["p"].to_numpy(dtype=np.float64)))[
        [*NUMBER_COLUMNS]
    ]


def measure_contrasts(
    bootstrap: BootstrapScores, contrast_by_quantity: Mapping[str, tuple[str, Mapping[str, float]]]
) -> pd.DataFrame:
    """Estimate contrasts and return them as rows of `Claim.numbers`.

    Args:
        bootstrap: Scores of the study's trials.
        contrast_by_quantity: Score and weights of each contrast, by the name of the quantity. A
            contrast is left out if its configurations have no replicate in common.
    """
    weights_by_score: dict[str, dict[str, Mapping[str, float]]] = {}
    for quantity, (score, weights) in contrast_by_quantity.items():
        weights_by_score.setdefault(score, {})[quantity] = weights
    estimates = {
        quantity: Estimate(*row)
        for score, weights in weights_by_score.items()
        for quantity, row in zip(
            weights,
            estimate_contrasts(bootstrap, score, [*weights.values()]).itertuples(index=False),
            strict=True,
        )
    }
    return make_numbers_frame(
        {
            quantity: estimates[quantity]
            for quantity in contrast_by_quantity
            if estimates[quantity].replicates > 0
        }
    )


def judge_all_above(numbers: pd.DataFrame) -> Verdict:
    """Judge whether every value is above 0.

    The verdict is "supported" if all values are significantly above 0 (Holm-adjusted p < ALPHA)
    and "contradicted" if any is significantly below 0. It is "inconclusive" with one replicate.
    """
    if numbers.empty or numbers["replicates"].min() < 2:
        return "inconclusive"
    if is_above(numbers).all():
        return "supported"
    return "contradicted" if is_below(numbers).any() else "inconclusive"


def is_above(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Return which values are significantly above 0 (Holm-adjusted p < ALPHA)."""
    return (numbers["value"] > 0) & (numbers["p_holm"] < ALPHA)


def is_below(numbers: pd.DataFrame) -> "pd.Series[bool]":
    """Return which values are significantly below 0 (Holm-adjusted p < ALPHA)."""
    return (numbers["value"] < 0) & (numbers["p_holm"] < ALPHA)


def list_models(bootstrap: BootstrapScores, family: str) -> list[str]:
    """Return the models of a family that have a score, in the order of the plan.

    Configurations that train the same model count once.
    """
    trials = bootstrap.trials
    in_family = set(trials.loc[trials["family"] == family, "configuration"])
    return [name for name in bootstrap.models if name in in_family]


def list_families(bootstrap: BootstrapScores) -> list[str]:
    """Return the families that have a score, in the order of the plan."""
    return [str(family) for family in bootstrap.trials["family"].unique()]


def make_equivalence_keys(loaded_study: LoadedStudy) -> dict[str, str]:
    """Return a key for each configuration; keys are equal if only the loss differs.

    CrossEntropy on logits and NLLLoss on a log-softmax are the same function.
    """
    return {
        record.configuration: repr(
            sorted(
                (k, v) for k, v in record.config.items() if k not in {"loss", *REPLICATE_SETTINGS}
            )
        )
        for record in loaded_study.records.values()
    }


def describe_missing(missing: Sequence[str]) -> str:
    """Return a sentence that names the family or optimizer without a complete trial."""
    if len(missing) > 1:
        return NO_TRIAL_TEXT
    return f"This study has no complete {label(missing[0])} trials."


def explain_one_replicate(numbers: pd.DataFrame) -> str:
    """Return a sentence on what is unknown if some numbers are based on one replicate."""
    if numbers["replicates"].max() == 1:
        return ONE_REPLICATE_TEXT
    return (
        "Some results are based on one replicate, so their variance across replicates is unknown."
    )


def format_points(row: Mapping[Any, Any]) -> str:
    """Format a difference as `+6.10 points (95% confidence interval [+5.20, +7.00])`."""
    ends = row["low"], row["high"]
    decimals = choose_decimals(*([end] for end in ends))
    value = format_number(row["value"], "points", decimals=decimals)
    interval_text = format_interval(*ends, "points", decimals=decimals)
    return f"{value} points (95% confidence interval {interval_text})"


def format_plain(value: float) -> str:
    """Format a number with two decimals and a typographic minus."""
    return f"{value:.2f}".replace("-", _MINUS)


def format_plain_interval(row: Mapping[Any, Any]) -> str:
    """Format as `1.67 (95% confidence interval [1.18, 2.37])`; omit an unknown interval."""
    if pd.isna(row["low"]):
        return format_plain(row["value"])
    value_text, low_text, high_text = (format_plain(row[key]) for key in ("value", "low", "high"))
    return f"{value_text} (95% confidence interval [{low_text}, {high_text}])"
