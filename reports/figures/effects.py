"""Draw the effects of choices as a forest plot."""

import pandas as pd

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_estimate
from reports.format.text import DataLabel


@canvas.figure_style
def draw_effects(
    frame: pd.DataFrame,
    *,
    data: DataLabel,
    xlabel: str = "Change in macro F1 on test (points),\n95% confidence interval",
    narrow: bool = False,
) -> MarkedFigure:
    """Draw the difference and 95% confidence interval of each contrast, one per line.

    Args:
        frame: Rows of `effects.estimate_effects` or of `Ablations.differences`, with
            `contrast_label` (str) and `family_label` (str, "all" for every family).
        data: Names of the data, shown in the corner.
        xlabel: Label of the axis.
        narrow: Whether the figure is for a phone.
    """
    width, row_height = (canvas.NARROW_WIDTH, 0.46) if narrow else (canvas.WIDTH, 0.34)
    figure = canvas.make_blank_figure(width, 1.15 + row_height * len(frame), data)
    axes = figure.subplots()
    rows = range(len(frame))
    mean = frame["difference"] * 100
    axes.axvline(0, color=colors.DARK_GRAY, linewidth=1)
    container = axes.errorbar(
        mean,
        rows,
        xerr=[mean - frame["low"] * 100, frame["high"] * 100 - mean],
        color=colors.BLUE,
        marker="o",
        linestyle="none",
        capsize=3,
    )
    separator = "\n" if narrow else " "
    labels = [
        f"{contrast}{separator}({family})" if family != "all" else contrast
        for contrast, family in zip(frame["contrast_label"], frame["family_label"], strict=True)
    ]
    tips = [
        f"{text}\n{format_estimate(row['difference'], row['low'], row['high'], 'points')}"
        for text, row in zip(labels, frame.to_dict("records"), strict=True)
    ]
    figure.mark_error_bars(container, tips=tips)
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    if narrow:
        axes.set_xlabel(xlabel, x=1, ha="right")  # wider than the axis
    else:
        axes.set_xlabel(xlabel)
    return figure
