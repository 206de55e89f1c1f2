"""Summarize a grid: the result in one paragraph, trials that ended too early, warnings."""

from collections.abc import Sequence

import pandas as pd

from reports.analysis.epoch_limit import EpochLimit
from reports.analysis.pairwise import PairwiseComparison
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.elements import Section
from reports.sections.verdict_text import describe_effects, describe_verdict, list_warnings


def make_section(
    *,
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    effects: pd.DataFrame,
    epoch_limit: EpochLimit,
    negative_loss_trials: Sequence[str],
    shows_published: bool,
    data: DataLabel,
) -> Section:
    """Give the result in one paragraph, the trials that did not converge, then the warnings.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Comparisons of the models.
        effects: Frame from `effects.estimate_effects`.
        epoch_limit: Trials that ended at the epoch limit.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
        shows_published: Whether the report judges the claims of the paper.
        data: Names of the data.
    """
    return Section(
        key="summary",
        title="Summary",
        paragraphs=(
            describe_verdict(comparison, pairwise),
            *describe_effects(effects),
            *_describe_limit(epoch_limit, shows_published),
            *list_warnings(comparison, negative_loss_trials, data),
        ),
    )


def _describe_limit(limit: EpochLimit, shows_published: bool) -> list[str]:
    """Return a paragraph if the epoch limit ended some trials."""
    if not limit.n_limited:
        return []
    *others, last = limit.max_epochs
    epochs = " or ".join([*(f"{n:,}" for n in others), format_count(last, "epoch")])
    text = (
        f"{limit.n_limited} of {format_count(limit.n_complete, 'complete trial')} ended at the "
        f"limit of {epochs} and may not have converged. More epochs (--max-epochs) can "
        "change every result."
    )
    return [
        f"{text} The claims of the paper are therefore not decided." if shows_published else text
    ]
