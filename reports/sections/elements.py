"""What a section of the report is made of: tables, pictures with their captions, words.

The words are plain text: HTML and Markdown both escape them, and neither is parsed again.
"""

import re
from dataclasses import dataclass

from matplotlib.figure import Figure

from reports import figures
from reports.format.table import Table
from reports.format.text import DataLabel


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
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
class HeatMapCell:
    """One cell of a `HeatMap`.

    Attributes:
        text: what stands in it.
        shade: from -5 (far below) over 0 (none) to 5 (far above).
        faint: it is not a finding: gray, and without a shade.
    """

    text: str
    shade: int = 0
    faint: bool = False

    def __post_init__(self) -> None:
        """Check the shade."""
        if not -5 <= self.shade <= 5:
            raise ValueError(f"shade is {self.shade}, expected -5 to 5")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A small heat map, printed as a table.

    Attributes:
        title: what it is chosen by among the heat maps of its section.
        caption: names the data, and says what rows, columns and shades are.
        rows: heads.
        columns: heads.
        cells: one tuple a row, one cell a column.
    """

    title: str
    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[HeatMapCell, ...], ...]


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
        paragraphs: paragraphs.
        bullets: a list, below the paragraphs.
        heat_maps: heat maps, below the list; of several, the page shows one at a time.
        tables: below the heat maps.
        figures: figures, below the tables but for folded ones.
        thumbnails: small images, below the figures.
        facts: terms and their values, last.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    heat_maps: tuple[HeatMap, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def make_figure(
    name: str, caption_text: str, figure: Figure, data: DataLabel, *, wide: bool = False
) -> ReportFigure:
    """A figure in both formats, under a caption that names the data."""
    svg, png = figures.render_svg_and_png(figure)
    return ReportFigure(
        name=name, caption=make_caption(caption_text, data), wide=wide, svg=svg, png=png
    )


def make_caption(text: str, data: DataLabel) -> str:
    """A sentence and the name of the data; of drawings, that they are drawings."""
    data_text = data.short if data.warning else f"Data: {data.short}"
    return f"{text.removesuffix('.')}. {data_text}"


def make_slug(family: str) -> str:
    """A family's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-") or "family"
