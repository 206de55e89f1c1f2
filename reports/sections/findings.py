"""Everything that the sections are made from, computed once from a study's ledger."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis import equivalent_losses, frames, pairwise, search_trials
from reports.analysis.bootstrap import Sampled, sample
from reports.format.text import DataWords, class_label, data_words
from reports.ledger.ledger import Ledger
from reports.ledger.loading import Evidence, read
from reports.ledger.records import Confirmation, SearchRecord

DRAWN_AT_MOST = 12
"""Panels that a reader can still tell apart; more would also make the report slow to write."""


# The paper's figures that ours stand beside.
_PAPER = {
    "mlnn": {"train_loss": "Fig. 1", "scores": "Fig. 3", "confusion": "Fig. 4"},
    "cnn": {"train_loss": "Fig. 2", "scores": "Fig. 5", "confusion": "Fig. 6"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search found; each frame is described where it is made.

    Attributes:
        record: what it drew from, and how.
        end: how it ended; None if it did not.
    """

    record: SearchRecord
    end: Confirmation | None
    trials: pd.DataFrame
    curves: pd.DataFrame
    confirmed: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the sections are made from; each frame is described where it is made.

    Of a search, what is not in `search` is of its confirmation.

    Attributes:
        evidence: the study's files, as far as they can be relied on.
        data: how the data are named.
        labels: of the eight classes, short enough for an axis.
        sampled: scores of the trials on test, and on draws of its images.
        images: of the test split, uint8, shape (n, 28, 28, 3), where the data are at hand.
        drawn: configurations with a panel in figures and rows in long tables: of each family
            the `DRAWN_AT_MOST` with the highest macro F1, or without a score.
        search: None of a grid.
    """

    evidence: Evidence
    data: DataWords
    labels: tuple[str, ...]
    sampled: Sampled
    images: NDArray[np.uint8] | None
    drawn: tuple[str, ...]
    trials: pd.DataFrame
    comparison: pd.DataFrame
    pairs: pd.DataFrame
    effects: pd.DataFrame
    curves: pd.DataFrame
    mean_curves: pd.DataFrame
    confusion: pd.DataFrame
    per_class: pd.DataFrame
    twins: pd.DataFrame
    class_counts: pd.DataFrame
    search: Searched | None


def findings(ledger: Ledger, images: NDArray[np.uint8] | None) -> Findings:
    """Everything that the ledger says.

    Args:
        ledger: of a study, whatever has finished of it.
        images: of the test split, uint8, shape (n, 28, 28, 3), or None.
    """
    evidence = read(ledger)
    searched = _searched(evidence)
    tested, sampled = evidence.tested, sample(evidence.tested)
    cells, curves = frames.confusions(tested), frames.curves(evidence)
    names = evidence.study.data.class_names
    comparison = frames.comparison(evidence, sampled)
    effects = pairwise.effects(sampled)
    if searched is not None:  # configurations of a search differ in several settings at once
        effects = effects.iloc[:0]
    ranks = comparison.groupby("family")["test_macro_f1"].rank(method="first", ascending=False)
    return Findings(
        evidence=evidence,
        data=data_words(evidence.study.data),
        labels=tuple(class_label(i, name) for i, name in enumerate(names)),
        sampled=sampled,
        images=images,
        drawn=tuple(comparison.loc[~(ranks > DRAWN_AT_MOST), "configuration"]),
        trials=frames.trials(evidence),
        comparison=comparison,
        pairs=pairwise.pairs(tested, sampled),
        effects=effects,
        curves=curves,
        mean_curves=frames.mean_curves(curves),
        confusion=frames.summed(cells),
        per_class=frames.per_class(cells),
        twins=equivalent_losses.twins(evidence),
        class_counts=frames.class_counts(evidence),
        search=searched,
    )


def _searched(evidence: Evidence) -> Searched | None:
    record, search = evidence.study.search, evidence.search
    if record is None or search is None:
        return None
    return Searched(
        record=record,
        end=search.end,
        trials=search_trials.trials(search, evidence.problems),
        curves=search_trials.curves(search),
        confirmed=search_trials.confirmed(evidence),
    )


def beside(family: str, what: str, found: Findings) -> str:
    """Which figure of the paper this one stands beside; drawings and a search stand beside none."""
    figure = None if found.data.mark or found.search else _PAPER.get(family, {}).get(what)
    return f" (compare the paper's {figure})" if figure else ""
