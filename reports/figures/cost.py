"""Accuracy against the size of the network and against the operations of an image."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bloodnets.metrics import FloatArray
from reports.figures import canvas
from reports.format.text import DataLabel, label

_FAMILY_STYLES = {
    "mlnn": (canvas.VERMILLION, "s"),
    "cnn": (canvas.BLUE, "o"),
    "resnet": (canvas.GREEN, "^"),
}
_DEFAULT_STYLE = ("#333333", "D")
_BENCHMARK_MARKERS = "DvpX"
_COST_AXES = (("parameters", "Parameters (millions)"), ("operations", "MFLOP of one image"))
_EQUAL_COST_OFFSET = 0.02  # of the axis, between rows of equal cost: as wide as a marker


@canvas.figure_style
def draw_cost(frame: pd.DataFrame, *, data: DataLabel) -> Figure:
    """Two panels with one axis of accuracy, and a logarithmic one of cost each.

    Whiskers are 95 % intervals; hollow marks were published. Rows of equal cost stand side by
    side, as they would hide each other.

    Args:
        frame: Frame from `cost.collect_costs`.
        data: Names of the data, written in the corner.
    """
    figure = canvas.make_blank_figure(7.2, 4.2, data)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, axis_label) in zip(panels, _COST_AXES, strict=True):
        points = frame.assign(x=_spread_equal_costs(frame[column].to_numpy(dtype=np.float64) / 1e6))
        for (source, family), group in points.groupby(
            ["source", "family"], sort=False, dropna=False
        ):
            _draw_points(axes, group, str(source), str(family))
        _set_cost_axis(axes, axis_label, points["x"])
    panels[0].set_ylabel("Accuracy on test (%), axis not from 0")
    canvas.add_legend(figure, panels[0], n_columns=4)
    return figure


def _spread_equal_costs(costs: FloatArray) -> FloatArray:
    """Costs moved apart where they are equal, on a logarithmic axis."""
    log_costs = pd.Series(np.log10(costs))
    groups = log_costs.groupby(log_costs.round(3))
    rank, group_size = groups.cumcount(), groups.transform("size")
    width = max(0.5, float(log_costs.max() - log_costs.min()))
    shifted = log_costs + _EQUAL_COST_OFFSET * width * (rank - (group_size - 1) / 2)
    return np.asarray(10.0 ** shifted.to_numpy(dtype=np.float64))


def _draw_points(axes: Axes, points: pd.DataFrame, source: str, family: str) -> None:
    """One group of marks: ours filled and with whiskers, the published ones hollow."""
    color, marker = _FAMILY_STYLES.get(family, _DEFAULT_STYLE)
    style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4.5, "ls": "none"}
    accuracy = points["accuracy"] * 100
    if source == "study":
        errors = [accuracy - points["accuracy_low"] * 100, points["accuracy_high"] * 100 - accuracy]
        axes.errorbar(
            points["x"],
            accuracy,
            yerr=errors,
            label=label(family),
            elinewidth=1,
            capsize=2,
            **style,
        )
        return
    style |= {"markerfacecolor": "none", "zorder": 3}
    if source == "paper":
        axes.plot(points["x"], accuracy, label=f"{label(family)}, the paper", **style)
        return
    # Each with a mark of its own: they are few, and of nearly one accuracy.
    for x, y, name, benchmark_marker in zip(
        points["x"], accuracy, points["name"], _BENCHMARK_MARKERS, strict=False
    ):
        axes.plot(
            [x], [y], label=name.replace(" pixels", " px"), **style | {"marker": benchmark_marker}
        )


def _set_cost_axis(axes: Axes, axis_label: str, costs: pd.Series) -> None:
    axes.set_xscale("log")
    # Of more than two decades, every ten is enough; of less than one, there may be no ten.
    is_wide = costs.max() > 100 * costs.min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(axis_label)
