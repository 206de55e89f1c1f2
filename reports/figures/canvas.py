"""What every figure shares: the style, the colours, the panels, the strip that names the data.

Figures are objects of their own (no pyplot, no global state), in colours that colour-blind
readers can tell apart (Okabe & Ito), with line styles and markers for print in grey.
"""

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.format.text import DataWords

BLUE, SKY, VERMILLION, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
GREY = "#BDBDBD"

_DPI = 160

# Text becomes outlines: the figure looks the same where the font is missing. Names come from
# users, so no dollar sign starts a formula. A fixed salt makes equal figures equal files.
_STYLE = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "bloodstudy",
    "text.parse_math": False,
}
style = matplotlib.style.context(["default", _STYLE])
"""Decorates what makes or draws a figure: matplotlib reads some settings when it draws."""


def blank(width: float, height: float, data: DataWords) -> Figure:
    """An empty figure, in inches, with a strip at its foot that names the data."""
    figure = Figure(figsize=(width, height), dpi=_DPI)
    strip = 0.22 / height
    figure.set_layout_engine("constrained", rect=(0, strip, 1, 1 - strip))
    look: dict[str, Any] = {"color": "#666666", "fontsize": 6.5}
    if data.mark:
        look = {"color": "#A8322A", "fontsize": 9, "weight": "bold"}
    text = data.short if data.mark else f"Data: {data.short}"
    figure.text(0.06 / width, 0.06 / height, short(text, 100), **look)
    return figure


def panels(
    count: int, *, width: float, height: float, data: DataWords
) -> tuple[Figure, list[Axes]]:
    """Panels in two columns, `height` inches a row, filled from the left and without gaps."""
    columns, rows = min(count, 2), math.ceil(count / 2)
    figure = blank(width if columns == 2 else width * 0.6, height * rows + 0.4, data)
    grid = figure.add_gridspec(rows, columns)
    return figure, [figure.add_subplot(grid[i // columns, i % columns]) for i in range(count)]


def title(axes: Axes, name: str, rest: str) -> None:
    """Name a panel after its configuration."""
    axes.set_title(f"{short(name)}: {rest}")


def label_outer(figure: Figure, panels: Sequence[Axes], below: str, left: str) -> None:
    """Ticks and names of the axes at the left and below the last panel of each column only."""
    for i, axes in enumerate(panels):
        at_left, at_foot = i % 2 == 0, i >= len(panels) - 2
        axes.tick_params(labelleft=at_left, labelbottom=at_foot)
        axes.set_ylabel(left if at_left else "")
        axes.set_xlabel(below if at_foot else "")
    figure.align_ylabels()


def legend(figure: Figure, axes: Axes, *, columns: int) -> None:
    """What is drawn in `axes`, above the figure: what has whiskers, then what has none."""
    # matplotlib lists them the other way round.
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda i: isinstance(handles[i], Line2D))
    figure.legend(
        [handles[i] for i in order],
        [names[i] for i in order],
        loc="outside upper left",
        ncols=columns,
        handletextpad=0.2,
        columnspacing=1.2,
    )


_TICKS: Sequence[float] = (0, 20, 40, 60, 70, 80, 85, 90, 92, 94, 96, 98, 99, 100)


STRETCHED = (lambda percent: -np.log10(101 - percent), lambda place: 101 - 10 ** (-place))
"""A scale of percentages that grows towards 100, and its inverse: a search is decided at its top,
and its worst trials would press the others together."""


def stretch_top(axes: Axes) -> None:
    """Percentages on a `STRETCHED` axis."""
    low, high = axes.dataLim.y0, axes.dataLim.y1
    axes.set_yscale("function", functions=STRETCHED)
    low, high = max(-5.0, low - 0.1 * (high - low)), min(100.0, high + 0.15 * (101 - high))
    axes.set_ylim(low, high)
    axes.set_yticks(ticks(low, high))
    axes.minorticks_off()


def ticks(low: float, high: float) -> list[float]:
    """Round percentages for a `STRETCHED` scale."""
    return [tick for tick in _TICKS if low <= tick <= high]


def short(text: str, length: int = 36) -> str:
    """A name cut to what an axis bears."""
    return text if len(text) <= length else text[: length - 1] + "…"


@style
def svg_and_png(figure: Figure) -> tuple[bytes, bytes]:
    """The figure in both formats; the same figure gives the same bytes."""
    # Laid out once, and drawn by the canvases themselves: `savefig` would do both twice over.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    vector, pixels = io.BytesIO(), io.BytesIO()
    figure.dpi = _DPI
    FigureCanvasAgg(figure).print_png(pixels, metadata={"Software": "bloodstudy"})  # type: ignore[no-untyped-call]
    # This one leaves the figure at 72 dots an inch, so it comes last.
    FigureCanvasSVG(figure).print_svg(vector, metadata={"Date": None, "Creator": "bloodstudy"})  # type: ignore[no-untyped-call]
    return vector.getvalue(), pixels.getvalue()
