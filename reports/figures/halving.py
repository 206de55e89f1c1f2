"""The learning curves of a search, and the rungs at which ASHA compared them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas
from reports.format.text import DataWords


@canvas.style
def halving(
    lines: pd.DataFrame, frame: pd.DataFrame, rungs: Sequence[int], *, data: DataWords
) -> Figure:
    """A line a trial, ending where it ended; a rule at each rung with how many came there.

    Args:
        lines: from `searches.curves`.
        frame: from `searches.trials`.
        rungs: epochs.
        data: named in the corner.
    """
    figure = canvas.blank(7.2, 3.8, data)
    axes = figure.subplots()
    state = frame.set_index("number")["state"]
    value = frame.set_index("number")["value"]
    best = value.idxmax() if value.notna().any() else None
    for number, own in lines.groupby("number"):
        look: dict[str, Any] = {"color": canvas.GREY, "lw": 0.8, "zorder": 1}
        if number == best:
            look = {"color": canvas.VERMILLION, "lw": 2.0, "zorder": 4}
        elif state[number] == "complete":
            look = {"color": canvas.BLUE, "lw": 1.0, "zorder": 2}
        height = own["val_macro_f1"] * 100
        axes.plot(own["epoch"], height, **look)
        axes.plot(own["epoch"].iloc[-1:], height.iloc[-1:], marker="o", markersize=3, **look)
    canvas.stretch_top(axes)
    top = axes.get_ylim()[1]
    for rung in rungs:
        came = int((lines["epoch"] == rung).sum())
        axes.axvline(rung, color="#666666", linewidth=0.8, linestyle=":", zorder=0)
        axes.text(rung, top, f"{came}", ha="center", va="bottom", fontsize=8, color="#444444")
    for colour, name in (
        (canvas.VERMILLION, "the best"),
        (canvas.BLUE, "complete"),
        (canvas.GREY, "stopped"),
    ):
        axes.plot([], [], color=colour, label=name)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Macro F1 on val (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper left", ncols=3)
    return figure
