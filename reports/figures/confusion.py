"""Draw confusion matrices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from reports.figures import canvas
from reports.figures.cell_texts import FAINT_COLOR, CellText, draw_cell_texts
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel
from reports.format.units import format_number

_MIN_WHITE_TEXT_SHARE = 0.35  # cells with a larger share of their row need white text


@canvas.figure_style
def draw_confusion_matrices(
    frame: pd.DataFrame, labels: Sequence[str], *, data: DataLabel
) -> MarkedFigure:
    """Draw one confusion matrix per configuration, with counts and row percentages.

    Rows are true classes, columns predicted ones; more than `canvas.MAX_NAMED_CLASSES` classes are
    numbered, without counts. The shade is the share of the row on a
    square-root scale; on a linear scale, all errors of a good classifier would be white.

    Args:
        frame: Rows of `ConfusionAnalysis.matrices`, of one family.
        labels: Labels of the classes.
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
        if len(labels) <= canvas.MAX_NAMED_CLASSES:
            draw_cell_texts(axes, list_count_texts(counts, shares))
        n_replicates = int(matrix_rows["replicates"].max())
        title = f"sum of {n_replicates} replicates" if n_replicates > 1 else "1 replicate"
        canvas.set_panel_title(axes, name, title)
        canvas.label_class_axes(axes, labels)
    with_texts = len(labels) <= canvas.MAX_NAMED_CLASSES
    xlabel = "Predicted class (images; % of row below)" if with_texts else "Predicted class"
    canvas.label_outer_axes(figure, panels, xlabel, "True class")
    return figure


def list_count_texts(counts: NDArray[np.number], shares: FloatArray) -> list[CellText]:
    """Return the count of each cell and the percentage of its row, or a faint 0 if it is empty.

    Args:
        counts: Numbers of images `[true, predicted]`, shape (classes, classes).
        shares: Shares of the rows, 0 to 1, shape (classes, classes).
    """
    texts = []
    for row, column in np.ndindex(counts.shape):
        count, share = int(counts[row, column]), float(shares[row, column])
        if count == 0:
            texts.append(CellText(row, column, "0", 7, FAINT_COLOR))
            continue
        color = "white" if share > _MIN_WHITE_TEXT_SHARE else "black"
        percentage = format_number(share, "percent")
        texts += [
            CellText(row, column, f"{count}", 8.5, color, bold=row == column, baseline=2),
            CellText(row, column, percentage, 6, color, baseline=-7),
        ]
    return texts
