"""What a section of the report is made of: frames, pictures with their captions, words.

The words are plain text: HTML and Markdown both escape them, and neither is parsed again.
"""

import re
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from reports import figures, tables
from reports.ledger import Ledger
from reports.typeset import DataWords, Table

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
class Section:
    """A part of the report.

    Attributes:
        key: its anchor.
        title: its heading.
        words: paragraphs.
        pictures: figures, below the paragraphs.
        tables: below the figures.
        facts: terms and their values, last.
    """

    key: str
    title: str
    words: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What the sections are made from; each frame is described where `tables` makes it."""

    trials: pd.DataFrame
    comparison: pd.DataFrame
    curves: pd.DataFrame
    mean_curves: pd.DataFrame
    confusion: pd.DataFrame
    per_class: pd.DataFrame
    twins: pd.DataFrame
    class_counts: pd.DataFrame


def frames(ledger: Ledger) -> Frames:
    """Everything the ledger says, as frames."""
    cells, curves = tables.confusions(ledger), tables.curves(ledger)
    return Frames(
        trials=tables.trials(ledger),
        comparison=tables.comparison(ledger),
        curves=curves,
        mean_curves=tables.mean_curves(curves),
        confusion=tables.summed(cells),
        per_class=tables.per_class(cells),
        twins=tables.twins(ledger),
        class_counts=tables.class_counts(ledger),
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


def beside(family: str, what: str, data: DataWords) -> str:
    """Which figure of the paper this one stands beside; drawings stand beside none."""
    figure = None if data.mark else _PAPER.get(family, {}).get(what)
    return f" (compare the paper's {figure})" if figure else ""


def slug(family: str) -> str:
    """A family's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-") or "family"
