"""Define a section of the report, and its elements: figures, heat maps, texts to copy.

All text is plain: the HTML and Markdown templates escape it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reports import figures
from reports.format.table import Table
from reports.sections.gallery import Gallery

MAX_SHADE = 5
"""Darkest shade of a heat map; the style sheet has a color for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
    """A figure with its caption.

    Attributes:
        name: Name of its files, without the suffix.
        caption: Caption.
        wide: Whether the figure needs the width of the page; it scrolls on a phone.
        inline: SVG element for the page, see `inline_svg`; None if the page only links to the
            files.
        narrow: SVG element of its layout for a phone; None if the page has the same for all.
        svg: Figure as SVG.
        png: Figure as PNG.
    """

    name: str
    caption: str
    wide: bool
    inline: str | None
    narrow: str | None
    svg: bytes
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMapCell:
    """One cell of a `HeatMap`.

    Attributes:
        text: Text of the cell.
        detail: Second line of the cell in small print; the page and Markdown show it, if it is not
            empty.
        shade: Shade from -`MAX_SHADE` (far below) through 0 (none) to `MAX_SHADE` (far above).
        faint: Whether the value is not significant, shown in gray without a shade.
    """

    text: str
    detail: str = ""
    shade: int = 0
    faint: bool = False

    def __post_init__(self) -> None:
        """Check the shade."""
        if not -MAX_SHADE <= self.shade <= MAX_SHADE:
            raise ValueError(f"shade is {self.shade}, expected -{MAX_SHADE} to {MAX_SHADE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A small heat map, printed as a table.

    Attributes:
        title: Title, by which a reader selects it among the heat maps of its section.
        caption: Caption, which explains rows, columns and shades.
        rows: Headings of the rows.
        columns: Headings of the columns.
        cells: Rows of cells, one cell per column.
        table: Table shown below the heat map and selected together with it; its files are those of
            a table of the section.
        images_of: Name of the model if the heat map is its confusion matrix, whose cells the page
            links to the images of the section's `Gallery`; otherwise empty.
        models: Models without one of which the page hides the heat map; empty if it always shows
            it.
    """

    title: str
    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[HeatMapCell, ...], ...]
    table: Table | None = None
    images_of: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Text to copy, shown as it is.

    Attributes:
        title: What the text is for.
        text: One or several lines.
    """

    title: str
    text: str

    @property
    def is_long(self) -> bool:
        """Whether the text is not printed, because it takes too much space on paper."""
        return self.text.count("\n") >= 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report.

    Attributes:
        key: Anchor of the section.
        title: Heading.
        paragraphs: Paragraphs below the heading.
        bullets: Items of a list below the paragraphs.
        heat_maps: Heat maps below the list; the page shows one at a time.
        figures: Figures below the heat maps.
        tables: Tables below the figures; folded ones come last.
        facts: Pairs of a term and its value, below the tables that are not folded.
        code_blocks: Texts to copy, below the facts.
        notes: Paragraphs that explain the method, below the code blocks; the page shows them on
            request.
        gallery: Small images below the notes.
        folded: Whether only the first paragraph is shown at once: the page shows the rest on
            request, and the Markdown file leaves it out.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    heat_maps: tuple[HeatMap, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    code_blocks: tuple[CodeBlock, ...] = ()
    notes: tuple[str, ...] = ()
    gallery: Gallery | None = None
    folded: bool = False

    @property
    def unprinted(self) -> list[str]:
        """Names of the parts that the page has and its print lacks."""
        return [
            *(["“How to read this”"] if self.notes else []),
            *(block.title for block in self.code_blocks if block.is_long),
            *(
                f"tables/{table.name}.csv"
                for table in self.tables
                if table.folded and not table.is_short
            ),
        ]


def make_figure(
    name: str,
    caption: str,
    figure: figures.MarkedFigure,
    *,
    narrow: figures.MarkedFigure | None = None,
    wide: bool = False,
    inline: bool = True,
) -> ReportFigure:
    """Return a figure in all formats; the figure itself names the data.

    Args:
        name: Name of its files, without the suffix.
        caption: Caption.
        figure: Figure.
        narrow: The same figure in a layout for a phone; None for none.
        wide: Whether the figure needs the width of the page.
        inline: Whether the figure is part of the page; otherwise the page only links to its files.
    """
    svg, png = figures.render_svg_and_png(figure)
    return ReportFigure(
        name=name,
        caption=caption,
        wide=wide,
        inline=figures.inline_svg(svg, figure.marks, name=name, label=caption) if inline else None,
        narrow=None
        if narrow is None
        else figures.inline_svg(
            figures.render_svg(narrow), narrow.marks, name=f"{name}-narrow", label=caption
        ),
        svg=svg,
        png=png,
    )


def arrange_cells(
    cells: Sequence[HeatMapCell], n_columns: int
) -> tuple[tuple[HeatMapCell, ...], ...]:
    """Return the cells of a heat map, which are listed row by row, in rows."""
    return tuple(tuple(cells[i : i + n_columns]) for i in range(0, len(cells), n_columns))


def make_slug(family: str) -> str:
    """Return the name of a family as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-") or "family"
