"""Texts in the cells of a heat map: where their ink is."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloodnets.metrics import FloatArray
from reports.figures.cell_texts import CellText, draw_cell_texts

CELL_PIXELS = 40


def find_ink(*texts: CellText) -> FloatArray:
    """Return row and column of each dark pixel, in cells, of texts on 4 x 4 white cells."""
    figure = Figure(figsize=(1.6, 1.6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.zeros((4, 4)), cmap="gray_r", vmin=0, vmax=1)
    axes.set_axis_off()
    draw_cell_texts(axes, texts)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., 0]  # type: ignore[no-untyped-call]
    return np.argwhere(pixels < 100) / CELL_PIXELS - 0.5


@pytest.mark.parametrize("bold", [False, True])
def test_draw_cell_texts_centers_a_text_in_its_cell(bold: bool) -> None:
    ink = find_ink(CellText(1, 3, "808", 9, "black", bold))
    assert ink.mean(axis=0) == pytest.approx((1, 3), abs=0.05)
    height, width = np.ptp(ink, axis=0)
    assert 0 < height < 0.4 < width < 0.9  # three digits beside each other


def test_draw_cell_texts_moves_a_text_by_its_baseline() -> None:
    above = find_ink(CellText(2, 0, "8", 9, "black", baseline=2))
    below = find_ink(CellText(2, 0, "8", 6, "black", baseline=-7))
    assert above[:, 0].max() < 2 < below[:, 0].min()


def test_draw_cell_texts_of_one_glyph_are_in_all_their_cells() -> None:
    ink = find_ink(*[CellText(i, i, "0", 9, "black") for i in range(4)])
    assert {tuple(cell) for cell in np.round(ink).astype(int).tolist()} == {
        (i, i) for i in range(4)
    }
