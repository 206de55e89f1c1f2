"""How a search went, trial by trial, and what picking its trials at random would have brought."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas
from reports.format.text import DataWords

# State of a trial, colour, marker, whether it is filled.
_MARKS = (
    ("complete", canvas.BLUE, "o", True),
    ("pruned", canvas.SKY, "o", False),
    ("cut short", canvas.GREEN, "s", False),
)
_LOST = ("diverged", "failed")
_AXIS = "Best macro F1 on val (%)"


@canvas.style
def history(frame: pd.DataFrame, *, data: DataWords) -> Figure:
    """A dot a trial in the order of the proposals, and the best so far as a line.

    Args:
        frame: from `searches.trials`.
        data: named in the corner.
    """
    figure = canvas.blank(7.2, 3.6, data)
    axes = figure.subplots()
    axes.step(
        frame["number"], frame["best"] * 100, where="post", color=canvas.BLUE, label="best so far"
    )
    for state, colour, marker, filled in _MARKS:
        own = frame[(frame["state"] == state) & frame["value"].notna()]
        if own.empty:
            continue
        face: dict[str, Any] = {"markerfacecolor": colour if filled else "white", "markersize": 5}
        place = (own["number"], own["value"] * 100)
        axes.plot(*place, color=colour, marker=marker, ls="none", label=state, **face)
    known = frame[frame["start"] & frame["value"].notna()]
    if not known.empty:
        place = (known["number"], known["value"] * 100)
        ring: dict[str, Any] = {"markersize": 10, "markerfacecolor": "none", "markeredgewidth": 1.2}
        axes.plot(*place, color=canvas.VERMILLION, marker="o", ls="none", label="start", **ring)
    canvas.stretch_top(axes)
    _lost(axes, frame)
    _finish(figure, axes, "Trial")
    return figure


@canvas.style
def expected_best(expected: pd.DataFrame, actual: pd.DataFrame, *, data: DataWords) -> Figure:
    """The best of n trials picked at random from the search's own, and the search itself.

    Args:
        expected: from `searches.expected_best`.
        actual: from `searches.trials`, those with a value.
        data: named in the corner.
    """
    figure = canvas.blank(7.2, 3.2, data)
    axes = figure.subplots()
    trials = expected["trials"]
    band = (expected["low"] * 100, expected["high"] * 100)
    axes.fill_between(trials, *band, color=canvas.GREY, alpha=0.4, lw=0, label="random: 5 to 95 %")
    axes.plot(trials, expected["expected"] * 100, color="#333333", ls="--", label="random: mean")
    best = actual["value"].cummax() * 100
    axes.step(range(1, len(best) + 1), best, where="post", color=canvas.BLUE, label="this search")
    canvas.stretch_top(axes)
    _finish(figure, axes, "Trials")
    return figure


def _lost(axes: Axes, frame: pd.DataFrame) -> None:
    """Trials without a value, as crosses on the lower edge."""
    lost = frame[frame["state"].isin(_LOST)]
    if not lost.empty:
        floor = [axes.get_ylim()[0]] * len(lost)
        cross: dict[str, Any] = {"marker": "x", "ls": "none", "clip_on": False, "label": "no value"}
        axes.plot(lost["number"], floor, color=canvas.VERMILLION, **cross)


def _finish(figure: Figure, axes: Axes, below: str) -> None:
    axes.set_xlabel(below)
    axes.set_ylabel(_AXIS)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper left", ncols=6, handletextpad=0.3, columnspacing=1.2)
