"""Learning curves."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import canvas
from reports.format.text import DataWords, method

# Key in the frame of `tables.curves`, label of the axis.
_CURVES = {"train_loss": "Training loss (nats)", "val_macro_f1": "Macro F1 on val (%)"}
_CONTEXT_AT_MOST = 8
BAND_FROM = 3
"""Seeds; of two, a band says no more than the two lines."""

LINES_AT_MOST = 5
"""Seeds; more lines cannot be told apart, and the band alone is drawn."""


@canvas.style
def curves(frame: pd.DataFrame, means: pd.DataFrame, *, value: str, data: DataWords) -> Figure:
    """One panel a configuration: thin lines for the seeds, their mean bold, the others in grey.

    From three seeds on, a band shows mean ± standard deviation, and of more than five it stands
    alone. Panels, because configurations that differ in the loss alone have the same curve, and one
    would hide the other.

    Args:
        frame: from `tables.curves`, of one family.
        means: from `tables.mean_curves`, of the same; its `_sd` columns make the band.
        value: the column to draw, `train_loss` or `val_macro_f1`.
        data: named in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = canvas.panels(len(names), width=7.2, height=2.3, data=data)
    scale = 100 if value == "val_macro_f1" else 1
    for axes, name in zip(panels, names, strict=True):
        others = [other for other in names if other != name and len(names) <= _CONTEXT_AT_MOST]
        for other in others:
            mean = means[means["configuration"] == other]
            axes.plot(
                mean["epoch"], mean[value] * scale, color=canvas.GREY, linewidth=0.8, zorder=1
            )
        own = frame[frame["configuration"] == name]
        _replicates(axes, own, means[means["configuration"] == name], value, scale)
        canvas.title(axes, name, method(own["loss"].iloc[0], own["optimizer"].iloc[0]))
    _limits(panels, from_zero=value == "train_loss")
    canvas.label_outer(figure, panels, "Epoch", _CURVES[value])
    return figure


def _replicates(
    axes: Axes, frame: pd.DataFrame, mean: pd.DataFrame, value: str, scale: int
) -> None:
    """The seeds as lines, a band or both; the mean of several; a ring where weights were kept."""
    seeds = list(frame.groupby("seed", sort=False))
    colour, width = (canvas.BLUE, 1.6) if len(seeds) == 1 else (canvas.SKY, 0.9)
    if len(seeds) >= BAND_FROM and f"{value}_sd" in mean:
        low, high = ((mean[value] + sign * mean[f"{value}_sd"]) * scale for sign in (-1, 1))
        axes.fill_between(mean["epoch"], low, high, color=canvas.SKY, alpha=0.3, linewidth=0)
    for _, one in seeds if len(seeds) <= LINES_AT_MOST else ():
        axes.plot(one["epoch"], one[value] * scale, color=colour, linewidth=width)
    if len(seeds) > 1:
        axes.plot(mean["epoch"], mean[value] * scale, color=canvas.BLUE, linewidth=2.0)
    kept = frame[frame["epoch"] == frame["best_epoch"]]
    axes.scatter(
        kept["epoch"], kept[value] * scale, s=24, facecolor="white", edgecolor=canvas.BLUE, zorder=4
    )


def _limits(panels: Sequence[Axes], *, from_zero: bool) -> None:
    """The same axes in every panel, so that panels can be compared by eye."""
    low = 0.0 if from_zero else min(axes.dataLim.y0 for axes in panels)
    high = max(axes.dataLim.y1 for axes in panels)
    margin = 0.04 * ((high - low) or 1.0)
    longest = max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low if from_zero else low - margin, high + margin)
        axes.set_xlim(0, longest)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
