"""Define the elements of a report section: text, tables, figures with captions, heat maps.

All text is plain: the HTML and Markdown templates escape it.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from reports import figures
from reports.format.table import Table

_SHOWN_SIDE = 84


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


class GalleryModel(NamedTuple):
    """A model by which the images of a gallery are filtered.

    Attributes:
        name: Name of the model.
        n_seeds: Number of its trials.
    """

    name: str
    n_seeds: int


class ClassError(NamedTuple):
    """A wrong prediction of a model for an image.

    Attributes:
        model: Index in `Gallery.models`.
        predicted: Predicted class, 0 to 7.
        n_seeds: Number of trials of the model with this prediction, at least 1.
    """

    model: int
    predicted: int
    n_seeds: int


class ImageErrors(NamedTuple):
    """All wrong predictions for an image.

    Attributes:
        true: True class, 0 to 7.
        errors: Wrong predictions of every model.
    """

    true: int
    errors: tuple[ClassError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """An image of a gallery, with text.

    Attributes:
        alt: Alternative text.
        lines: Lines of text below the image.
        image: Wrong predictions, by which the page filters the image.
    """

    alt: str
    lines: tuple[str, ...]
    image: ImageErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Small images that the page filters by class and model.

    Attributes:
        sprite: All images in one PNG, `n_columns` in a row, in the order of `thumbnails`.
        side: Height and width of an image in pixels; the page enlarges a small one by a whole
            factor.
        n_columns: Number of images in a row of the sprite.
        thumbnails: Text of each image.
        n_open: Number of images that are shown without a filter, the first ones.
        omitted: Images without a place in the sprite, which are only counted.
        classes: Labels of the classes.
        models: Models, in the order of the plan.
    """

    sprite: bytes
    side: int
    n_columns: int
    thumbnails: tuple[Thumbnail, ...]
    n_open: int
    omitted: tuple[ImageErrors, ...]
    classes: tuple[str, ...]
    models: tuple[GalleryModel, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows of the sprite."""
        return -(-len(self.thumbnails) // self.n_columns)

    @property
    def shown_side(self) -> int:
        """Height and width of an image on the page, a multiple of `side` near 84 pixels."""
        return self.side * max(1, round(_SHOWN_SIDE / self.side))


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
        notes: Paragraphs that explain the method, below the code blocks; the page shows them on
            request.
        bullets: Items of a list below the paragraphs.
        heat_maps: Heat maps below the list; the page shows one at a time.
        figures: Figures below the heat maps.
        tables: Tables below the figures; folded ones come last.
        gallery: Small images below the notes.
        facts: Pairs of a term and its value, below the tables that are not folded.
        code_blocks: Texts to copy, below the facts.
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
    gallery: Gallery | None = None
    facts: tuple[tuple[str, str], ...] = ()
    code_blocks: tuple[CodeBlock, ...] = ()
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
