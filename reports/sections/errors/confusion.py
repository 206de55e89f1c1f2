"""Show the confusion matrices."""

import pandas as pd

from reports import figures
from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CONFIGURATION_COLUMN
from reports.format.table import Column, Table, make_table
from reports.format.text import label
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption, make_figure, make_slug


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make a figure and a table for each family; None without a test evaluation.

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
                data,
                wide=True,
            )
        )
        report_tables.append(
            _make_count_table(plotted_rows, family_rows, context, family, caption_text)
        )
    return Section(
        key="confusion",
        title="Confusion matrices",
        paragraphs=(paragraph,),
        figures=tuple(report_figures),
        tables=tuple(report_tables),
    )


def _make_count_table(
    frame: pd.DataFrame,
    all_rows: pd.DataFrame,
    context: ReportContext,
    family: str,
    caption_text: str,
) -> Table:
    """Make a table with a row for each true class and a column for each predicted one."""
    keys = ["configuration", "true"]
    wide_frame = frame.pivot_table(index=keys, columns="predicted", values="count", sort=False)
    wide_frame = wide_frame.rename(columns=str).reset_index()
    wide_frame["class_label"] = [context.class_labels[c] for c in wide_frame["true"]]
    columns = [CONFIGURATION_COLUMN, Column(key="class_label", heading=("True class",))]
    columns += [
        Column(key=str(i), heading=("Predicted", class_name), unit="count")
        for i, class_name in enumerate(context.class_labels)
    ]
    table_caption = make_caption(
        f"{caption_text}, in images. Rows: true; columns: predicted", context.data
    )
    return make_table(
        f"confusion-{make_slug(family)}",
        table_caption,
        columns,
        wide_frame,
        group="configuration",
        values=all_rows,
        folded=True,
    )
