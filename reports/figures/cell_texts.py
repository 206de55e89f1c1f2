"""Write the texts of a heat map's cells as outlines.

matplotlib lays out a `Text` again for each measurement and each format. The numbers of a heat map
took most of its time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

_DIGIT_HEIGHT = 0.73
"""Height of the digits of DejaVu Sans, relative to the size of the font."""

FAINT_COLOR = "#8A8A8A"
"""Color of a text that does not matter; such figures are files only, so no page has it."""


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


def draw_cell_texts(axes: Axes, texts: Sequence[CellText]) -> None:
    """Draw texts at the cells of an image, which the layout of the figure ignores.

    Args:
        axes: Axes with the image, one unit per cell.
        texts: Texts of the cells.
    """
    outlines = PathCollection(
        [_outline(text) for text in texts],
        offsets=[(text.column, text.row) for text in texts],
        offset_transform=axes.transData,
        facecolors=[text.color for text in texts],
        linewidths=0,
    )
    # The SVG and the PNG file differ in dots per inch; an inch has 72 points.
    outlines.set_transform(Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans)
    outlines.set_in_layout(False)
    axes.add_artist(outlines)


def _outline(text: CellText) -> Path:
    """Return the outline of a text in points from the center of its cell."""
    font = FontProperties(weight="bold" if text.bold else "normal")
    outline = TextPath((0, 0), text.text, size=text.size, prop=font)
    # `Path.get_extents` takes longer than all else, because it solves for each curve's extremes.
    x = outline.vertices[outline.codes != Path.CLOSEPOLY, 0]
    y = -text.size * _DIGIT_HEIGHT / 2 if text.baseline is None else text.baseline
    return outline.transformed(Affine2D().translate(-np.mean([x.min(), x.max()]), y))
