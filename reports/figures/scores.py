"""Draw scores on test as dots."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel, format_loss_and_optimizer
from reports.format.units import format_number

# Column of the frame, label in the legend, color, marker.
_SCORE_STYLES = (
    ("test_macro_precision", "macro precision", colors.GREEN, "s"),
    ("test_weighted_f1", "weighted F1", colors.VERMILLION, "^"),
    ("test_macro_f1", "macro F1", colors.BLUE, "o"),
)


@canvas.figure_style
def draw_scores(frame: pd.DataFrame, *, data: DataLabel, narrow: bool = False) -> MarkedFigure:
    """Draw macro precision, weighted F1 and macro F1 of each configuration as dots.

    Bars would have to start at 0, where differences of a point are invisible. Whiskers are 95%
    confidence intervals. An open diamond is the published weighted F1, if the frame has it.

    Args:
        frame: Rows of `frames.make_comparison_frame`, of one family, with `model` (str), the name
            of the configuration's model in the report.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    height = 1.5 + 0.62 * len(frame)
    figure = canvas.make_blank_figure(canvas.choose_width(narrow=narrow), height, data)
    axes = figure.subplots()
    for position, row in enumerate(frame.to_dict("records")):
        for style, offset in zip(_SCORE_STYLES, (-0.22, 0.0, 0.22), strict=True):
            _draw_score(figure, axes, position + offset, row, style)
        _draw_published(figure, axes, position, row)
    labels = [
        f"{canvas.shorten(str(name), 20 if narrow else 36)}\n"
        f"{format_loss_and_optimizer(loss, optimizer)}"
        for name, loss, optimizer in zip(
            frame["configuration"], frame["loss"], frame["optimizer"], strict=True
        )
    ]
    axes.set_yticks(range(len(frame)), labels)
    for model, tick_label in zip(frame["model"], axes.get_yticklabels(), strict=True):
        figure.mark(tick_label, model=str(model))
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    xlabel = f"Score on test (%);\naxis from {low:.1f} to {high:.1f}, not from 0"
    if narrow:
        axes.set_xlabel(xlabel, x=1, ha="right")  # wider than the axis
    else:
        axes.set_xlabel(xlabel)
    canvas.add_legend(figure, axes, n_columns=2 if narrow else 4)
    return figure


def _draw_score(
    figure: MarkedFigure,
    axes: Axes,
    y: float,
    row: Mapping[Hashable, Any],
    style: tuple[str, str, str, str],
) -> None:
    """Draw a score of a configuration with its interval."""
    column, name, color, marker = style
    value, low, high = (100 * row[f"{column}{end}"] for end in ("", "_low", "_high"))
    container = axes.errorbar(
        [value],
        [y],
        xerr=[[value - low], [high - value]],
        label=_label_once(axes, name),
        color=color,
        marker=marker,
        markersize=6,
        linestyle="none",
        elinewidth=1.2,
        capsize=3,
    )
    tip = f"{row['configuration']}\n{name} {format_score(row, column)}"
    figure.mark_error_bars(container, model=row["model"], tips=[tip])


def _draw_published(
    figure: MarkedFigure, axes: Axes, y: float, row: Mapping[Hashable, Any]
) -> None:
    """Draw the published weighted F1 of a configuration as an open diamond, if it has one."""
    published = row.get("published_weighted_f1", math.nan)
    if math.isnan(published):
        return
    name = "weighted F1 (published)"
    (diamond,) = axes.plot(
        [100 * published],
        [y],
        label=_label_once(axes, name),
        color=colors.DARK_GRAY,
        marker="D",
        markersize=7,
        markerfacecolor="none",
        linestyle="none",
        zorder=1,
    )
    tip = f"{row['configuration']}\n{name} {format_number(published, 'percent')}%"
    figure.mark(diamond, model=row["model"], tips=[tip])


def _label_once(axes: Axes, name: str) -> str | None:
    """Return the name for the legend, or None if the legend has it."""
    return None if name in axes.get_legend_handles_labels()[1] else name
