"""List trials that failed, are missing, or have unreadable files."""

import pandas as pd

from reports.analysis import frames
from reports.format.columns import UNFINISHED_COLUMNS
from reports.format.table import make_table
from reports.sections.elements import Section

_MISSING_REASON = "not in the ledger: not run yet or interrupted"


def make_section(trials: pd.DataFrame) -> Section | None:
    """List the trials with the reason; None if all planned trials are complete.

    Args:
        trials: Frame from `frames.make_trials_frame`.
    """
    frame = trials[trials["state"].isin(frames.NOT_COMPLETE)]
    if frame.empty:
        return None
    frame = frame.assign(reason=frame["error"].fillna(_MISSING_REASON))
    if frame["fold"].isna().all():  # not a cross-validation
        frame = frame.drop(columns="fold")
    csv_columns = ["id", *(column.key for column in UNFINISHED_COLUMNS if column.key in frame)]
    table_caption = "Trials that are not in the comparison"
    return Section(
        key="unfinished",
        title="Trials that are not in the comparison",
        paragraphs=("These trials have no scores and are not included in any mean.",),
        tables=(
            make_table(
                "unfinished", table_caption, UNFINISHED_COLUMNS, frame, values=frame[csv_columns]
            ),
        ),
    )
