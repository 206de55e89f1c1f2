"""Confusion matrices."""

import pandas as pd

from reports import figures
from reports.format.columns import CONFIGURATION
from reports.format.table import Column, Table, table
from reports.format.text import word
from reports.sections.elements import Section, caption, picture, slug
from reports.sections.findings import Findings, beside


def section(found: Findings) -> Section | None:
    """A figure and a table a family."""
    frame, data, labels = found.confusion, found.data, found.labels
    if frame.empty:
        return None
    many = frame["seeds"].max() > 1
    words = "Rows are true classes, columns predicted ones. In a cell: images, and below them the "
    words += "percentage of the row. The shade is that percentage on a square-root scale."
    words += " Counts are summed over seeds." if many else ""
    pictures, sheets = [], []
    for family in frame["family"].unique():
        own = frame[(frame["family"] == family) & frame["configuration"].isin(found.drawn)]
        what = f"Confusion on test, {word(family)}"
        pictures.append(
            picture(
                f"confusion-{slug(family)}",
                f"{what}{beside(family, 'confusion', found)}. Rows: true; columns: predicted.",
                figures.confusions(own, labels, data=data),
                data,
                wide=True,
            )
        )
        every = frame[frame["family"] == family]
        sheets.append(_counts(own, every, found, f"confusion-{slug(family)}", what))
    return Section(
        key="confusion",
        title="Confusion matrices",
        words=(words,),
        pictures=tuple(pictures),
        tables=tuple(sheets),
    )


def _counts(
    frame: pd.DataFrame, every: pd.DataFrame, found: Findings, name: str, what: str
) -> Table:
    """Confusion as a table: a row for each true class, a column for each predicted one."""
    keys = ["configuration", "true"]
    wide = frame.pivot_table(index=keys, columns="predicted", values="count", sort=False)
    wide = wide.rename(columns=str).reset_index()
    wide["label"] = [found.labels[c] for c in wide["true"]]
    columns = [CONFIGURATION, Column(key="label", head=("True class",))]
    columns += [
        Column(key=str(i), head=("as", label), unit="count") for i, label in enumerate(found.labels)
    ]
    named = caption(f"{what}: images, rows true, columns predicted", found.data)
    return table(name, named, columns, wide, group="configuration", values=every, folded=True)
