"""Compute the results that several sections of a report share, once per study."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis.effects import estimate_effects
from reports.analysis.equivalent_losses import EquivalentLosses, analyze_equivalent_losses
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.analysis.pairwise import PairwiseComparison
from reports.analysis.search_trials import SearchAnalysis
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.sections.context import ReportContext, make_report_context
from reports.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Results that several sections share; `order` passes each section what it needs.

    For a search, everything outside `search` is about the re-trained configurations.

    Attributes:
        study: Study that the results come from.
        images: Images of the test split, uint8, shape (n, side, side, channels); None if not
            available.
        context: Labels.
        trials: Frame from `Study.trials`.
        comparison: Frame from `Study.comparison`.
        pairwise: Pairs of models, and their groups.
        effects: Frame from `effects.estimate_effects`; empty for a search, whose configurations
            differ in several settings at once.
        equivalent_losses: Configurations that differ only in the loss.
        search: Results of the search; None for a grid.
    """

    study: Study
    images: NDArray[np.uint8] | None
    context: ReportContext
    trials: pd.DataFrame
    comparison: pd.DataFrame
    pairwise: PairwiseComparison
    effects: pd.DataFrame
    equivalent_losses: EquivalentLosses
    search: SearchAnalysis | None


def analyze(
    ledger: Ledger, images: NDArray[np.uint8] | None, *, margin: float = DEFAULT_MARGIN
) -> Analysis:
    """Compute the results from the ledger of a study.

    Args:
        ledger: Ledger of the study, which may be unfinished.
        images: Images of the test split, uint8, shape (n, side, side, channels), or None.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.
    """
    study = Study(read_study_files(ledger))
    comparison, effects = study.comparison(), estimate_effects(study.bootstrap)
    pairwise = study.compare(margin)
    return Analysis(
        study=study,
        images=images,
        context=make_report_context(study.loaded_study.study, comparison, pairwise.copies),
        trials=study.trials,
        comparison=comparison,
        pairwise=pairwise,
        effects=effects if study.search is None else effects.iloc[:0],
        equivalent_losses=analyze_equivalent_losses(study.loaded_study, study.bootstrap),
        search=study.search,
    )
