"""Confusion matrices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from reports.figures import canvas
from reports.format.text import DataWords
from reports.format.units import number


@canvas.style
def confusions(frame: pd.DataFrame, labels: Sequence[str], *, data: DataWords) -> Figure:
    """One matrix a configuration: rows true, columns predicted; counts and row percentages.

    The shade is the row's share on a square-root scale: on a plain one every mistake of a good
    classifier is white.

    Args:
        frame: from `tables.summed`, of one family.
        labels: of the eight classes.
        data: named in the corner.
    """
    names = list(frame["configuration"].unique())
    figure, panels = canvas.panels(len(names), width=11.0, height=5.2, data=data)
    for axes, name in zip(panels, names, strict=True):
        cells = frame[frame["configuration"] == name]
        counts = cells.pivot_table(index="true", columns="predicted", values="count").to_numpy()
        shares = cells.pivot_table(index="true", columns="predicted", values="row_share").to_numpy()
        axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
        for place in np.ndindex(counts.shape):
            _count(axes, place, int(counts[place]), float(shares[place]))
        seeds = int(cells["seeds"].max())
        canvas.title(axes, name, f"sum of {seeds} seeds" if seeds > 1 else "1 seed")
        axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.grid(visible=False)
        axes.tick_params(length=0)
    canvas.label_outer(
        figure, panels, "Predicted class (images; below: % of the row)", "True class"
    )
    return figure


def _count(axes: Axes, place: tuple[int, ...], count: int, share: float) -> None:
    """One cell: the count, and below it the percentage of the row; a faint 0 where it is empty."""
    row, column = place
    centred: dict[str, Any] = {"x": column, "ha": "center", "in_layout": False}
    if count == 0:
        axes.text(y=row, s="0", va="center", fontsize=7, color="#8A8A8A", **centred)
        return
    centred["color"] = "white" if share > 0.35 else "black"
    weight = "bold" if row == column else "normal"
    axes.text(y=row, s=f"{count}", va="bottom", fontsize=8.5, weight=weight, **centred)
    axes.text(y=row + 0.08, s=number(share, "percent"), va="top", fontsize=6, **centred)
