"""Accuracy against the size of the network and against the operations of an image."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bloodnets.metrics import FloatArray
from reports.figures import canvas
from reports.format.text import DataWords, word

_LOOKS = {
    "mlnn": (canvas.VERMILLION, "s"),
    "cnn": (canvas.BLUE, "o"),
    "resnet": (canvas.GREEN, "^"),
}
_OTHER = ("#333333", "D")
_BENCHMARK = "DvpX"
_AXES = (("parameters", "Parameters (millions)"), ("operations", "MFLOP of one image"))
_STEP = 0.02  # of the axis, between rows of equal cost: as wide as a marker


@canvas.style
def cost(frame: pd.DataFrame, *, data: DataWords) -> Figure:
    """Two panels with one axis of accuracy, and a logarithmic one of cost each.

    Whiskers are 95 % intervals; hollow marks were published. Rows of equal cost stand side by
    side, as they would hide each other.

    Args:
        frame: from `costs.costs`.
        data: named in the corner.
    """
    figure = canvas.blank(7.2, 4.2, data)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (key, label) in zip(panels, _AXES, strict=True):
        places = frame.assign(x=_beside(frame[key].to_numpy(dtype=np.float64) / 1e6))
        for (source, family), own in places.groupby(["source", "family"], sort=False, dropna=False):
            _marks(axes, own, str(source), str(family))
        _scale(axes, label, places["x"])
    panels[0].set_ylabel("Accuracy on test (%), axis not from 0")
    canvas.legend(figure, panels[0], columns=4)
    return figure


def _beside(cost: FloatArray) -> FloatArray:
    """Costs moved apart where they are equal, on a logarithmic axis."""
    place = pd.Series(np.log10(cost))
    groups = place.groupby(place.round(3))
    number, size = groups.cumcount(), groups.transform("size")
    width = max(0.5, float(place.max() - place.min()))
    moved = place + _STEP * width * (number - (size - 1) / 2)
    return np.asarray(10.0 ** moved.to_numpy(dtype=np.float64))


def _marks(axes: Axes, own: pd.DataFrame, source: str, family: str) -> None:
    """One group of marks: ours filled and with whiskers, the published ones hollow."""
    colour, marker = _LOOKS.get(family, _OTHER)
    look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4.5, "ls": "none"}
    accuracy = own["accuracy"] * 100
    if source == "study":
        ends = [accuracy - own["low"] * 100, own["high"] * 100 - accuracy]
        axes.errorbar(
            own["x"], accuracy, yerr=ends, label=word(family), elinewidth=1, capsize=2, **look
        )
        return
    look |= {"markerfacecolor": "none", "zorder": 3}
    if source == "paper":
        axes.plot(own["x"], accuracy, label=f"{word(family)}, the paper", **look)
        return
    # Each with a mark of its own: they are few, and of nearly one accuracy.
    for x, y, name, shape in zip(own["x"], accuracy, own["name"], _BENCHMARK, strict=False):
        axes.plot([x], [y], label=name.replace(" pixels", " px"), **look | {"marker": shape})


def _scale(axes: Axes, label: str, costs: pd.Series) -> None:
    axes.set_xscale("log")
    # Of more than two decades, every ten is enough; of less than one, there may be no ten.
    far = costs.max() > 100 * costs.min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if far else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(label)
