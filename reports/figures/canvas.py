"""Style, size, panels, axes and data label shared by all figures, and their rendering.

Figures are created without pyplot and without global state.
"""

import io
import math
from collections.abc import Sequence

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures import colors
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel

WIDTH, NARROW_WIDTH = 7.2, 3.7
"""Widths of figures in inches: for a paper or a computer, and for the screen of a phone."""

MAX_NAMED_CLASSES = 14
"""Maximum number of classes whose names and counts are readable in a confusion matrix."""

_MAX_FINE_TICKS = 50
"""Maximum number of classes of which every fifth is numbered; of more, it is every tenth."""

_DPI = 160

_POSITION_DECIMALS = 6
"""Decimals of the positions of axes, as shares of the figure: a thousandth of a pixel."""

CREATOR = f"bloodstudy, matplotlib {matplotlib.__version__}"
"""Creator in the metadata of a figure, whose bytes depend on the version of matplotlib."""

# Text is stored as outlines, so that figures look the same without the font. Math parsing is off
# because users choose the names. The fixed salt makes the SVG files reproducible. With a fixed y,
# matplotlib does not measure all tick labels again for each title.
_RC_PARAMS = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": colors.GRID_GRAY,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "bloodstudy",
    "text.parse_math": False,
}
figure_style = matplotlib.style.context(["default", _RC_PARAMS])
"""Decorator for functions that create or render figures; some settings apply at render time."""


def choose_width(*, narrow: bool) -> float:
    """Return the width of a figure in inches.

    Args:
        narrow: Whether the figure is for a phone.
    """
    return NARROW_WIDTH if narrow else WIDTH


def make_blank_figure(
    width: float, height: float, data: DataLabel, *, strip_text: str | None = None
) -> MarkedFigure:
    """Return an empty figure with a strip below it.

    A figure of synthetic cells has a watermark, too.

    Args:
        width: Width in inches.
        height: Height in inches.
        data: Names of the data.
        strip_text: Text of the strip; None to name the data.
    """
    figure = MarkedFigure(figsize=(width, height), dpi=_DPI)
    strip_height = 0.22 / height
    figure.set_layout_engine("constrained", rect=(0, strip_height, 1, 1 - strip_height))
    text = shorten(strip_text or data.short_line, max(100, int(18 * width)))
    figure.text(0.06 / width, 0.06 / height, text, color=colors.MEDIUM_GRAY, fontsize=6.5)
    if data.warning:
        _add_watermark(figure, data.warning)
    return figure


def _add_watermark(figure: Figure, text: str) -> None:
    """Write a text across the figure, pale enough to read the figure through it."""
    width, height = figure.get_size_inches()
    # A capital letter of the bold font is about 0.75 of its size wide; one inch has 72 points.
    fontsize = 72 * min(0.65 * width / (0.75 * len(text)), 0.35 * height)
    figure.text(
        0.5,
        0.5,
        text,
        color=colors.VERMILLION,
        alpha=0.15,
        fontsize=fontsize,
        weight="bold",
        rotation=math.degrees(math.atan2(min(height, width / 2), width)),
        ha="center",
        va="center",
    )


