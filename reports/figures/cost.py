"""Draw accuracy against the size of the network and against the operations per image."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bloodnets.metrics import FloatArray
from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel, label
from reports.format.units import format_number

_BENCHMARK_MARKERS = "DvpX"
_COST_AXES = (("parameters", "Parameters (millions)"), ("operations", "MFLOP per image"))
_EQUAL_COST_OFFSET = 0.02  # share of the axis; about the width of a marker


@canvas.figure_style
def draw_cost(frame: pd.DataFrame, *, data: DataLabel) -> MarkedFigure:
    """Draw accuracy against each cost, in two panels with logarithmic cost axes.

    Whiskers are 95% confidence intervals. Hollow markers are published values. Rows of equal cost
    are drawn side by side, so that none hides another.

    Args:
        frame: Frame from `cost.collect_costs`.
        data: Names of the data, shown in the corner.
    """
    figure = canvas.make_blank_figure(7.2, 4.2, data)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, axis_label) in zip(panels, _COST_AXES, strict=True):
        points = frame.assign(x=_spread_equal_costs(frame[column].to_numpy(dtype=np.float64) / 1e6))
        for (source, family), group in points.groupby(
            ["source", "family"], sort=False, dropna=False
        ):
            _draw_points(figure, axes, group, str(source), str(family))
        _set_cost_axis(axes, axis_label, points["x"])
    panels[0].set_ylabel("Accuracy on test (%);\naxis does not start at 0")
    canvas.add_legend(figure, panels[0], n_columns=4)
    return figure


def _spread_equal_costs(costs: FloatArray) -> FloatArray:
    """Return the costs, with equal ones moved apart on a logarithmic axis."""
    log_costs = pd.Series(np.log10(costs))
    groups = log_costs.groupby(log_costs.round(3))
    rank, group_size = groups.cumcount(), groups.transform("size")
    width = max(0.5, float(log_costs.max() - log_costs.min()))
    shifted = log_costs + _EQUAL_COST_OFFSET * width * (rank - (group_size - 1) / 2)
    return np.asarray(10.0 ** shifted.to_numpy(dtype=np.float64))


def _draw_points(
    figure: MarkedFigure, axes: Axes, points: pd.DataFrame, source: str, family: str
) -> None:
    """Draw a group of markers: filled with whiskers for the study, hollow for published values."""
    color, marker = colors.get_family_style(family)
    style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4.5, "ls": "none"}
    accuracy = points["accuracy"] * 100
    if source == "study":
        errors = [accuracy - points["accuracy_low"] * 100, points["accuracy_high"] * 100 - accuracy]
        container = axes.errorbar(
            points["x"],
            accuracy,
            yerr=errors,
            label=label(family),
            elinewidth=1,
            capsize=2,
            **style,
        )
        tips = [
            f"{row['name']}\naccuracy {format_score(row, 'accuracy')}\n{_format_costs(row)}"
            for row in points.to_dict("records")
        ]
        figure.mark_error_bars(container, tips=tips)
        return
    style |= {"markerfacecolor": "none", "zorder": 3}
    if source == "paper":
        (dots,) = axes.plot(points["x"], accuracy, label=f"{label(family)} (paper)", **style)
        figure.mark(dots, tips=[_describe_published(row) for row in points.to_dict("records")])
        return
    # Each method has its own marker, because their accuracies are almost equal.
    for row, y, benchmark_marker in zip(
        points.to_dict("records"), accuracy, _BENCHMARK_MARKERS, strict=False
    ):
        name = row["name"].replace(" pixels", " px")
        (dot,) = axes.plot([row["x"]], [y], label=name, **style | {"marker": benchmark_marker})
        figure.mark(dot, tips=[_describe_published(row)])


def _describe_published(row: Mapping[Hashable, Any]) -> str:
    accuracy = format_number(row["accuracy"], "percent")
    return f"{row['name']}\naccuracy {accuracy}%, published\n{_format_costs(row)}"


def _format_costs(row: Mapping[Hashable, Any]) -> str:
    return (
        f"{row['parameters'] / 1e6:,.2f} million parameters, "
        f"{row['operations'] / 1e6:,.1f} MFLOP per image"
    )


def _set_cost_axis(axes: Axes, axis_label: str, costs: pd.Series) -> None:
    axes.set_xscale("log")
    # A narrow axis may contain no power of ten, so it has ticks at 1, 2 and 5.
    is_wide = costs.max() > 100 * costs.min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(axis_label)
