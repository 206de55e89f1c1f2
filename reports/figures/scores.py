"""Draw scores on test as dots."""

import pandas as pd
from matplotlib.axes import Axes

from reports.figures import canvas, colors
from reports.figures.marks import MarkedFigure, format_score
from reports.format.text import DataLabel, format_loss_and_optimizer

# Column of the frame, label in the legend, color, marker.
_SCORE_STYLES = (
    ("test_macro_precision", "macro precision", colors.GREEN, "s"),
    ("test_weighted_f1", "weighted F1", colors.VERMILLION, "^"),
    ("test_macro_f1", "macro F1", colors.BLUE, "o"),
)


@canvas.figure_style
def draw_scores(frame: pd.DataFrame, *, data: DataLabel) -> MarkedFigure:
    """Draw macro precision, weighted F1 and macro F1 of each configuration as dots.

    Bars would have to start at 0, where differences of a point are invisible. Whiskers are 95%
    confidence intervals. An open diamond is the published weighted F1, if the frame has it.

    Args:
        frame: Rows of `frames.make_comparison_frame`, of one family.
        data: Names of the data, shown in the corner.
    """
    height = 1.5 + 0.62 * len(frame)
    figure = canvas.make_blank_figure(7.2, height, data)
    axes = figure.subplots()
    rows = list(range(len(frame)))
    for index, (column, name, color, marker) in enumerate(_SCORE_STYLES):
        container = axes.errorbar(
            frame[column] * 100,
            [row + (index - 1) * 0.22 for row in rows],
            xerr=[
                (frame[column] - frame[f"{column}_low"]) * 100,
                (frame[f"{column}_high"] - frame[column]) * 100,
            ],
            label=name,
            color=color,
            marker=marker,
            markersize=6,
            linestyle="none",
            elinewidth=1.2,
            capsize=3,
        )
        tips = [
            f"{row['configuration']}\n{name} {format_score(row, column)}"
            for row in frame.to_dict("records")
        ]
        figure.mark_error_bars(container, tips=tips)
    _draw_published(axes, frame)
    labels = [
        f"{canvas.shorten(str(name))}\n{format_loss_and_optimizer(loss, optimizer)}"
        for name, loss, optimizer in zip(
            frame["configuration"], frame["loss"], frame["optimizer"], strict=True
        )
    ]
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set_xlabel(f"Score on test (%); axis from {low:.1f} to {high:.1f}, not from 0")
    canvas.add_legend(figure, axes, n_columns=4)
    return figure


def _draw_published(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw an open diamond in each row that has a published weighted F1."""
    if "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any():
        axes.plot(
            frame["published_weighted_f1"] * 100,
            list(range(len(frame))),
            label="weighted F1 (published)",
            color=colors.DARK_GRAY,
            marker="D",
            markersize=7,
            markerfacecolor="none",
            linestyle="none",
            zorder=1,
        )
