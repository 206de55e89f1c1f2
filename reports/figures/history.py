"""Draw the history of a search, and the expected best value in random order."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel
from reports.format.units import format_number

# State of a trial, color, marker, whether the marker is filled.
_STATE_MARKERS = (
    ("complete", colors.BLUE, "o", True),
    ("pruned", colors.SKY, "o", False),
    ("cut short", colors.GREEN, "s", False),
)
_STATES_WITHOUT_VALUE = ("diverged", "failed")
_Y_LABEL = "Best macro F1 on val (%)"


@canvas.figure_style
def draw_history(trials: pd.DataFrame, *, data: DataLabel, narrow: bool = False) -> MarkedFigure:
    """Draw the value of each trial in the order of the proposals, and the best value so far.

    Args:
        trials: Trials of the search, `SearchAnalysis.trials`.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    figure = canvas.make_blank_figure(canvas.choose_width(narrow=narrow), 3.6, data)
    axes = figure.subplots()
    axes.step(
        trials["number"],
        trials["best_so_far"] * 100,
        where="post",
        color=colors.BLUE,
        label="best so far",
    )
    for state, color, marker, is_filled in _STATE_MARKERS:
        rows = trials[(trials["state"] == state) & trials["value"].notna()]
        if rows.empty:
            continue
        (dots,) = axes.plot(
            rows["number"],
            rows["value"] * 100,
            color=color,
            marker=marker,
            markersize=5,
            markerfacecolor=color if is_filled else colors.WHITE,
            ls="none",
            label=state,
        )
        tips = [
            f"trial {row['number']}, {state}\nbest macro F1 on val "
            f"{format_number(row['value'], 'percent')}%"
            for row in rows.to_dict("records")
        ]
        figure.mark(dots, tips=tips)
    _draw_baselines(axes, trials)
    canvas.stretch_y_axis(axes)
    _draw_lost_trials(axes, trials)
    _label_axes(figure, axes, "Trial", narrow=narrow)
    return figure


@canvas.figure_style
def draw_expected_best(
    expected: pd.DataFrame, search_trials: pd.DataFrame, *, data: DataLabel, narrow: bool = False
) -> MarkedFigure:
    """Draw the expected best of n random trials of the search, and the search itself.

    Args:
        expected: Frame from `search_effort.compute_expected_best`.
        search_trials: Rows of `SearchAnalysis.trials` with a value.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    figure = canvas.make_blank_figure(canvas.choose_width(narrow=narrow), 3.2, data)
    axes = figure.subplots()
    n_trials = expected["trials"]
    band = (expected["low"] * 100, expected["high"] * 100)
    axes.fill_between(
        n_trials, *band, color=colors.GRAY, alpha=0.4, lw=0, label="random order: 5% to 95%"
    )
    axes.plot(
        n_trials,
        expected["expected"] * 100,
        color=colors.DARK_GRAY,
        ls="--",
        label="random order: mean",
    )
    best_so_far = search_trials["value"].cummax() * 100
    axes.step(
        range(1, len(best_so_far) + 1),
        best_so_far,
        where="post",
        color=colors.BLUE,
        label="this search",
    )
    canvas.stretch_y_axis(axes)
    _label_axes(figure, axes, "Number of trials", narrow=narrow)
    return figure


def _draw_baselines(axes: Axes, trials: pd.DataFrame) -> None:
    """Draw rings around the configurations that the search started with."""
    baselines = trials[trials["is_baseline"] & trials["value"].notna()]
    if not baselines.empty:
        axes.plot(
            baselines["number"],
            baselines["value"] * 100,
            color=colors.VERMILLION,
            marker="o",
            ls="none",
            label="proposed first",
            markersize=10,
            markerfacecolor="none",
            markeredgewidth=1.2,
        )


def _draw_lost_trials(axes: Axes, trials: pd.DataFrame) -> None:
    """Draw trials without a value as crosses on the lower edge."""
    lost_trials = trials[trials["state"].isin(_STATES_WITHOUT_VALUE)]
    if not lost_trials.empty:
        heights = [axes.get_ylim()[0]] * len(lost_trials)
        axes.plot(
            lost_trials["number"],
            heights,
            color=colors.VERMILLION,
            marker="x",
            ls="none",
            clip_on=False,
            label="no value",
        )


def _label_axes(figure: Figure, axes: Axes, xlabel: str, *, narrow: bool) -> None:
    axes.set_xlabel(xlabel)
    axes.set_ylabel(_Y_LABEL)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    n_columns = 2 if narrow else 6
    figure.legend(loc="outside upper left", ncols=n_columns, handletextpad=0.3, columnspacing=1.2)
