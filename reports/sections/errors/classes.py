"""Show precision, recall and F1 of each class."""

from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CLASS_COLUMNS
from reports.format.table import make_table
from reports.format.text import label
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption, make_slug


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make a table for each family; None without a test evaluation.

    Args:
        confusion: Scores of each class.
        context: Labels.
    """
    class_scores = confusion.class_scores
    if class_scores.empty:
        return None
    all_rows = class_scores.assign(
        class_label=[context.class_labels[c] for c in class_scores["class"]]
    )
    frame = context.select_displayed(all_rows)
    return Section(
        key="classes",
        title="Scores of each class",
        tables=tuple(
            make_table(
                f"per-class-{make_slug(family)}",
                make_caption(
                    f"Precision, recall and F1 of each class on test, {label(family)}",
                    context.data,
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
