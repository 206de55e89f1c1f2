"""Importances, as dots with intervals."""

import pandas as pd
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataWords

# By rung, from the first.
_MARKS = (("o", canvas.BLUE), ("s", canvas.VERMILLION), ("^", canvas.GREEN), ("D", canvas.SKY))


@canvas.style
def importances(frame: pd.DataFrame, *, data: DataWords) -> Figure:
    """A panel a group of trials, a line a parameter, a dot a rung.

    Args:
        frame: from `importance.importances`, with `among` and `setting_text`.
        data: named in the corner.
    """
    groups, rungs = list(frame["among"].unique()), list(frame["rung"].unique())
    lines = frame.groupby("among", sort=False)["setting_text"].nunique()
    figure = canvas.blank(7.2, 1.2 + 0.42 * lines.sum(), data)
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=[*lines])
    for axes, group in zip(panels[:, 0], groups, strict=True):
        own = frame[frame["among"] == group]
        names = list(own["setting_text"].unique())
        for number, rung in enumerate(rungs):
            at = own[own["rung"] == rung]
            if at.empty:
                continue
            marker, colour = _MARKS[number % len(_MARKS)]
            share = at["importance"] * 100
            ends = at["importance_low"] * 100, at["importance_high"] * 100
            shift = 0.22 * (number - (len(rungs) - 1) / 2)
            rows = [names.index(name) + shift for name in at["setting_text"]]
            # Not as whiskers: of few trials the interval may lie beside the value.
            axes.hlines(rows, *ends, color=colour, linewidth=1.4)
            axes.plot(share, rows, marker=marker, color=colour, ls="none")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_title(str(group))
        axes.grid(visible=False, axis="y")
    for number, rung in enumerate(rungs):
        marker, colour = _MARKS[number % len(_MARKS)]
        label = f"after epoch {rung}"
        panels[0, 0].plot([], [], marker=marker, color=colour, ls="none", label=label)
    panels[-1, 0].set_xlim(-2, 102)
    panels[-1, 0].set_xlabel("Share of the variance explained (%), 90 % interval")
    figure.legend(loc="outside upper left", ncols=4)
    return figure
