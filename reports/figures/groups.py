"""Draw configurations from best to worst, with bars for groups that do not differ."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataLabel, format_loss_and_optimizer


@canvas.figure_style
def draw_groups(
    frame: pd.DataFrame, tied_groups: Sequence[Sequence[str]], *, data: DataLabel
) -> Figure:
    """Draw mean and 95% confidence interval of each configuration, and a bar for each group.

    No two configurations of a group are significantly different. The figure is a
    critical-difference diagram (Demšar, JMLR 2006), rotated for horizontal names and with an
    interval for each configuration.

    Args:
        frame: Rows of `frames.make_comparison_frame`, from best to worst.
        tied_groups: Groups of the same configurations, `PairwiseComparison.tied_groups`.
        data: Names of the data, shown in the corner.
    """
    names = list(frame["configuration"])
    figure = canvas.make_blank_figure(7.2, 1.0 + 0.34 * len(names), data)
    width_ratios = [5, max(1.0, 0.25 + 0.22 * len(tied_groups))]  # room for the title
    axes, group_axes = figure.subplots(1, 2, sharey=True, width_ratios=width_ratios)
    rows = range(len(names))
    mean = frame["test_macro_f1"] * 100
    errors = [mean - frame["test_macro_f1_low"] * 100, frame["test_macro_f1_high"] * 100 - mean]
    axes.errorbar(
        mean, rows, xerr=errors, color=canvas.BLUE, marker="o", linestyle="none", capsize=3
    )
    labels = [
        f"{canvas.shorten(str(name))}   {format_loss_and_optimizer(loss, optimizer)}"
        for name, loss, optimizer in zip(names, frame["loss"], frame["optimizer"], strict=True)
    ]
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("Macro F1 on test (%), 95% confidence interval; axis does not start at 0")
    row_by_name = {name: row for row, name in enumerate(names)}
    for column, group in enumerate(tied_groups):
        group_rows = [row_by_name[name] for name in group]
        group_axes.plot(
            [column] * 2,
            [min(group_rows) - 0.3, max(group_rows) + 0.3],
            color=canvas.GRAY,
            linewidth=1.5,
        )
        group_axes.plot(
            [column] * len(group_rows),
            group_rows,
            color="#333333",
            marker="o",
            markersize=5,
            ls="none",
        )
    group_axes.set_xlim(-0.7, len(tied_groups) - 0.3)
    group_axes.set_title("Not significantly\ndifferent", fontsize=8, loc="right")
    group_axes.tick_params(length=0, labelleft=False, labelbottom=False)
    group_axes.grid(visible=False, axis="x")
    group_axes.spines[["left", "bottom"]].set_visible(False)
    return figure
