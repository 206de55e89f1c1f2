"""Every trial of a search."""

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import PROPOSAL_COLUMNS
from reports.format.table import Column, make_table
from reports.format.text import DataLabel
from reports.sections.elements import Section, make_caption

_ERROR_COLUMNS = (
    Column(key="number", heading=("Trial",), unit="setting"),
    Column(key="state", heading=("Status",)),
    Column(key="epochs", heading=("Epochs", "run"), unit="count"),
    Column(key="error", heading=("Reason",), unit="prose"),
)


def make_section(search: SearchAnalysis, *, data: DataLabel) -> Section | None:
    """Make a table of all trials, the best first, and one of those that broke.

    Args:
        search: What the search found.
        data: Names of the data.
    """
    if search.trials.empty:
        return None
    frame = search.trials.sort_values("value", ascending=False, kind="stable", na_position="last")
    columns = [
        c for c in PROPOSAL_COLUMNS if c.key in frame and c.key not in _find_constant_columns(frame)
    ]
    report_tables = [
        make_table(
            "trials", make_caption("Trials of the search", data), columns, frame, folded=True
        )
    ]
    failed_trials = search.trials[search.trials["error"].notna()]
    if not failed_trials.empty:
        table_caption = make_caption("Trials of the search without a value, and why", data)
        report_tables.insert(0, make_table("broken", table_caption, _ERROR_COLUMNS, failed_trials))
    paragraph = (
        "The best first. A pruned trial is listed with what it had reached. “bloodstudy replay” "
        "trains any of them again, by its number: trial-17."
    )
    return Section(
        key="trials",
        title="All trials of the search",
        paragraphs=(paragraph,),
        tables=tuple(report_tables),
    )


def _find_constant_columns(frame: pd.DataFrame) -> set[str]:
    """Settings that no trial varies need no column."""
    candidates = {"family", "optimizer", "momentum"}
    return {name for name in candidates if len(frame[name].drop_duplicates()) == 1}
