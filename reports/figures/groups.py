"""Configurations from best to worst, with bars over those that could not be separated."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataWords, method


@canvas.style
def groups(frame: pd.DataFrame, found: Sequence[Sequence[str]], *, data: DataWords) -> Figure:
    """A line a configuration: mean and 95 % interval; beside it, a bar for each of its groups.

    After the critical-difference diagram of Demšar (JMLR, 2006), turned so that names are read
    without tilting the head, and with each configuration's own interval.

    Args:
        frame: rows of `tables.comparison`, from the best to the worst.
        found: from `comparisons.groups`, of the same configurations.
        data: named in the corner.
    """
    names = list(frame["configuration"])
    figure = canvas.blank(7.2, 1.0 + 0.34 * len(names), data)
    widths = [5, max(1.0, 0.25 + 0.22 * len(found))]  # room for the title
    axes, bars = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    rows = range(len(names))
    mean = frame["test_macro_f1"] * 100
    ends = [mean - frame["test_macro_f1_low"] * 100, frame["test_macro_f1_high"] * 100 - mean]
    axes.errorbar(mean, rows, xerr=ends, color=canvas.BLUE, marker="o", linestyle="none", capsize=3)
    labels = [
        f"{canvas.short(str(name))}   {method(loss, optimizer)}"
        for name, loss, optimizer in zip(names, frame["loss"], frame["optimizer"], strict=True)
    ]
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("Macro F1 on test (%), 95 % interval; the axis does not start at 0")
    place = {name: row for row, name in enumerate(names)}
    for column, group in enumerate(found):
        own = [place[name] for name in group]
        bars.plot([column] * 2, [min(own) - 0.3, max(own) + 0.3], color=canvas.GREY, linewidth=1.5)
        bars.plot([column] * len(own), own, color="#333333", marker="o", markersize=5, ls="none")
    bars.set_xlim(-0.7, len(found) - 0.3)
    bars.set_title("Not separated", fontsize=8, loc="right")
    bars.tick_params(length=0, labelleft=False, labelbottom=False)
    bars.grid(visible=False, axis="x")
    bars.spines[["left", "bottom"]].set_visible(False)
    return figure
