"""Scores on test, as dots."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataWords, method

# Key in the frame, name in the legend, colour, marker.
_SCORES = (
    ("test_macro_precision", "macro precision", canvas.GREEN, "s"),
    ("test_weighted_f1", "weighted F1", canvas.VERMILLION, "^"),
    ("test_macro_f1", "macro F1", canvas.BLUE, "o"),
)


@canvas.style
def scores(frame: pd.DataFrame, *, data: DataWords) -> Figure:
    """Macro precision, weighted and macro F1 of each configuration, as dots.

    Dots, because a bar is read by its length and would have to start at 0, where differences
    of a point are invisible. Whiskers are 95 % intervals; an open diamond is the weighted F1 as
    published, where the frame has it.

    Args:
        frame: from `tables.comparison`, of one family.
        data: named in the corner.
    """
    height = 1.5 + 0.62 * len(frame)
    figure = canvas.blank(7.2, height, data)
    axes = figure.subplots()
    rows = list(range(len(frame)))
    for place, (key, name, colour, marker) in enumerate(_SCORES):
        axes.errorbar(
            frame[key] * 100,
            [row + (place - 1) * 0.22 for row in rows],
            xerr=[
                (frame[key] - frame[f"{key}_low"]) * 100,
                (frame[f"{key}_high"] - frame[key]) * 100,
            ],
            label=name,
            color=colour,
            marker=marker,
            markersize=6,
            linestyle="none",
            elinewidth=1.2,
            capsize=3,
        )
    _published(axes, frame)
    labels = [
        f"{canvas.short(str(name))}\n{method(loss, optimizer)}"
        for name, loss, optimizer in zip(
            frame["configuration"], frame["loss"], frame["optimizer"], strict=True
        )
    ]
    axes.set_yticks(rows, labels)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set_xlabel(f"Percent, on test (axis from {low:.1f} to {high:.1f}, not from 0)")
    canvas.legend(figure, axes, columns=4)
    return figure


def _published(axes: Axes, frame: pd.DataFrame) -> None:
    """An open diamond in each row of which a weighted F1 was published."""
    if "published_weighted_f1" in frame and frame["published_weighted_f1"].notna().any():
        axes.plot(
            frame["published_weighted_f1"] * 100,
            list(range(len(frame))),
            label="weighted F1, as published",
            color="#333333",
            marker="D",
            markersize=7,
            markerfacecolor="none",
            linestyle="none",
            zorder=1,
        )
