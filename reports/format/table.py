"""Frames to tables of text that any format can print."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.format.text import label
from reports.format.units import BLANK, Unit, format_interval, format_mean_sd, format_number

_TEXT_UNITS = frozenset({"text", "word", "prose", "verdict"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a printed table.

    Attributes:
        key: of the frame's column; its spread, if the frame has one, is in `key` + `_sd`. The
            ends of an interval are in `key` + `_low` and `_high`.
        heading: lines of the heading, unit included.
        unit: decides the decimals and the alignment; a `word` is a setting's value.
        show_sd: whether to show it; a wide table has no room for every one.
    """

    key: str
    heading: tuple[str, ...]
    unit: Unit = "text"
    show_sd: bool = True

    @property
    def is_right_aligned(self) -> bool:
        """Whether it is aligned right; settings differ in their decimals, so they are not."""
        return self.unit not in _TEXT_UNITS | {"setting", "rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table ready to be printed in any format.

    Attributes:
        name: of its files.
        caption: names the data.
        columns: shown, in order.
        rows: one text a column.
        rules: rows above which a thin rule separates groups, from 1.
        values: unrounded, for CSV.
        folded: shown on request only; a figure above says the same.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    rules: frozenset[int]
    values: pd.DataFrame
    folded: bool = False


def make_table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    frame: pd.DataFrame,
    *,
    group: str | None = None,
    values: pd.DataFrame | None = None,
    folded: bool = False,
) -> Table:
    """Typeset a frame.

    Args:
        name: of the table's files.
        caption: names the data.
        columns: to show; those that the frame lacks are left out.
        frame: one row a line.
        group: a rule separates rows that differ in this column; it is printed once a group.
        values: what the CSV holds, if not `frame`.
        folded: see `Table`.
    """
    display_columns = tuple(
        column for column in columns if {column.key, f"{column.key}_low"} & {*frame}
    )
    # A column without any spread, as of one seed, is printed without; see `format_mean_sd`.
    sd_keys = {c.key for c in display_columns if c.show_sd and f"{c.key}_sd" in frame}
    display_sd_keys = {key for key in sd_keys if frame[f"{key}_sd"].notna().any()}
    records: list[dict[Hashable, Any]] = frame.to_dict("records")
    rules = {
        i for i in range(1, len(records)) if group and records[i][group] != records[i - 1][group]
    }
    rows = []
    for i, record in enumerate(records):
        repeated_key = group if group and i and i not in rules else None
        texts = (
            ""
            if column.key == repeated_key
            else _format_cell(record, column, show_sd=column.key in display_sd_keys)
            for column in display_columns
        )
        rows.append(tuple(texts))
    return Table(
        name=name,
        caption=caption,
        columns=display_columns,
        rows=tuple(rows),
        rules=frozenset(rules),
        values=frame if values is None else values,
        folded=folded,
    )


def _format_cell(record: dict[Hashable, Any], column: Column, *, show_sd: bool) -> str:
    if column.unit in {"interval", "points_interval"}:
        low, high = record[f"{column.key}_low"], record[f"{column.key}_high"]
        return format_interval(low, high, "percent" if column.unit == "interval" else "points")
    value = record[column.key]
    if pd.isna(value):
        return BLANK
    if column.unit in _TEXT_UNITS:  # a configuration may have the name of a family, and keeps it
        return label(value) if column.unit == "word" else str(value)
    if show_sd:
        return format_mean_sd(value, record[f"{column.key}_sd"], column.unit)
    # The mean of one count is a count.
    return format_number(value, "count" if column.unit == "mean" else column.unit)
