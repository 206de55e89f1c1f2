"""Draw models from best to worst, with bars for groups that do not differ or are equivalent."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel, label

_TIED_WIDTH, _EQUIVALENT_WIDTH = 1.2, 5.0


@canvas.figure_style
def draw_ranking(
    frame: pd.DataFrame,
    tied_groups: Sequence[Sequence[str]],
    equivalent_groups: Sequence[Sequence[str]],
    *,
    data: DataLabel,
    narrow: bool = False,
) -> MarkedFigure:
    """Draw mean and 95% confidence interval of each model, and a bar for each group.

    No two models on a thin bar are significantly different, and all models on a thick bar are
    equivalent. The figure is a critical-difference diagram (Demšar, JMLR 2006), rotated for
    horizontal names and with an interval for each model.

    Args:
        frame: Rows of `frames.make_comparison_frame`, from best to worst, with `method` (str).
        tied_groups: Groups of the same models, `PairwiseComparison.tied_groups`. Without any group,
            the figure has no panel of bars.
        equivalent_groups: Groups of the same models, `PairwiseComparison.equivalent_groups`.
        data: Names of the data, shown in the corner.
        narrow: Whether the figure is for a phone.
    """
    names = list(frame["configuration"])
    n_groups = len(tied_groups) + len(equivalent_groups)
    width, row_height = (canvas.NARROW_WIDTH, 0.46) if narrow else (canvas.WIDTH, 0.34)
    figure = canvas.make_blank_figure(width, 1.45 + row_height * len(names), data)
    if n_groups:
        width_ratios = [2 if narrow else 5, max(1.0, 0.25 + 0.22 * n_groups)]  # room for the title
        axes, group_axes = figure.subplots(1, 2, sharey=True, width_ratios=width_ratios)
        _draw_bars(figure, group_axes, names, tied_groups, equivalent_groups)
    else:
        axes = figure.subplots()
    for position, row in enumerate(frame.to_dict("records")):
        _draw_interval(figure, axes, position, row)
    separator = "\n" if narrow else "   "
    labels = [
        f"{canvas.shorten(str(name), 20 if narrow else 36)}{separator}{method}"
        for name, method in zip(names, frame["method"], strict=True)
    ]
    axes.set_yticks(range(len(names)), labels)
    for name, tick_label in zip(names, axes.get_yticklabels(), strict=True):
        figure.mark(tick_label, model=str(name))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("Macro F1 on test (%);\naxis does not start at 0")
    canvas.add_legend(figure, axes, n_columns=4)
    return figure


def _draw_interval(
    figure: MarkedFigure, axes: Axes, position: int, row: Mapping[Hashable, Any]
) -> None:
    """Draw mean and interval of a model; the first of a family is in the legend."""
    color, marker = colors.get_family_style(str(row["family"]))
    family, mean = label(row["family"]), row["test_macro_f1"] * 100
    low, high = row["test_macro_f1_low"] * 100, row["test_macro_f1_high"] * 100
    container = axes.errorbar(
        [mean],
        [position],
        xerr=[[mean - low], [high - mean]],
        color=color,
        marker=marker,
        linestyle="none",
        capsize=3,
        label=family if family not in axes.get_legend_handles_labels()[1] else None,
    )
    tip = f"{row['configuration']}, {row['method']}\nmacro F1 {format_score(row, 'test_macro_f1')}"
    figure.mark_error_bars(container, model=str(row["configuration"]), tips=[tip])


def _draw_bars(
    figure: MarkedFigure,
    axes: Axes,
    names: Sequence[str],
    tied_groups: Sequence[Sequence[str]],
    equivalent_groups: Sequence[Sequence[str]],
) -> None:
    row_by_name = {name: row for row, name in enumerate(names)}
    bars = [(group, _TIED_WIDTH) for group in tied_groups]
    bars += [(group, _EQUIVALENT_WIDTH) for group in equivalent_groups]
    for column, (group, line_width) in enumerate(bars):
        rows = [row_by_name[name] for name in group]
        ends = [min(rows) - 0.3, max(rows) + 0.3]
        axes.plot([column] * 2, ends, color=colors.GRAY, linewidth=line_width)
        for row in rows:
            (dot,) = axes.plot(
                [column], [row], color=colors.DARK_GRAY, marker="o", markersize=5, ls="none"
            )
            figure.mark(dot, model=str(names[row]))
    axes.set_xlim(-0.7, len(bars) - 0.3)
    title = "Thin: not different"
    if equivalent_groups:
        title += "\nThick: equivalent"
    axes.set_title(title, fontsize=8, loc="right")
    axes.tick_params(length=0, labelleft=False, labelbottom=False)
    axes.grid(visible=False, axis="x")
    axes.spines[["left", "bottom"]].set_visible(False)
