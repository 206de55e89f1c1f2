"""The results from which a study's report is made, computed once from its ledger."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.effects import estimate_effects
from reports.analysis.equivalent_losses import EquivalentLosses, analyze_equivalent_losses
from reports.analysis.frames import make_comparison_frame, make_trials_frame
from reports.analysis.pairwise import PairwiseComparison, compare_pairs, group_configurations
from reports.analysis.search_trials import SearchAnalysis, analyze_search
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, load_study
from reports.sections.context import ReportContext, make_report_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What several sections share; `order` hands each section what it needs.

    For a search, what is not in `search` is of its confirmation.

    Attributes:
        loaded_study: Files of the study, as far as they can be relied on.
        images: Images of the test split, uint8, shape (n, 28, 28, 3); None if not available.
        context: Labels.
        bootstrap: Scores of the trials on test, and on draws of its images.
        trials: Frame from `frames.make_trials_frame`.
        comparison: Frame from `frames.make_comparison_frame`, with intervals.
        pairwise: Pairs of configurations, and their groups.
        effects: Frame from `effects.estimate_effects`; empty for a search, whose configurations
            differ in several settings at once.
        equivalent_losses: Configurations that differ only in the loss.
        search: What the search found; None for a grid.
    """

    loaded_study: LoadedStudy
    images: NDArray[np.uint8] | None
    context: ReportContext
    bootstrap: BootstrapScores
    trials: pd.DataFrame
    comparison: pd.DataFrame
    pairwise: PairwiseComparison
    effects: pd.DataFrame
    equivalent_losses: EquivalentLosses
    search: SearchAnalysis | None


def analyze(ledger: Ledger, images: NDArray[np.uint8] | None) -> Analysis:
    """Return the results that a study's ledger gives.

    Args:
        ledger: Ledger of the study, whatever has finished of it.
        images: Images of the test split, uint8, shape (n, 28, 28, 3), or None.
    """
    loaded_study = load_study(ledger)
    predictions, search = loaded_study.predictions, analyze_search(loaded_study)
    bootstrap = bootstrap_scores(predictions)
    comparison = make_comparison_frame(loaded_study, bootstrap)
    effects = estimate_effects(bootstrap)
    return Analysis(
        loaded_study=loaded_study,
        images=images,
        context=make_report_context(loaded_study.study, comparison),
        bootstrap=bootstrap,
        trials=make_trials_frame(loaded_study),
        comparison=comparison,
        pairwise=group_configurations(comparison, compare_pairs(predictions, bootstrap)),
        effects=effects if search is None else effects.iloc[:0],
        equivalent_losses=analyze_equivalent_losses(loaded_study, bootstrap),
        search=search,
    )
