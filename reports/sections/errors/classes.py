"""Show the scores of each class, with their intervals."""

import re

import pandas as pd

from reports.analysis.class_scores import MIN_CLASS_IMAGES
from reports.analysis.confusion import ConfusionAnalysis
from reports.format.columns import CLASS_COLUMNS, MORE_CLASS_COLUMNS
from reports.format.table import Column, Table, make_table
from reports.format.text import label
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_slug

_PARAGRAPHS = (
    "Each row compares one class with all others. Precision is the positive predictive value "
    "(PPV), recall is the sensitivity, and NPV is the negative predictive value. AUC and average "
    "precision rank the images by the probability of the class.",
    "PPV, NPV and average precision depend on the shares of the classes in test. In other samples, "
    "e.g. in the blood of a patient, they differ. A dash means that a score or its interval is "
    "undefined.",
)


def make_section(confusion: ConfusionAnalysis, *, context: ReportContext) -> Section | None:
    """Make two tables for each family; None without a test evaluation.

    Args:
        confusion: Scores of each class.
        context: Labels.
    """
    scores = confusion.class_scores
    if scores.empty:
        return None
    all_rows = scores.assign(class_label=[context.class_labels[c] for c in scores["class"]])
    return Section(
        key="classes",
        title="Scores of each class",
        paragraphs=_PARAGRAPHS,
        tables=tuple(
            table
            for family in context.select_displayed(all_rows)["family"].unique()
            for table in _make_tables(all_rows[all_rows["family"] == family], context, family)
        ),
    )


def add_note(frame: pd.DataFrame) -> pd.DataFrame:
    """Return class scores with the column `note`, if any class has few images.

    Args:
        frame: Frame with the column `support`.
    """
    is_small = frame["support"] < MIN_CLASS_IMAGES
    if not is_small.any():
        return frame
    return frame.assign(
        note=is_small.map({True: f"fewer than {MIN_CLASS_IMAGES} images", False: ""})
    )


def _make_tables(rows: pd.DataFrame, context: ReportContext, family: str) -> tuple[Table, Table]:
    slug, displayed_rows = make_slug(family), add_note(context.select_displayed(rows))

    def make(name: str, text: str, columns: tuple[Column, ...], *, folded: bool) -> Table:
        keys = {"family", "class", *(column.key for column in columns)}
        values = rows[[c for c in rows.columns if re.sub("_(sd|low|high)$", "", c) in keys]]
        caption = f"{text} of each class on test, {label(family)}"
        return make_table(
            f"{name}-{slug}",
            caption,
            columns,
            displayed_rows,
            group="configuration",
            values=values,
            folded=folded,
        )

    return (
        make("per-class", "Precision, recall and F1", CLASS_COLUMNS, folded=False),
        make(
            "per-class-more",
            "Specificity, NPV, AUC and average precision",
            MORE_CLASS_COLUMNS,
            folded=True,
        ),
    )
