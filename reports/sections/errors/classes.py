"""Precision, recall and F1 of each class."""

from reports.format.columns import PER_CLASS
from reports.format.table import table
from reports.format.text import word
from reports.sections.elements import Section, caption, slug
from reports.sections.findings import Findings


def section(found: Findings) -> Section | None:
    """A table a family."""
    if found.per_class.empty:
        return None
    every = found.per_class.assign(label=[found.labels[c] for c in found.per_class["class"]])
    frame = every[every["configuration"].isin(found.drawn)]
    return Section(
        key="classes",
        title="Scores of each class",
        tables=tuple(
            table(
                f"per-class-{slug(family)}",
                caption(
                    f"Precision, recall and F1 of each class on test, {word(family)}", found.data
                ),
                PER_CLASS,
                frame[frame["family"] == family],
                group="configuration",
                values=every[every["family"] == family],
                folded=True,
            )
            for family in frame["family"].unique()
        ),
    )
