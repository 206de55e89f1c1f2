"""Convert data frames to tables of text for HTML, Markdown and LaTeX."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.format.text import DataLabel, label
from reports.format.units import (
    BLANK,
    Unit,
    choose_decimals,
    format_interval,
    format_mean_sd,
    format_number,
)

_TEXT_UNITS = frozenset({"text", "word", "prose", "verdict"})
_UNITS_OF_ENDS: dict[Unit, Unit] = {
    "interval": "percent",
    "points_interval": "points",
    "score_interval": "score",
}
"""Unit of the ends of an interval, by the unit of its column."""

MAX_PRINTED_ROWS = 12
"""Rows of the longest folded table that is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a printed table.

    Attributes:
        key: Name of the frame's column. The standard deviation, if the frame has one, is in the
            column `key` + `_sd`; the ends of an interval are in `key` + `_low` and `_high`.
        heading: Lines of the heading, with the unit.
        unit: Unit, which determines the decimals and the alignment; a `word` is the value of a
            setting.
        show_sd: Whether to show the standard deviation; a wide table has no room for all.
        mark_highest: Whether the highest value is marked as the best.
        is_lower_better: Whether low values are the better ones, e.g. for times and losses.
        interval_key: Interval that decides the decimals of a percentage, if not that of `key`.
    """

    key: str
    heading: tuple[str, ...]
    unit: Unit = "text"
    show_sd: bool = True
    mark_highest: bool = False
    is_lower_better: bool = False
    interval_key: str | None = None

    @property
    def sorts_descending(self) -> bool:
        """Whether the page sorts the highest values to the top at first.

        Text, p-values, and settings such as seeds and numbers of trials are sorted ascending.
        """
        ascending_units = {*_TEXT_UNITS, "p", "setting"}
        return self.unit not in ascending_units and not self.is_lower_better

    @property
    def is_right_aligned(self) -> bool:
        """Whether the column is right-aligned, as columns of numbers are."""
        return self.unit not in _TEXT_UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table ready to be printed in any format.

    Attributes:
        name: Name of the table's files.
        caption: Caption, without the name of the data, which the page and each file add.
        columns: Columns in display order.
        rows: Rows of cell texts, one text per column.
        rules: Indices of the rows with a thin rule above that separates groups, from 1.
        values: Unrounded values for the CSV file.
        data: Names of the data of this table; None for those of the page.
        hidden_rows: Indices of the rows that the page shows only on request; Markdown and LaTeX
            leave them out.
        best_cells: Row and column indices of the cells that are marked as the best.
        folded: Whether the table is shown only on request.
        long: Whether the table extends over several pages in LaTeX.
        on_page: Whether the page shows the table; otherwise, it only has files.
        files_name: Name of the files, if they belong to a table that includes this one.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    rules: frozenset[int]
    values: pd.DataFrame
    data: DataLabel | None = None
    hidden_rows: frozenset[int] = frozenset()
    best_cells: frozenset[tuple[int, int]] = frozenset()
    folded: bool = False
    long: bool = False
    on_page: bool = True
    files_name: str = ""

    @property
    def is_short(self) -> bool:
        """Whether the table is printed even if the page folds it."""
        return len(self.visible_indices) <= MAX_PRINTED_ROWS

    @property
    def visible_indices(self) -> list[int]:
        """Indices of the rows without the hidden ones, for Markdown and LaTeX."""
        return [i for i in range(len(self.rows)) if i not in self.hidden_rows]


def make_table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    frame: pd.DataFrame,
    *,
    group: str | None = None,
    values: pd.DataFrame | None = None,
    data: DataLabel | None = None,
    hidden: Collection[Hashable] = (),
    folded: bool = False,
    long: bool = False,
    on_page: bool = True,
    files_name: str = "",
) -> Table:
    """Format a frame as a table.

    Args:
        name: Name of the table's files.
        caption: Caption, without the name of the data, which the page and each file add.
        columns: Columns to show; those that the frame lacks are left out.
        frame: Frame with one row per line of the table.
        group: Column whose value is printed once per group of rows; a rule separates the groups.
        values: Values for the CSV file, if not `frame`.
        data: Names of the data, if the page is about several.
        hidden: Index labels of the rows that the page shows only on request.
        folded: Whether the table is shown only on request.
        long: Whether the table extends over several pages in LaTeX.
        on_page: Whether the page shows the table; otherwise, it only has files.
        files_name: Name of the files, if they belong to a table that includes this one.
    """
    display_columns = tuple(
        column for column in columns if {column.key, f"{column.key}_low"} & {*frame}
    )
    rules = frozenset(_find_rules(list(frame[group]))) if group else frozenset()
    return Table(
        name=name,
        caption=caption,
        columns=display_columns,
        rows=tuple(_format_rows(frame, display_columns, group, rules)),
        rules=rules,
        values=frame if values is None else values,
        data=data,
        hidden_rows=frozenset(i for i, row_label in enumerate(frame.index) if row_label in hidden),
        best_cells=frozenset(_find_best_cells(frame, display_columns)),
        folded=folded,
        long=long,
        on_page=on_page,
        files_name=files_name,
    )


def _find_rules(groups: Sequence[Hashable]) -> Iterator[int]:
    """Yield the indices of the rows with which another group begins, except the first."""
    return (i for i in range(1, len(groups)) if groups[i] != groups[i - 1])


def _format_rows(
    frame: pd.DataFrame, columns: Sequence[Column], group: str | None, rules: Collection[int]
) -> Iterator[tuple[str, ...]]:
    """Yield the texts of each row; the value of `group` only where a group begins."""
    # With one replicate there is no standard deviation, so the column shows only the mean.
    sd_keys = {c.key for c in columns if c.show_sd and f"{c.key}_sd" in frame}
    display_sd_keys = {key for key in sd_keys if frame[f"{key}_sd"].notna().any()}
    decimals = {
        column: choose_column_decimals(frame, column.interval_key or column.key)
        for column in columns
    }
    records: list[dict[Hashable, Any]] = frame.to_dict("records")
    for i, record in enumerate(records):
        repeated_key = group if i and i not in rules else None
        yield tuple(
            ""
            if column.key == repeated_key
            else _format_cell(
                record,
                column,
                show_sd=column.key in display_sd_keys,
                decimals=decimals[column],
            )
            for column in columns
        )


def _find_best_cells(frame: pd.DataFrame, columns: Sequence[Column]) -> Iterator[tuple[int, int]]:
    """Yield row and column of the highest values of each marked column, if any is lower."""
    for j, column in enumerate(columns):
        if column.mark_highest and frame[column.key].max() > frame[column.key].min():
            is_best = frame[column.key] == frame[column.key].max()
            yield from ((i, j) for i in np.flatnonzero(is_best).tolist())


def choose_column_decimals(frame: pd.DataFrame, key: str) -> int:
    """Return the decimals of percentages or points, from the intervals of a column.

    Args:
        frame: Frame with the columns `{key}_low` and `{key}_high`, fractions; they may be missing.
        key: Name of the column.
    """
    if not {f"{key}_low", f"{key}_high"} <= {*frame}:
        return choose_decimals([], [])
    return choose_decimals(frame[f"{key}_low"], frame[f"{key}_high"])


def _format_cell(
    record: dict[Hashable, Any], column: Column, *, show_sd: bool, decimals: int
) -> str:
    if column.unit in _UNITS_OF_ENDS:
        low, high = record[f"{column.key}_low"], record[f"{column.key}_high"]
        return format_interval(low, high, _UNITS_OF_ENDS[column.unit], decimals=decimals)
    value = record[column.key]
    if pd.isna(value):
        return BLANK
    if column.unit in _TEXT_UNITS:
        # Only words are relabeled: a configuration may have the same name as a family.
        return label(value) if column.unit == "word" else str(value)
    if show_sd:
        return format_mean_sd(value, record[f"{column.key}_sd"], column.unit, decimals=decimals)
    # The mean of a single count has no decimals.
    unit = "count" if column.unit == "mean" else column.unit
    return format_number(value, unit, decimals=decimals)
