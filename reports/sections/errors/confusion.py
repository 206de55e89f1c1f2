"""Show the confusion matrices."""

from typing import NamedTuple

import pandas as pd

from reports import figures
from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CONFIGURATION_COLUMN
from reports.format.table import Column, Table, make_table
from reports.format.text import label
from reports.format.units import Unit
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_figure, make_slug


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


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make a figure and three tables for each family; None without a test evaluation.

    Args:
        confusion: Confusion matrices of the configurations.
        context: Labels.
    """
    frame, data, labels = confusion.matrices, context.data, context.class_labels
    if frame.empty:
        return None
    has_replicates = frame["seeds"].max() > 1
    paragraph = (
        "Rows are true classes; columns are predicted classes. Each cell gives the number of "
        "images and, below it, the percentage of the row. The shade is the percentage on a "
        "square-root scale."
    )
    paragraph += " Counts are summed over seeds." if has_replicates else ""
    report_figures, report_tables = [], []
    for family in frame["family"].unique():
        family_rows = frame[frame["family"] == family]
        plotted_rows = context.select_displayed(family_rows)
        caption_text = f"Confusion matrices on test, {label(family)}"
        report_figures.append(
            make_figure(
                f"confusion-{make_slug(family)}",
                f"{caption_text}{context.cite_paper_figure(family, 'confusion')}. Rows: true; "
                "columns: predicted.",
                figures.draw_confusion_matrices(plotted_rows, labels, data=data),
                wide=True,
                inline=False,
            )
        )
        report_tables += [
            _make_cell_table(plotted_rows, family_rows, context, family, cells) for cells in _CELLS
        ]
    return Section(
        key="confusion",
        title="Confusion matrices",
        notes=(paragraph,),
        figures=tuple(report_figures),
        tables=tuple(report_tables),
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
    wide_frame["class_label"] = [context.class_labels[c] for c in wide_frame["true"]]
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
        values=all_rows[["family", "configuration", "true", "predicted", cells.key, "seeds"]],
        folded=True,
    )
