"""Draw the difference of two confusion matrices."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from reports.figures import canvas, colors
from reports.figures.cell_texts import FAINT_COLOR, CellText, draw_cell_texts
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel

_DIVERGING_COLORMAP = LinearSegmentedColormap.from_list(
    "", [colors.VERMILLION, "white", colors.BLUE], N=11
)
_MIN_WHITE_TEXT_SHADE = 4  # shades from this one up need white text


@canvas.figure_style
def draw_confusion_difference(
    frame: pd.DataFrame, labels: Sequence[str], *, data: DataLabel
) -> MarkedFigure:
    """Draw the difference of two confusion matrices as a heat map.

    Rows are true classes, columns predicted ones. Blue: the first model is better, i.e. more images
    on the diagonal or fewer off it. Vermillion: it is worse. Gray numbers are not significant.

    Args:
        frame: Rows of `ConfusionDifferences.cells`, of one pair, with `difference_text` (str),
            the text of each cell.
        labels: Labels of the classes.
        data: Names of the data, shown in the corner.
    """
    first_row = frame.iloc[0]
    figure = canvas.make_blank_figure(6.6, 6.0, data)
    axes = figure.subplots()
    cell_shades = frame["shade"].where(frame["significant"], 0)
    shade_matrix = frame.assign(shade=cell_shades).pivot_table(
        index="true", columns="predicted", values="shade"
    )
    axes.imshow(shade_matrix, cmap=_DIVERGING_COLORMAP, vmin=-5, vmax=5)
    if len(labels) <= canvas.MAX_NAMED_CLASSES:
        draw_cell_texts(axes, list_difference_texts(frame))
    names = (canvas.shorten(str(first_row[side]), 24) for side in ("a", "b"))
    axes.set_title(" \N{MINUS SIGN} ".join(names))
    canvas.label_class_axes(axes, labels)
    axes.set_xlabel(
        "Predicted class (images per trial; blue: better, orange: worse, gray: not significant)"
    )
    axes.set_ylabel("True class")
    return figure


def list_difference_texts(frame: pd.DataFrame) -> list[CellText]:
    """Return the text of each cell: gray if not significant, otherwise black or white by shade.

    Args:
        frame: Frame of `draw_confusion_difference`.
    """
    cells: list[dict[Hashable, Any]] = frame.to_dict("records")
    texts = []
    for cell in cells:
        significant = bool(cell["significant"])
        color = "white" if abs(cell["shade"]) >= _MIN_WHITE_TEXT_SHADE else "black"
        texts.append(
            CellText(
                row=cell["true"],
                column=cell["predicted"],
                text=cell["difference_text"],
                size=8.5 if significant else 7,
                color=color if significant else FAINT_COLOR,
                bold=significant and cell["true"] == cell["predicted"],
            )
        )
    return texts
