"""Precision, recall and F1 of each class."""

from reports.format.columns import CLASS_COLUMNS
from reports.format.table import make_table
from reports.format.text import label
from reports.sections.elements import Section, make_caption, make_slug
from reports.sections.findings import Analysis


def make_section(analysis: Analysis) -> Section | None:
    """A table a family."""
    if analysis.per_class.empty:
        return None
    all_rows = analysis.per_class.assign(
        class_label=[analysis.class_labels[c] for c in analysis.per_class["class"]]
    )
    frame = all_rows[all_rows["configuration"].isin(analysis.displayed_names)]
    return Section(
        key="classes",
        title="Scores of each class",
        tables=tuple(
            make_table(
                f"per-class-{make_slug(family)}",
                make_caption(
                    f"Precision, recall and F1 of each class on test, {label(family)}",
                    analysis.data,
                ),
                CLASS_COLUMNS,
                frame[frame["family"] == family],
                group="configuration",
                values=all_rows[all_rows["family"] == family],
                folded=True,
            )
            for family in frame["family"].unique()
        ),
    )
