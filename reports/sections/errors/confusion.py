"""Confusion matrices."""

import pandas as pd

from reports import figures
from reports.format.columns import CONFIGURATION_COLUMN
from reports.format.table import Column, Table, make_table
from reports.format.text import label
from reports.sections.elements import Section, make_caption, make_figure, make_slug
from reports.sections.findings import Analysis, cite_paper_figure


def make_section(analysis: Analysis) -> Section | None:
    """A figure and a table a family."""
    frame, data, labels = analysis.confusion, analysis.data, analysis.class_labels
    if frame.empty:
        return None
    has_replicates = frame["seeds"].max() > 1
    paragraph = (
        "Rows are true classes, columns predicted ones. In a cell: images, and below them the "
    )
    paragraph += "percentage of the row. The shade is that percentage on a square-root scale."
    paragraph += " Counts are summed over seeds." if has_replicates else ""
    report_figures, report_tables = [], []
    for family in frame["family"].unique():
        plotted_rows = frame[
            (frame["family"] == family) & frame["configuration"].isin(analysis.displayed_names)
        ]
        caption_text = f"Confusion on test, {label(family)}"
        report_figures.append(
            make_figure(
                f"confusion-{make_slug(family)}",
                f"{caption_text}{cite_paper_figure(family, 'confusion', analysis)}. Rows: true; "
                "columns: predicted.",
                figures.draw_confusion_matrices(plotted_rows, labels, data=data),
                data,
                wide=True,
            )
        )
        family_rows = frame[frame["family"] == family]
        report_tables.append(
            _make_count_table(
                plotted_rows, family_rows, analysis, f"confusion-{make_slug(family)}", caption_text
            )
        )
    return Section(
        key="confusion",
        title="Confusion matrices",
        paragraphs=(paragraph,),
        figures=tuple(report_figures),
        tables=tuple(report_tables),
    )


def _make_count_table(
    frame: pd.DataFrame, all_rows: pd.DataFrame, analysis: Analysis, name: str, caption_text: str
) -> Table:
    """Confusion as a table: a row for each true class, a column for each predicted one."""
    keys = ["configuration", "true"]
    wide_frame = frame.pivot_table(index=keys, columns="predicted", values="count", sort=False)
    wide_frame = wide_frame.rename(columns=str).reset_index()
    wide_frame["class_label"] = [analysis.class_labels[c] for c in wide_frame["true"]]
    columns = [CONFIGURATION_COLUMN, Column(key="class_label", heading=("True class",))]
    columns += [
        Column(key=str(i), heading=("as", class_name), unit="count")
        for i, class_name in enumerate(analysis.class_labels)
    ]
    table_caption = make_caption(
        f"{caption_text}: images, rows true, columns predicted", analysis.data
    )
    return make_table(
        name,
        table_caption,
        columns,
        wide_frame,
        group="configuration",
        values=all_rows,
        folded=True,
    )
