"""Define the elements of a report section: text, tables, figures with captions, heat maps.

All text is plain: the HTML and Markdown templates escape it.
"""

import re
from dataclasses import dataclass

from reports import figures
from reports.format.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
    """A figure with its caption.

    Attributes:
        name: Name of its files, without the suffix.
        caption: Caption.
        wide: Whether the figure needs the width of the page; it scrolls on a phone.
        inline: SVG element for the page, see `inline_svg`; None if the page shows the file `svg`.
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
        shade: Shade from -5 (far below) through 0 (none) to 5 (far above).
        faint: Whether the value is not significant, shown in gray without a shade.
    """

    text: str
    detail: str = ""
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
        title: Title, by which a reader selects it among the heat maps of its section.
        caption: Caption, which explains rows, columns and shades.
        rows: Headings of the rows.
        columns: Headings of the columns.
        cells: Rows of cells, one cell per column.
    """

    title: str
    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[HeatMapCell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small image with text.

    Attributes:
        png: Image as PNG, 28 x 28 pixels; the page enlarges it by a factor of three.
        alt: Alternative text.
        lines: Lines of text below the image.
    """

    png: bytes
    alt: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Text to copy, shown as it is.

    Attributes:
        title: What the text is for.
        text: One or several lines.
    """

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report.

    Attributes:
        key: Anchor of the section.
        title: Heading.
        paragraphs: Paragraphs below the heading.
        notes: Paragraphs that explain the method, below the tables; the page shows them on
            request.
        bullets: Items of a list below the paragraphs.
        heat_maps: Heat maps below the list; the page shows one at a time.
        figures: Figures below the heat maps.
        tables: Tables below the figures; folded ones follow the thumbnails.
        thumbnails: Small images below the tables and notes.
        facts: Pairs of a term and its value.
        code_blocks: Texts to copy, at the end.
        folded: Whether only the first paragraph is shown at once: the page shows the rest on
            request, and the Markdown file leaves it out.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    heat_maps: tuple[HeatMap, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    code_blocks: tuple[CodeBlock, ...] = ()
    folded: bool = False


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
        inline: Whether the figure is part of the page, with its colors and marks; otherwise the
            page shows it as an image.
    """
    svg, png = figures.render_svg_and_png(figure)
    return ReportFigure(
        name=name,
        caption=caption,
        wide=wide,
        inline=figures.inline_svg(svg, figure.marks, name=name, label=caption) if inline else None,
        narrow=None if narrow is None else _inline_narrow(name, caption, narrow),
        svg=svg,
        png=png,
    )


def _inline_narrow(name: str, caption: str, figure: figures.MarkedFigure) -> str:
    svg = figures.render_svg(figure)
    return figures.inline_svg(svg, figure.marks, name=f"{name}-narrow", label=caption)


def make_slug(family: str) -> str:
    """Return the name of a family as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", family.lower()).strip("-") or "family"
