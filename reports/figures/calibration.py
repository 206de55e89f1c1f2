"""Reliability diagrams."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataWords
from reports.format.units import number, with_spread

_FAINT_BELOW = 10
"""Images of a trial in a bin; the interval of fewer spans half the panel."""


@canvas.style
def reliability(bins: pd.DataFrame, errors: pd.DataFrame, *, data: DataWords) -> Figure:
    """One panel a configuration: how often the most probable class is right, by its probability.

    Whiskers are 95 % intervals; bars at the foot are the share of the images, on the same axis.

    Args:
        bins: from `calibration.calibration`, of one family.
        errors: from the same.
        data: named in the corner.
    """
    names = list(errors["name"])
    figure, panels = canvas.panels(len(names), width=7.2, height=3.0, data=data)
    for axes, name in zip(panels, names, strict=True):
        one = errors[errors["name"] == name].iloc[0]
        _panel(axes, bins[bins["name"] == name])
        several = one["seeds"] > 1
        ece = (
            with_spread(one["ece"], one["ece_sd"], "percent")
            if several
            else number(one["ece"], "percent")
        )
        canvas.title(axes, name, f"ECE {ece} %")
    canvas.label_outer(
        figure, panels, "Probability of the predicted class (%)", "Right predictions (%)"
    )
    return figure


def _panel(axes: Axes, bins: pd.DataFrame) -> None:
    axes.bar(
        bins["low"] * 100,
        bins["share"] * 100,
        width=(bins["high"] - bins["low"]) * 100,
        align="edge",
        color="#D9D9D9",
        edgecolor="white",
        linewidth=0.5,
        zorder=1,
    )
    axes.plot([0, 100], [0, 100], color="#666666", linewidth=0.9, linestyle="--", zorder=2)
    few = bins["images"] < _FAINT_BELOW
    for part, alpha in ((bins[few], 0.3), (bins[~few], 1.0)):
        accuracy = part["accuracy"] * 100
        axes.errorbar(
            part["confidence"] * 100,
            accuracy,
            yerr=[
                (accuracy - part["accuracy_low"] * 100).clip(lower=0),
                (part["accuracy_high"] * 100 - accuracy).clip(lower=0),
            ],
            color=canvas.BLUE,
            marker="o",
            markersize=5,
            linestyle="none",
            elinewidth=1.2,
            capsize=2.5,
            alpha=alpha,
            zorder=3,
        )
    # Beyond 100, so that a point at a corner is whole.
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
