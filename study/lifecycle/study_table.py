"""Print the table of `bloodstudy list`."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from study.console.format import (
    format_age,
    format_percent,
    make_output_console,
    make_plain_table,
    make_printable,
)
from study.lifecycle.study_list import BestScore, ListedStudy

_WIDE = 100
_SHORT_DATA_WIDTH = 14  # leaves room for a default name in 80 columns


def print_studies(studies: Sequence[ListedStudy]) -> None:
    """Print a row per study to standard output."""
    console = make_output_console()
    console.print(make_study_table(studies, datetime.now(UTC), console.width))


def make_study_table(studies: Sequence[ListedStudy], now: datetime, width: int) -> Table:
    """Return a table with a row per study.

    Args:
        studies: Studies in the order of the rows.
        now: Time from which the age of the last change is computed.
        width: Number of columns of the terminal.
    """
    table = make_plain_table()
    # Names are wrapped instead of cut, because commands need them.
    table.add_column("study", overflow="fold")
    table.add_column("kind", no_wrap=True)
    data_width = _SHORT_DATA_WIDTH if width < _WIDE else None
    table.add_column("data", overflow="ellipsis", max_width=data_width)
    table.add_column("trials", justify="right", no_wrap=True)
    table.add_column("macro F1 (%)", justify="right", no_wrap=True)
    table.add_column("changed", justify="right", no_wrap=True)
    notes = [_format_notes(study) for study in studies]
    if any(notes):
        table.add_column("notes", justify="right")
    for study, note in zip(studies, notes, strict=True):
        age_s = (now - datetime.fromisoformat(study.changed_at)).total_seconds()
        table.add_row(
            Text(make_printable(study.name)),
            study.kind,
            Text(make_printable(study.data_title)),
            f"{study.ended} of {study.planned}",
            _format_score(study.best),
            format_age(age_s),
            *([note] if any(notes) else []),
        )
    return table


def _format_notes(study: ListedStudy) -> str:
    notes = [f"{study.failed} failed"] if study.failed else []
    if study.is_running:
        notes.append("running")
    return ", ".join(notes)


def _format_score(best: BestScore | None) -> str:
    if best is None:
        return "-"
    sd = math.nan if best.macro_f1_sd is None else best.macro_f1_sd
    text = format_percent(best.macro_f1, sd)
    return text if best.split == "test" else f"{text} on {best.split}"
