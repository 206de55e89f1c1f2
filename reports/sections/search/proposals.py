"""List every trial of a search."""

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import PROPOSAL_COLUMNS
from reports.format.table import Column, make_table
from reports.sections.elements import Section

_ERROR_COLUMNS = (
    Column(key="number", heading=("Trial",), unit="setting"),
    Column(key="state", heading=("State",)),
    Column(key="epochs", heading=("Epochs", "run"), unit="count"),
    Column(key="error", heading=("Reason",), unit="prose"),
)


_NOTE = (
    "Trials are sorted by value, best first. A pruned trial has the value it had reached when it "
    "was stopped. “bloodstudy replay” re-trains any trial by its name, e.g. trial-17."
)


def make_section(search: SearchAnalysis) -> Section | None:
    """Make a table of all trials, best first, and one of the trials without a value.

    Args:
        search: Results of the search.
    """
    if search.trials.empty:
        return None
    frame = search.trials.sort_values("value", ascending=False, kind="stable", na_position="last")
    columns = [
        c for c in PROPOSAL_COLUMNS if c.key in frame and c.key not in _find_constant_columns(frame)
    ]
    report_tables = [
        make_table("search-trials", "All trials of the search", columns, frame, folded=True)
    ]
    failed_trials = search.trials[search.trials["error"].notna()]
    if not failed_trials.empty:
        table_caption = "Trials without a value"
        report_tables.insert(
            0, make_table("failed-trials", table_caption, _ERROR_COLUMNS, failed_trials)
        )
    return Section(
        key="search-trials",
        title="Trials of the search",
        notes=(_NOTE,),
        tables=tuple(report_tables),
    )


def _find_constant_columns(frame: pd.DataFrame) -> set[str]:
    """Return the settings that are the same in all trials and need no column."""
    candidates = {"family", "optimizer", "momentum"}
    return {name for name in candidates if len(frame[name].drop_duplicates()) == 1}
