"""Draw reliability diagrams."""

import pandas as pd
from matplotlib.axes import Axes

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel
from reports.format.units import format_mean, format_number

_FAINT_BELOW_N_IMAGES = 10
"""Images per bin and trial below which a point is faint; its interval spans half the panel."""


@canvas.figure_style
def draw_reliability(bins: pd.DataFrame, errors: pd.DataFrame, *, data: DataLabel) -> MarkedFigure:
    """Draw accuracy by predicted probability, with one panel per configuration.

    Whiskers are 95% confidence intervals. Bars show the share of the images, on the same axis.

    Args:
        bins: Rows of `Calibration.bins`, of one family.
        errors: Rows of `Calibration.errors`, of the same family.
        data: Names of the data, shown in the corner.
    """
    names = list(errors["configuration"])
    figure, panels = canvas.make_panels(len(names), width=7.2, height=3.0, data=data)
    for axes, name in zip(panels, names, strict=True):
        figure.mark(axes, model=str(name))
        error_row = errors[errors["configuration"] == name].iloc[0]
        _draw_panel(figure, axes, bins[bins["configuration"] == name])
        ece_text = format_mean(error_row["ece"], error_row["ece_sd"], "percent")
        canvas.set_panel_title(axes, name, f"ECE {ece_text}%")
    canvas.label_outer_axes(figure, panels, "Predicted probability (%)", "Correct predictions (%)")
    return figure


def _draw_panel(figure: MarkedFigure, axes: Axes, bins: pd.DataFrame) -> None:
    axes.bar(
        bins["lower_edge"] * 100,
        bins["share"] * 100,
        width=(bins["upper_edge"] - bins["lower_edge"]) * 100,
        align="edge",
        color=colors.PALE_GRAY,
        edgecolor=colors.WHITE,
        linewidth=0.5,
        zorder=1,
    )
    axes.plot([0, 100], [0, 100], color=colors.MEDIUM_GRAY, linewidth=0.9, linestyle="--", zorder=2)
    is_few = bins["images"] < _FAINT_BELOW_N_IMAGES
    for group, alpha in ((bins[is_few], 0.3), (bins[~is_few], 1.0)):
        accuracy = group["accuracy"] * 100
        container = axes.errorbar(
            group["confidence"] * 100,
            accuracy,
            yerr=[
                (accuracy - group["accuracy_low"] * 100).clip(lower=0),
                (group["accuracy_high"] * 100 - accuracy).clip(lower=0),
            ],
            color=colors.BLUE,
            marker="o",
            markersize=5,
            linestyle="none",
            elinewidth=1.2,
            capsize=2.5,
            alpha=alpha,
            zorder=3,
        )
        tips = [
            f"{row['configuration']}\npredicted {format_number(row['confidence'], 'percent')}%, "
            f"correct {format_score(row, 'accuracy')}\n"
            f"{row['images']:,.0f} images"
            for row in group.to_dict("records")
        ]
        figure.mark_error_bars(container, tips=tips)
    # The limits exceed 100 so that a marker in the corner is not cut off.
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
