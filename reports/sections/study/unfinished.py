"""Trials that failed, are missing, or whose files cannot be relied on."""

from reports.analysis import frames
from reports.format.columns import UNFINISHED_COLUMNS
from reports.format.table import make_table
from reports.sections.elements import Section, make_caption
from reports.sections.findings import Analysis

_MISSING_REASON = "not in the ledger: not run yet, or interrupted"


def make_section(analysis: Analysis) -> Section | None:
    """Which, and why."""
    is_unfinished = analysis.trials["state"].isin(frames.NOT_COMPLETE)
    frame = analysis.trials[is_unfinished]
    if frame.empty:
        return None
    frame = frame.assign(reason=frame["error"].fillna(_MISSING_REASON))
    csv_columns = [str(c) for c in ("id", *(column.key for column in UNFINISHED_COLUMNS))]
    table_caption = make_caption("Trials that are not in the comparison", analysis.data)
    return Section(
        key="unfinished",
        title="Trials that are not in the comparison",
        paragraphs=("They have no scores here and enter no mean.",),
        tables=(
            make_table(
                "unfinished", table_caption, UNFINISHED_COLUMNS, frame, values=frame[csv_columns]
            ),
        ),
    )
