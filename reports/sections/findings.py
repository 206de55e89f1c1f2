"""Everything that the sections are made from, computed once from a study's ledger."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis import equivalent_losses, frames, pairwise
from reports.analysis.bootstrap import BootstrapScores
from reports.format.text import DataLabel, make_class_label, make_data_label
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedSearch, LoadedStudy, read_study_files
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.study import Study

MAX_PANELS = 12
"""Panels that a reader can still tell apart; more would also make the report slow to write."""


# The paper's figures that ours stand beside.
_PAPER_FIGURES = {
    "mlnn": {"train_loss": "Fig. 1", "scores": "Fig. 3", "confusion": "Fig. 4"},
    "cnn": {"train_loss": "Fig. 2", "scores": "Fig. 5", "confusion": "Fig. 6"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnalysis:
    """What a search found; each frame is described where it is made.

    Attributes:
        record: what it drew from, and how.
        confirmation: how it ended; None if it did not.
    """

    record: SearchRecord
    confirmation: Confirmation | None
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmed: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the sections are made from; each frame is described where it is made.

    Of a search, what is not in `search` is of its confirmation.

    Attributes:
        study: Study that the frames come from.
        loaded_study: the study's files, as far as they can be relied on.
        data: how the data are named.
        class_labels: of the eight classes, short enough for an axis.
        bootstrap: scores of the trials on test, and on draws of its images.
        images: of the test split, uint8, shape (n, 28, 28, 3), where the data are at hand.
        displayed_names: configurations with a panel in figures and rows in long tables: of each
            family the `MAX_PANELS` with the highest macro F1, or without a score.
        search: None of a grid.
    """

    study: Study
    loaded_study: LoadedStudy
    data: DataLabel
    class_labels: tuple[str, ...]
    bootstrap: BootstrapScores
    images: NDArray[np.uint8] | None
    displayed_names: tuple[str, ...]
    trials: pd.DataFrame
    comparison: pd.DataFrame
    pairs: pd.DataFrame
    effects: pd.DataFrame
    curves: pd.DataFrame
    mean_curves: pd.DataFrame
    confusion: pd.DataFrame
    per_class: pd.DataFrame
    equivalent_losses: pd.DataFrame
    class_counts: pd.DataFrame
    search: SearchAnalysis | None


def analyze(ledger: Ledger, images: NDArray[np.uint8] | None) -> Analysis:
    """Everything that the ledger says.

    Args:
        ledger: of a study, whatever has finished of it.
        images: of the test split, uint8, shape (n, 28, 28, 3), or None.
    """
    loaded_study = read_study_files(ledger)
    study, search = Study(loaded_study), None
    comparison, cells, curves = study.comparison(), study.confusion_cells(), study.learning_curves()
    class_names = loaded_study.study.data.class_names
    effects = pairwise.estimate_effects(study.bootstrap)
    if loaded_study.search is not None:
        search = _analyze_search(study, loaded_study.search)
        effects = effects.iloc[:0]  # its configurations differ in several settings at once
    ranks = comparison.groupby("family")["test_macro_f1"].rank(method="first", ascending=False)
    return Analysis(
        study=study,
        loaded_study=loaded_study,
        data=make_data_label(loaded_study.study.data),
        class_labels=tuple(make_class_label(i, name) for i, name in enumerate(class_names)),
        bootstrap=study.bootstrap,
        images=images,
        displayed_names=tuple(comparison.loc[~(ranks > MAX_PANELS), "configuration"]),
        trials=study.trials,
        comparison=comparison,
        pairs=study.pairs(),
        effects=effects,
        curves=curves,
        mean_curves=frames.average_curves(curves),
        confusion=frames.sum_confusions(cells),
        per_class=frames.compute_class_scores(cells),
        equivalent_losses=equivalent_losses.compare_equivalent_losses(loaded_study),
        class_counts=frames.make_class_counts_frame(loaded_study),
        search=search,
    )


def _analyze_search(study: Study, search: LoadedSearch) -> SearchAnalysis:
    return SearchAnalysis(
        record=search.record,
        confirmation=search.confirmation,
        trials=study.search_trials,
        curves=study.search_curves(),
        confirmed=study.confirmation(),
    )


def cite_paper_figure(family: str, quantity: str, analysis: Analysis) -> str:
    """Which figure of the paper this one stands beside; drawings and a search stand beside none."""
    figure = (
        None
        if analysis.data.warning or analysis.search
        else _PAPER_FIGURES.get(family, {}).get(quantity)
    )
    return f" (compare the paper's {figure})" if figure else ""
