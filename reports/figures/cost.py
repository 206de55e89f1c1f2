"""Draw accuracy against the size of the network and against the operations per image."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel, label
from reports.format.units import format_number

_BENCHMARK_MARKERS = "DvpX"
_COST_AXES = (("parameters", "Parameters (millions)"), ("operations", "MFLOP per image"))
_MAX_NAMES = 4
"""Names beside the points of equal cost; more would cover other points."""


@canvas.figure_style
def draw_cost(frame: pd.DataFrame, *, data: DataLabel, narrow: bool = False) -> MarkedFigure:
    """Draw accuracy against each cost, in two panels with logarithmic cost axes.

    Whiskers are 95% confidence intervals. Hollow markers are published values. The models of the
    study are named in the first panel.

    Args:
        frame: Frame from `cost.collect_costs`, with the names of the models as in the report.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone, with one panel below the other.
    """
    if narrow:
        figure = canvas.make_blank_figure(canvas.NARROW_WIDTH, 7.2, data)
        panels = figure.subplots(2, 1)
    else:
        figure = canvas.make_blank_figure(canvas.WIDTH, 4.2, data)
        panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, axis_label) in zip(panels, _COST_AXES, strict=True):
        points = frame.assign(x=frame[column].astype(np.float64) / 1e6)
        for (source, family), group in points.groupby(
            ["source", "family"], sort=False, dropna=False
        ):
            _draw_points(figure, axes, group, str(source), str(family))
        _set_cost_axis(axes, axis_label, points["x"])
    _name_models(panels[0], frame)
    for axes in panels if narrow else panels[:1]:
        axes.set_ylabel("Accuracy on test (%);\naxis does not start at 0")
    canvas.add_legend(figure, panels[0], n_columns=2 if narrow else 4)
    return figure


def _name_models(axes: Axes, frame: pd.DataFrame) -> None:
    """Write the names of the models of equal cost beside them, the most accurate first."""
    costs = np.log10(frame["parameters"] / 1e6)
    ours = frame[frame["source"] == "study"]
    for cost, group in ours.groupby(costs[ours.index].round(3)):
        names = list(group.sort_values("accuracy", ascending=False)["name"])
        lines = [canvas.shorten(str(name), 24) for name in names[:_MAX_NAMES]]
        if n_more := len(names) - len(lines):
            lines.append(f"and {n_more} more")
        is_right = float(cost) > costs.min() + 2 / 3 * (costs.max() - costs.min())
        axes.annotate(
            "\n".join(lines),
            (group["parameters"].iloc[0] / 1e6, 100 * group["accuracy"].mean()),
            xytext=(-6 if is_right else 6, 0),
            textcoords="offset points",
            fontsize=7,
            ha="right" if is_right else "left",
            va="center",
        )


def _draw_points(
    figure: MarkedFigure, axes: Axes, points: pd.DataFrame, source: str, family: str
) -> None:
    """Draw a group of markers: filled with whiskers for the study, hollow for published values."""
    color, marker = colors.get_family_style(family)
    style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4.5, "ls": "none"}
    accuracy = points["accuracy"] * 100
    if source == "study":
        _draw_models(figure, axes, points, style | {"label": label(family)})
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


def _draw_models(
    figure: MarkedFigure, axes: Axes, points: pd.DataFrame, style: dict[str, Any]
) -> None:
    """Draw the models of a family with whiskers; the first one is in the legend."""
    for row in points.to_dict("records"):
        value, low, high = (100 * row[f"accuracy{end}"] for end in ("", "_low", "_high"))
        errors = [[value - low], [high - value]]
        container = axes.errorbar(
            [row["x"]], [value], yerr=errors, elinewidth=1, capsize=2, **style
        )
        tip = f"{row['name']}\naccuracy {format_score(row, 'accuracy')}\n{_format_costs(row)}"
        figure.mark_error_bars(container, model=str(row["name"]), tips=[tip])
        style = style | {"label": None}


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
