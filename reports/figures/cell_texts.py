"""Write the texts of a heat map's cells as glyphs that are laid out and outlined only once.

A text of matplotlib is laid out again for each measurement and each format. The numbers took most
of the time of a heat map.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, IdentityTransform

_DIGIT_HEIGHT = 0.73
"""Height of the digits of DejaVu Sans, relative to the size of the font."""

_MEASURED_SIZE = 100
"""Size of the font in points at which characters are measured."""


class CellText(NamedTuple):
    """A short text in a cell, centered horizontally.

    Attributes:
        row: Row of the cell, from 0.
        column: Column of the cell, from 0.
        text: Text, usually a number.
        size: Size of the font in points.
        color: Color of the text.
        bold: Whether the text is bold.
        baseline: Height of the baseline above the center of the cell in points; None centers
            digits vertically.
    """

    row: int
    column: int
    text: str
    size: float
    color: str
    bold: bool = False
    baseline: float | None = None


class _Glyph(NamedTuple):
    """A character in one style, drawn at many places at once."""

    character: str
    size: float
    bold: bool
    color: str


class _CellTexts(Artist):
    """Texts of the cells of an image."""

    def __init__(self, texts: Sequence[CellText]) -> None:
        super().__init__()
        self._places = _place_glyphs(texts)
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Draw each glyph at all its places."""
        if not self.get_visible() or self.axes is None:
            return
        points = float(np.asarray(renderer.points_to_pixels(1.0)))
        for glyph, places in self._places.items():
            cells, shifts = np.array(places)[:, :2], np.array(places)[:, 2:]
            positions = self.axes.transData.transform(cells) + shifts * points
            gc = renderer.new_gc()
            gc.set_linewidth(0)
            renderer.draw_markers(
                gc,
                _outline(glyph.character, glyph.size, glyph.bold),
                Affine2D().scale(points),
                Path(positions),
                IdentityTransform(),
                to_rgba(glyph.color),
            )
            gc.restore()


def draw_cell_texts(axes: Axes, texts: Sequence[CellText]) -> None:
    """Draw texts at the cells of an image, which the layout of the figure ignores.

    Args:
        axes: Axes with the image, one unit per cell.
        texts: Texts of the cells.
    """
    axes.add_artist(_CellTexts(texts))


def _place_glyphs(
    texts: Sequence[CellText],
) -> dict[_Glyph, list[tuple[float, float, float, float]]]:
    """Return the column and row of each place of a glyph, and its shift from there in points."""
    places: defaultdict[_Glyph, list[tuple[float, float, float, float]]] = defaultdict(list)
    for text in texts:
        advances = [text.size * _measure_advance(c, text.bold) for c in text.text]
        x = -sum(advances) / 2
        y = -text.size * _DIGIT_HEIGHT / 2 if text.baseline is None else text.baseline
        for character, advance in zip(text.text, advances, strict=True):
            glyph = _Glyph(character, text.size, text.bold, text.color)
            places[glyph].append((text.column, text.row, x, y))
            x += advance
    return dict(places)


@lru_cache(maxsize=256)
def _measure_advance(character: str, bold: bool) -> float:
    """Return the distance from a character to the next one, relative to the size of the font."""
    font = get_font(findfont(_make_font(bold)))
    font.set_size(_MEASURED_SIZE, 72)
    # FreeType's unit is 1/65536 of a pixel.
    return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / _MEASURED_SIZE


@lru_cache(maxsize=256)
def _outline(character: str, size: float, bold: bool) -> Path:
    """Return the outline of a character whose baseline begins at the origin, in points."""
    return TextPath((0, 0), character, size=size, prop=_make_font(bold))


def _make_font(bold: bool) -> FontProperties:
    return FontProperties(weight="bold" if bold else "normal")
