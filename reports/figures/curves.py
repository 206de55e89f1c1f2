"""Draw learning curves."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas
from reports.format.text import DataLabel, format_loss_and_optimizer

# Axis label by column of `LearningCurves.epochs`.
_AXIS_LABELS = {"train_loss": "Training loss (nats)", "val_macro_f1": "Macro F1 on val (%)"}
_MAX_CONTEXT_CURVES = 8
MIN_SEEDS_FOR_BAND = 3
"""Minimum number of seeds for a band; with two, it adds nothing to the two lines."""

MAX_SEED_LINES = 5
"""Maximum number of seeds drawn as lines; with more, only the band is drawn."""


@canvas.figure_style
def draw_curves(
    frame: pd.DataFrame, means: pd.DataFrame, *, column: str, data: DataLabel
) -> Figure:
    """Draw one panel per configuration: thin lines for seeds, a bold line for their mean.

    The means of the other configurations are gray. With at least `MIN_SEEDS_FOR_BAND` seeds, a
    band shows mean ± standard deviation. With more than `MAX_SEED_LINES` seeds, the seeds have no
    lines. Configurations that differ only in the loss have the same curve, so one would hide
    the other in a common panel.

    Args:
        frame: Rows of `LearningCurves.epochs`, of one family.
        means: Rows of `LearningCurves.means`, of the same family; the band is from its `_sd`
            columns.
        column: Column to draw, `train_loss` or `val_macro_f1`.
        data: Names of the data, shown in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = canvas.make_panels(len(names), width=7.2, height=2.3, data=data)
    scale = 100 if column == "val_macro_f1" else 1
    for axes, name in zip(panels, names, strict=True):
        context_names = [
            other for other in names if other != name and len(names) <= _MAX_CONTEXT_CURVES
        ]
        for other in context_names:
            mean = means[means["configuration"] == other]
            axes.plot(
                mean["epoch"], mean[column] * scale, color=canvas.GRAY, linewidth=0.8, zorder=1
            )
        rows = frame[frame["configuration"] == name]
        _draw_replicates(axes, rows, means[means["configuration"] == name], column, scale)
        canvas.set_panel_title(
            axes, name, format_loss_and_optimizer(rows["loss"].iloc[0], rows["optimizer"].iloc[0])
        )
    _set_shared_limits(panels, from_zero=column == "train_loss")
    canvas.label_outer_axes(figure, panels, "Epoch", _AXIS_LABELS[column])
    return figure


def _draw_replicates(
    axes: Axes, frame: pd.DataFrame, mean: pd.DataFrame, column: str, scale: int
) -> None:
    """Draw the seeds as lines or band, their mean, and rings at the epochs of the kept weights."""
    replicates = list(frame.groupby("seed", sort=False))
    color, width = (canvas.BLUE, 1.6) if len(replicates) == 1 else (canvas.SKY, 0.9)
    if len(replicates) >= MIN_SEEDS_FOR_BAND and f"{column}_sd" in mean:
        low, high = ((mean[column] + sign * mean[f"{column}_sd"]) * scale for sign in (-1, 1))
        axes.fill_between(mean["epoch"], low, high, color=canvas.SKY, alpha=0.3, linewidth=0)
    for _, replicate in replicates if len(replicates) <= MAX_SEED_LINES else ():
        axes.plot(replicate["epoch"], replicate[column] * scale, color=color, linewidth=width)
    if len(replicates) > 1:
        axes.plot(mean["epoch"], mean[column] * scale, color=canvas.BLUE, linewidth=2.0)
    best_rows = frame[frame["epoch"] == frame["best_epoch"]]
    axes.scatter(
        best_rows["epoch"],
        best_rows[column] * scale,
        s=24,
        facecolor="white",
        edgecolor=canvas.BLUE,
        zorder=4,
    )


def _set_shared_limits(panels: Sequence[Axes], *, from_zero: bool) -> None:
    """Set the same axis limits in all panels, so that they are comparable."""
    low = 0.0 if from_zero else min(axes.dataLim.y0 for axes in panels)
    high = max(axes.dataLim.y1 for axes in panels)
    margin = 0.04 * ((high - low) or 1.0)
    x_max = max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low if from_zero else low - margin, high + margin)
        axes.set_xlim(0, x_max)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
