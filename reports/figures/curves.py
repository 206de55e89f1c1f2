"""Draw learning curves: the losses on train and val, and macro F1 on val."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel

MAX_CURVES = len(colors.MODEL_COLORS)
"""Maximum number of models in a figure; more would need colors that are hard to tell apart."""

MIN_REPLICATES_FOR_BAND = 3
"""Minimum number of replicates for a band; with fewer, each has a thin line."""

_LINE_STYLES = {"train_loss": "--", "val_loss": "-", "val_macro_f1": "-"}
_PANELS = (("Loss (nats)", ("train_loss", "val_loss")), ("Macro F1 on val (%)", ("val_macro_f1",)))


@canvas.figure_style
def draw_curves(
    frame: pd.DataFrame, means: pd.DataFrame, *, data: DataLabel, narrow: bool = False
) -> MarkedFigure:
    """Draw the mean curves of several models, with the losses on the left and macro F1 right.

    With at least `MIN_REPLICATES_FOR_BAND` replicates, a band shows mean ± standard deviation on
    val; with two, each has a thin line. A ring is at the epoch whose weights a trial kept.

    Args:
        frame: Rows of `LearningCurves.epochs`, of at most `MAX_CURVES` configurations.
        means: Rows of `LearningCurves.means`, of the same configurations.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone, with one panel below the other.
    """
    names = list(frame["configuration"].unique())
    if narrow:
        figure = canvas.make_blank_figure(canvas.NARROW_WIDTH, 5.4, data)
        panels = list(figure.subplots(2, 1))
    else:
        figure, panels = canvas.make_panels(2, width=canvas.WIDTH, height=2.9, data=data)
    for color, name in zip(colors.MODEL_COLORS, names, strict=False):
        rows, mean = (part[part["configuration"] == name] for part in (frame, means))
        for axes, (_, columns) in zip(panels, _PANELS, strict=True):
            for column in columns:
                _draw_spread(figure, axes, rows, mean, column=column, color=color)
        _draw_mean(figure, panels, str(name), color, mean)
        _draw_rings(figure, panels[1], rows, color)
    for axes, (ylabel, _) in zip(panels, _PANELS, strict=True):
        axes.set_ylabel(ylabel)
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylim(bottom=0)
    _add_legend(figure, names, n_columns=2 if narrow else 4)
    return figure


def _draw_spread(
    figure: MarkedFigure,
    axes: Axes,
    rows: pd.DataFrame,
    mean: pd.DataFrame,
    *,
    column: str,
    color: str,
) -> None:
    """Draw the spread over the replicates, as a band or as a line for each of two."""
    scale, model = _get_scale(column), str(rows["configuration"].iloc[0])
    replicates = list(rows.groupby("replicate", sort=False))
    if len(replicates) >= MIN_REPLICATES_FOR_BAND and column != "train_loss":
        low, high = ((mean[column] + sign * mean[f"{column}_sd"]) * scale for sign in (-1, 1))
        band = axes.fill_between(mean["epoch"], low, high, color=color, alpha=0.2, linewidth=0)
        figure.mark(band, model=model)
    elif 1 < len(replicates) < MIN_REPLICATES_FOR_BAND:
        for _, replicate in replicates:
            points = replicate["epoch"], replicate[column] * scale
            (line,) = axes.plot(*points, color=color, lw=0.6, ls=_LINE_STYLES[column])
            figure.mark(line, model=model)


def _draw_rings(figure: MarkedFigure, axes: Axes, rows: pd.DataFrame, color: str) -> None:
    """Draw a ring at the epoch whose weights a trial kept, in the panel of macro F1."""
    best_rows = rows[rows["epoch"] == rows["best_epoch"]]
    points = best_rows["epoch"], best_rows["val_macro_f1"] * _get_scale("val_macro_f1")
    rings = axes.scatter(*points, s=24, facecolor=colors.WHITE, edgecolor=color, zorder=4)
    figure.mark(rings, model=str(rows["configuration"].iloc[0]))


def _draw_mean(
    figure: MarkedFigure, panels: Sequence[Axes], name: str, color: str, mean: pd.DataFrame
) -> None:
    """Draw the mean curves, and invisible points that say the values of each epoch."""
    tips = [
        f"{name}, epoch {row['epoch']}\nloss: train {row['train_loss']:.4f}, val "
        f"{row['val_loss']:.4f}\nmacro F1 on val {row['val_macro_f1']:.2%}"
        for row in mean.to_dict("records")
    ]
    for axes, (_, columns) in zip(panels, _PANELS, strict=True):
        for column in columns:
            points = mean["epoch"], mean[column] * _get_scale(column)
            (line,) = axes.plot(
                *points, color=color, linewidth=1.6, linestyle=_LINE_STYLES[column], zorder=3
            )
            figure.mark(line, model=name)
        (dots,) = axes.plot(*points, color=color, marker="o", alpha=0, linestyle="none", zorder=5)
        figure.mark(dots, model=name, tips=tips)


def _get_scale(column: str) -> int:
    return 100 if column == "val_macro_f1" else 1


def _add_legend(figure: MarkedFigure, names: Sequence[str], *, n_columns: int) -> None:
    handles = [Line2D([], [], color=color, lw=1.6) for color in colors.MODEL_COLORS[: len(names)]]
    handles += [Line2D([], [], color=colors.DARK_GRAY, lw=1.6, ls=style) for style in ("--", "-")]
    labels = [*(canvas.shorten(str(name)) for name in names), "loss on train", "on val"]
    figure.legend(handles, labels, loc="outside upper left", ncols=n_columns, columnspacing=1.2)
