"""What a section of the report is made of: frames, pictures with their captions, words.

The words are plain text: HTML and Markdown both escape them, and neither is parsed again.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports import comparisons, figures, searches, tables, twins
from reports.evidence import Evidence, read
from reports.ledger import Ledger
from reports.records import Confirmation, SearchRecord
from reports.resampling import Sampled, sample
from reports.typeset import DataWords, Table, class_label, data_words

DRAWN_AT_MOST = 12
"""Panels that a reader can still tell apart; more would also make the report slow to write."""

# The paper's figures that ours stand beside.
_PAPER = {
    "mlnn": {"train_loss": "Fig. 1", "scores": "Fig. 3", "confusion": "Fig. 4"},
    "cnn": {"train_loss": "Fig. 2", "scores": "Fig. 5", "confusion": "Fig. 6"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure with its words.

    Attributes:
        name: of its files.
        caption: names the data.
        wide: it needs the page's width to be read, and scrolls on a phone.
        svg: the figure.
        png: the same.
    """

    name: str
    caption: str
    wide: bool
    svg: bytes
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a `Grid`.

    Attributes:
        text: what stands in it.
        shade: from -5 (far below) over 0 (none) to 5 (far above).
        faint: it is not a finding: grey, and without a shade.
    """

    text: str
    shade: int = 0
    faint: bool = False

    def __post_init__(self) -> None:
        """Check the shade."""
        if not -5 <= self.shade <= 5:
            raise ValueError(f"shade is {self.shade}, expected -5 to 5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A small heat map, printed as a table.

    Attributes:
        title: what it is chosen by among the grids of its section.
        caption: names the data, and says what rows, columns and shades are.
        rows: heads.
        columns: heads.
        cells: one tuple a row, one cell a column.
    """

    title: str
    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small image with its words.

    Attributes:
        png: of 28 x 28 pixels; the page shows them three times as large.
        alt: what it shows, for those who do not see it.
        lines: below it.
    """

    png: bytes
    alt: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report.

    Attributes:
        key: its anchor.
        title: its heading.
        words: paragraphs.
        points: a list, below the paragraphs.
        grids: heat maps, below the list; of several, the page shows one at a time.
        tables: below the grids.
        pictures: figures, below the tables but for folded ones.
        gallery: small images, below the figures.
        facts: terms and their values, last.
    """

    key: str
    title: str
    words: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    gallery: tuple[Thumbnail, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


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
    cells, curves = tables.confusions(tested), tables.curves(evidence)
    names = evidence.study.data.class_names
    comparison = tables.comparison(evidence, sampled)
    effects = comparisons.effects(sampled)
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
        trials=tables.trials(evidence),
        comparison=comparison,
        pairs=comparisons.pairs(tested, sampled),
        effects=effects,
        curves=curves,
        mean_curves=tables.mean_curves(curves),
        confusion=tables.summed(cells),
        per_class=tables.per_class(cells),
        twins=twins.twins(evidence),
        class_counts=tables.class_counts(evidence),
        search=searched,
    )


def _searched(evidence: Evidence) -> Searched | None:
    record, search = evidence.study.search, evidence.search
    if record is None or search is None:
        return None
    return Searched(
        record=record,
        end=search.end,
        trials=searches.trials(search, evidence.problems),
        curves=searches.curves(search),
        confirmed=searches.confirmed(evidence),
    )


def picture(
    name: str, text: str, figure: Figure, data: DataWords, *, wide: bool = False
) -> Picture:
    """A figure in both formats, under a caption that names the data."""
    svg, png = figures.svg_and_png(figure)
    return Picture(name=name, caption=caption(text, data), wide=wide, svg=svg, png=png)


def caption(text: str, data: DataWords) -> str:
    """A sentence and the name of the data; of drawings, that they are drawings."""
    named = data.short if data.mark else f"Data: {data.short}"
    return f"{text.removesuffix('.')}. {named}"


def beside(family: str, what: str, found: Findings) -> str:
    """Which figure of the paper this one stands beside; drawings and a search stand beside none."""
    figure = None if found.data.mark or found.search else _PAPER.get(family, {}).get(what)
    return f" (compare the paper's {figure})" if figure else ""


def slug(family: str) -> str:
    """A family's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-") or "family"