def make_panels(
    n_panels: int, *, width: float, height: float, data: DataLabel, narrow: bool = False
) -> tuple[MarkedFigure, list[Axes]]:
    """Return a figure with panels in up to two columns, each row `height` inches high.

    Args:
        n_panels: Number of panels, at least 1.
        width: Width of two columns in inches; that of one is 60% of it.
        height: Height of a row in inches.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone, with one column and without `width`.
    """
    n_columns = min(n_panels, 1 if narrow else 2)
    n_rows = math.ceil(n_panels / n_columns)
    if narrow:
        width = NARROW_WIDTH
    elif n_columns == 1:
        width *= 0.6
    figure = make_blank_figure(width, height * n_rows + 0.4, data)
    grid_spec = figure.add_gridspec(n_rows, n_columns)
    return figure, [
        figure.add_subplot(grid_spec[i // n_columns, i % n_columns]) for i in range(n_panels)
    ]


def label_class_axes(axes: Axes, labels: Sequence[str]) -> None:
    """Label the rows and columns of a confusion matrix, with numbers if the names are too many."""
    ticks: Sequence[int] = range(len(labels))
    if len(labels) > MAX_NAMED_CLASSES:
        ticks = range(0, len(labels), 5 if len(labels) <= _MAX_FINE_TICKS else 10)
        axes.set_xticks(ticks)
        axes.set_yticks(ticks)
    else:
        axes.set_xticks(ticks, labels, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(ticks, labels)
    axes.grid(visible=False)
    axes.tick_params(length=0)


def set_panel_title(axes: Axes, name: str, detail: str) -> None:
    """Set the title of a panel to the configuration and a detail."""
    axes.set_title(f"{shorten(name)}: {detail}")


def label_outer_axes(figure: Figure, panels: Sequence[Axes], xlabel: str, ylabel: str) -> None:
    """Label only the axes at the left and at the bottom of each column of panels."""
    n_columns = panels[0].get_gridspec().ncols  # type: ignore[union-attr]
    for i, axes in enumerate(panels):
        is_left, is_bottom = i % n_columns == 0, i >= len(panels) - n_columns
        axes.tick_params(labelleft=is_left, labelbottom=is_bottom)
        axes.set_ylabel(ylabel if is_left else "")
        axes.set_xlabel(xlabel if is_bottom else "")
    figure.align_ylabels()


def add_legend(figure: Figure, axes: Axes, *, n_columns: int) -> None:
    """Add a legend above the figure, with error bars first and lines last."""
    # By default, matplotlib lists lines first.
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: isinstance(handles[i], Line2D))
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside upper left",
        ncols=n_columns,
        handletextpad=0.2,
        columnspacing=1.2,
    )


_TICK_PERCENTAGES: Sequence[float] = (0, 20, 40, 60, 70, 80, 85, 90, 92, 94, 96, 98, 99, 100)


STRETCHED_SCALE = (
    lambda percent: -np.log10(101 - percent),
    lambda position: 101 - 10 ** (-position),
)
"""A scale that stretches percentages toward 100, and its inverse.

On a linear scale, the worst trials of a search would compress the best ones.
"""


def stretch_y_axis(axes: Axes) -> None:
    """Set the y axis to `STRETCHED_SCALE`, with limits and ticks in percent."""
    low, high = axes.dataLim.y0, axes.dataLim.y1
    axes.set_yscale("function", functions=STRETCHED_SCALE)
    low, high = max(-5.0, low - 0.1 * (high - low)), min(100.0, high + 0.15 * (101 - high))
    axes.set_ylim(low, high)
    axes.set_yticks(select_ticks(low, high))
    axes.minorticks_off()


def select_ticks(low: float, high: float) -> list[float]:
    """Return the tick percentages of a `STRETCHED_SCALE` axis within the limits."""
    return [tick for tick in _TICK_PERCENTAGES if low <= tick <= high]


def shorten(text: str, max_length: int = 36) -> str:
    """Shorten a text to a maximum length, with an ellipsis."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


@figure_style
def render_svg_and_png(figure: Figure) -> tuple[bytes, bytes]:
    """Render a figure as SVG and PNG; the same figure gives the same bytes."""
    png = render_png(figure)
    # The SVG canvas sets the figure to 72 dots per inch, so it comes last.
    return _print_svg(figure), png


@figure_style
def render_png(figure: Figure) -> bytes:
    """Render a figure as PNG only."""
    figure.dpi = _DPI
    agg_canvas = FigureCanvasAgg(figure)
    _lay_out(figure)
    buffer = io.BytesIO()
    # Level 6, the default, takes twice as long for files that are 3% smaller.
    agg_canvas.print_png(  # type: ignore[no-untyped-call]
        buffer, metadata={"Software": "bloodstudy"}, pil_kwargs={"compress_level": 3}
    )
    return buffer.getvalue()


@figure_style
def render_svg(figure: Figure) -> bytes:
    """Render a figure as SVG only."""
    FigureCanvasAgg(figure)  # measures texts faster than the SVG canvas
    _lay_out(figure)
    return _print_svg(figure)


def _print_svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": CREATOR})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _lay_out(figure: Figure) -> None:
    """Lay out the axes once, because `savefig` would lay them out again for each format.

    The canvas caches the measured texts and reuses them for rendering.
    """
    for axes in figure.axes:
        axes.apply_aspect()  # matplotlib does this before its layout
    if (layout_engine := figure.get_layout_engine()) is not None:
        layout_engine.execute(figure)
    figure.set_layout_engine("none")
    # The last digits of the layout vary between processes: its solver sorts by memory address.
    for axes in figure.axes:
        axes.set_position(np.round(axes.get_position(original=True).bounds, _POSITION_DECIMALS))
