"""Summarize the study: the result in one paragraph, then its limitations."""

from collections.abc import Sequence

import pandas as pd

from reports.analysis.pairwise import PairwiseComparison
from reports.analysis.search_trials import SearchAnalysis
from reports.format.text import DataLabel
from reports.sections.elements import Section
from reports.sections.search_text import describe_search
from reports.sections.verdict_text import describe_verdict, list_warnings


def make_section(
    *,
    comparison: pd.DataFrame,
    pairwise: PairwiseComparison,
    effects: pd.DataFrame,
    search: SearchAnalysis | None,
    negative_loss_trials: Sequence[str],
    data: DataLabel,
) -> Section:
    """Give the result in one paragraph, then the warnings.

    Args:
        comparison: Frame from `frames.make_comparison_frame`.
        pairwise: Comparisons of the models.
        effects: Frame from `effects.estimate_effects`.
        search: Results of the search; None for a grid.
        negative_loss_trials: Ids of the trials whose NLLLoss fell below 0.
        data: Names of the data.
    """
    paragraphs = (
        [describe_verdict(comparison, pairwise, effects)]
        if search is None
        else describe_search(search, pairwise.pairs)
    )
    warnings = list_warnings(comparison, negative_loss_trials, data)
    return Section(key="summary", title="Summary", paragraphs=(*paragraphs, *warnings))
