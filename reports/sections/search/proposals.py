"""Every trial of a search."""

import pandas as pd

from reports.format.columns import PROPOSALS
from reports.format.table import Column, table
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings

_ERRORS = (
    Column(key="number", head=("Trial",), unit="setting"),
    Column(key="state", head=("Status",)),
    Column(key="epochs", head=("Epochs", "run"), unit="count"),
    Column(key="error", head=("Reason",), unit="prose"),
)


def section(found: Findings) -> Section | None:
    """A table of all, the best first; and the reasons of those that broke."""
    search, data = found.search, found.data
    if search is None or search.trials.empty:
        return None
    frame = search.trials.sort_values("value", ascending=False, kind="stable", na_position="last")
    columns = [c for c in PROPOSALS if c.key in frame and c.key not in _constant(frame)]
    tables = [table("trials", caption("Trials of the search", data), columns, frame, folded=True)]
    broken = search.trials[search.trials["error"].notna()]
    if not broken.empty:
        named = caption("Trials of the search without a value, and why", data)
        tables.insert(0, table("broken", named, _ERRORS, broken))
    words = (
        "The best first. A pruned trial is listed with what it had reached. “bloodstudy replay” "
        "trains any of them again, by its number: trial-17."
    )
    return Section(
        key="trials", title="All trials of the search", words=(words,), tables=tuple(tables)
    )


def _constant(frame: pd.DataFrame) -> set[str]:
    """Settings that no trial varies need no column."""
    names = {"family", "optimizer", "momentum"}
    return {name for name in names if len(frame[name].drop_duplicates()) == 1}
