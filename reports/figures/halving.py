"""Draw the learning curves of a search and the rungs at which ASHA compared them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel


@canvas.figure_style
def draw_halving(
    curves: pd.DataFrame,
    trials: pd.DataFrame,
    rungs: Sequence[int],
    *,
    data: DataLabel,
    narrow: bool = False,
) -> MarkedFigure:
    """Draw the learning curve of each trial, and the number of trials that reached each rung.

    Args:
        curves: Learning curves of the search, `SearchAnalysis.curves`.
        trials: Trials of the search, `SearchAnalysis.trials`.
        rungs: Epochs at which ASHA compares trials.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    figure = canvas.make_blank_figure(canvas.choose_width(narrow=narrow), 3.8, data)
    axes = figure.subplots()
    state_by_trial = trials.set_index("number")["state"]
    value_by_trial = trials.set_index("number")["value"]
    best_number = value_by_trial.idxmax() if value_by_trial.notna().any() else None
    for number, curve in curves.groupby("number"):
        line_style: dict[str, Any] = {"color": colors.GRAY, "lw": 0.8, "zorder": 1}
        if number == best_number:
            line_style = {"color": colors.VERMILLION, "lw": 2.0, "zorder": 4}
        elif state_by_trial[number] == "complete":
            line_style = {"color": colors.BLUE, "lw": 1.0, "zorder": 2}
        percent = curve["val_macro_f1"] * 100
        axes.plot(curve["epoch"], percent, **line_style)
        (end,) = axes.plot(
            curve["epoch"].iloc[-1:], percent.iloc[-1:], marker="o", markersize=3, **line_style
        )
        tip = (
            f"trial {number}, {state_by_trial[number]} after {curve['epoch'].iloc[-1]} epochs\n"
            f"macro F1 on val {percent.iloc[-1]:.2f}%"
        )
        figure.mark(end, tips=[tip])
    canvas.stretch_y_axis(axes)
    y_max = axes.get_ylim()[1]
    for rung in rungs:
        n_trials = int((curves["epoch"] == rung).sum())
        axes.axvline(rung, color=colors.MEDIUM_GRAY, linewidth=0.8, linestyle=":", zorder=0)
        axes.text(
            rung, y_max, f"{n_trials}", ha="center", va="bottom", fontsize=8, color=colors.DARK_GRAY
        )
    for color, label in (
        (colors.VERMILLION, "best"),
        (colors.BLUE, "complete"),
        (colors.GRAY, "not complete"),
    ):
        axes.plot([], [], color=color, label=label)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Macro F1 on val (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper left", ncols=3)
    return figure
