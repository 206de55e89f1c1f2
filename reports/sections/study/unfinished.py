"""Trials that failed, are missing, or whose files cannot be relied on."""

from reports.analysis import frames
from reports.format.columns import UNFINISHED
from reports.format.table import table
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings

_MISSING = "not in the ledger: not run yet, or interrupted"


def section(found: Findings) -> Section | None:
    """Which, and why."""
    lacking = found.trials["status"].isin(["failed", frames.MISSING, frames.UNREADABLE])
    frame = found.trials[lacking]
    if frame.empty:
        return None
    frame = frame.assign(reason=frame["error"].fillna(_MISSING))
    shown = [str(c) for c in ("id", *(column.key for column in UNFINISHED))]
    named = caption("Trials that are not in the comparison", found.data)
    return Section(
        key="unfinished",
        title="Trials that are not in the comparison",
        words=("They have no scores here and enter no mean.",),
        tables=(table("unfinished", named, UNFINISHED, frame, values=frame[shown]),),
    )
