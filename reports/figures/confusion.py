"""Draw confusion matrices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from reports.figures import canvas
from reports.format.text import DataLabel
from reports.format.units import format_number


@canvas.figure_style
def draw_confusion_matrices(
    frame: pd.DataFrame, labels: Sequence[str], *, data: DataLabel
) -> canvas.MarkedFigure:
    """Draw one confusion matrix per configuration, with counts and row percentages.

    Rows are true classes, columns predicted ones. The shade is the share of the row on a
    square-root scale; on a linear scale, all errors of a good classifier would be white.

    Args:
        frame: Rows of `ConfusionAnalysis.matrices`, of one family.
        labels: Labels of the eight classes.
        data: Names of the data, shown in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = canvas.make_panels(len(names), width=11.0, height=5.2, data=data)
    for axes, name in zip(panels, names, strict=True):
        matrix_rows = frame[frame["configuration"] == name]
        counts = matrix_rows.pivot_table(
            index="true", columns="predicted", values="count"
        ).to_numpy()
        shares = matrix_rows.pivot_table(
            index="true", columns="predicted", values="row_share"
        ).to_numpy()
        axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
        for index in np.ndindex(counts.shape):
            _draw_count(axes, index, int(counts[index]), float(shares[index]))
        n_seeds = int(matrix_rows["seeds"].max())
        canvas.set_panel_title(axes, name, f"sum of {n_seeds} seeds" if n_seeds > 1 else "1 seed")
        axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.grid(visible=False)
        axes.tick_params(length=0)
    canvas.label_outer_axes(
        figure, panels, "Predicted class (images; % of row below)", "True class"
    )
    return figure


def _draw_count(axes: Axes, index: tuple[int, ...], count: int, share: float) -> None:
    """Draw the count of a cell and the percentage of its row, or a faint 0 if it is empty."""
    row, column = index
    text_style: dict[str, Any] = {"x": column, "ha": "center", "in_layout": False}
    if count == 0:
        axes.text(y=row, s="0", va="center", fontsize=7, color="#8A8A8A", **text_style)
        return
    text_style["color"] = "white" if share > 0.35 else "black"
    weight = "bold" if row == column else "normal"
    axes.text(y=row, s=f"{count}", va="bottom", fontsize=8.5, weight=weight, **text_style)
    axes.text(y=row + 0.08, s=format_number(share, "percent"), va="top", fontsize=6, **text_style)
