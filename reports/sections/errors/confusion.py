"""Show the confusion matrices."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from reports import figures
from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CONFIGURATION_COLUMN
from reports.format.table import Column, Table, make_table
from reports.format.text import label
from reports.format.units import Unit, format_count, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import (
    MAX_SHADE,
    HeatMap,
    HeatMapCell,
    ReportFigure,
    Section,
    arrange_cells,
    make_figure,
    make_slug,
)


class _Cells(NamedTuple):
    """What the cells of a table show.

    Attributes:
        table: Beginning of the table's name.
        key: Column of `ConfusionAnalysis.matrices`.
        unit: Unit of the column.
        text: Description for the caption.
    """

    table: str
    key: str
    unit: Unit
    text: str


_CELLS = (
    _Cells("confusion", "count", "count", "in images"),
    _Cells("confusion-rows", "row_share", "percent", "in % of the true class (row)"),
    _Cells("confusion-columns", "column_share", "percent", "in % of the predicted class (column)"),
)

_ERROR_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="true_label", heading=("True class",)),
    Column(key="predicted_label", heading=("Predicted as",)),
    Column(key="count", heading=("Images",), unit="count"),
    Column(key="row_share", heading=("% of the", "true class"), unit="percent"),
    Column(key="column_share", heading=("% of the", "predicted class"), unit="percent"),
)

_N_LISTED = 10
"""Number of errors of each model that are listed if there are too many classes for a heat map."""

_NOTE = (
    "Each cell gives the number of images and, below it, the percentage of the true class (row). "
    "The shade is this percentage on a square-root scale; on a linear scale, almost all errors "
    "would be white. If the page has the test images, a click on a cell shows those of the cell."
)


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make a heat map for each model, and figure files and three tables for each family.

    Args:
        confusion: Confusion matrices of the configurations.
        context: Labels.

    Returns:
        None without a test evaluation.
    """
    if confusion.matrices.empty:
        return None
    displayed = context.select_displayed(confusion.matrices)
    ranked_names = context.rank_models(displayed)
    rows_by_model = {name: displayed[displayed["configuration"] == name] for name in ranked_names}
    families = list(displayed["family"].unique())
    return Section(
        key="confusion",
        title="Confusion matrices",
        paragraphs=_describe_largest_error(rows_by_model[ranked_names[0]], context),
        notes=(_NOTE,) if context.shows_heat_maps else (),
        heat_maps=tuple(_make_heat_map(rows, context) for rows in rows_by_model.values())
        if context.shows_heat_maps
        else (),
        figures=tuple(
            _make_figure_files(displayed[displayed["family"] == family], context, family)
            for family in families
        ),
        tables=tuple(
            _make_cell_table(
                displayed[displayed["family"] == family],
                confusion.matrices[confusion.matrices["family"] == family],
                context,
                family,
                cells,
            )
            for family in families
            for cells in _CELLS
        )
        if context.shows_heat_maps
        else tuple(
            _make_error_table(
                displayed[displayed["family"] == family],
                confusion.matrices[confusion.matrices["family"] == family],
                context,
                family,
            )
            for family in families
        ),
    )


def _describe_largest_error(rows: pd.DataFrame, context: ReportContext) -> tuple[str, ...]:
    """Name the most frequent error of the best model; nothing if it has none."""
    errors = rows[(rows["true"] != rows["predicted"]) & (rows["count"] > 0)]
    if errors.empty:
        return ()
    (largest,) = errors.nlargest(1, "count").to_dict("records")
    true, predicted = (context.class_labels[largest[key]] for key in ("true", "predicted"))
    n_true = int(rows.loc[rows["true"] == largest["true"], "count"].sum())
    return (
        f"The most frequent error of {largest['configuration']}, the model with the highest macro "
        f"F1 on val, is to classify {true} as {predicted}: {largest['count']:,} of "
        f"{format_count(n_true, 'image')} ({format_number(largest['row_share'], 'percent')}%)"
        f"{_describe_sum(rows)}.",
    )


def _describe_sum(rows: pd.DataFrame) -> str:
    n_replicates = int(rows["replicates"].max())
    return f", summed over {n_replicates} replicates" if n_replicates > 1 else ""


def _make_heat_map(rows: pd.DataFrame, context: ReportContext) -> HeatMap:
    cells = [_make_cell(row) for row in rows.sort_values(["true", "predicted"]).to_dict("records")]
    name = str(rows["configuration"].iloc[0])
    return HeatMap(
        title=name,
        caption=(
            f"Test images{_describe_sum(rows)}; below, % of the row. Rows: true; columns: predicted"
        ),
        rows=context.class_labels,
        columns=context.class_labels,
        cells=arrange_cells(cells, len(context.class_labels)),
        images_of=name,
        models=(name,),
    )


def _make_cell(row: Mapping[Any, Any]) -> HeatMapCell:
    if row["count"] == 0:
        return HeatMapCell(text="0", faint=True)
    return HeatMapCell(
        text=f"{row['count']:,}",
        detail=format_number(row["row_share"], "percent"),
        shade=round(MAX_SHADE * math.sqrt(row["row_share"])),
    )


def _make_figure_files(rows: pd.DataFrame, context: ReportContext, family: str) -> ReportFigure:
    return make_figure(
        f"confusion-{make_slug(family)}",
        f"Confusion matrices on test, {label(family)}"
        f"{context.cite_paper_figure(family, 'confusion')}. Rows: true; columns: predicted.",
        figures.draw_confusion_matrices(rows, context.class_labels, data=context.data),
        inline=False,
    )


def _make_cell_table(
    frame: pd.DataFrame,
    all_rows: pd.DataFrame,
    context: ReportContext,
    family: str,
    cells: _Cells,
) -> Table:
    """Make a table with a row for each true class and a column for each predicted one."""
    keys = ["configuration", "true"]
    wide_frame = frame.pivot_table(index=keys, columns="predicted", values=cells.key, sort=False)
    wide_frame = wide_frame.rename(columns=str).reset_index()
    wide_frame["class_label"] = context.label_classes(wide_frame["true"])
    columns = [CONFIGURATION_COLUMN, Column(key="class_label", heading=("True class",))]
    columns += [
        Column(key=str(i), heading=("Predicted", class_name), unit=cells.unit)
        for i, class_name in enumerate(context.class_labels)
    ]
    table_caption = (
        f"Confusion matrices on test, {label(family)}, {cells.text}. Rows: true; columns: "
        "predicted."
    )
    return make_table(
        f"{cells.table}-{make_slug(family)}",
        table_caption,
        columns,
        wide_frame,
        group="configuration",
        values=all_rows[["family", "configuration", "true", "predicted", cells.key, "replicates"]],
        folded=True,
    )


def _make_error_table(
    frame: pd.DataFrame, all_rows: pd.DataFrame, context: ReportContext, family: str
) -> Table:
    """List the most frequent errors of each model; the CSV file has all cells."""
    errors = frame[(frame["true"] != frame["predicted"]) & (frame["count"] > 0)]
    listed = pd.concat(
        errors[errors["configuration"] == name].nlargest(_N_LISTED, "count")
        for name in context.rank_models(frame)
    )
    return make_table(
        f"confusion-{make_slug(family)}",
        f"The {_N_LISTED} most frequent errors of each model on test, {label(family)}",
        _ERROR_COLUMNS,
        listed.assign(
            true_label=context.label_classes(listed["true"]),
            predicted_label=context.label_classes(listed["predicted"]),
        ),
        group="configuration",
        values=all_rows,
    )
