"""Frames to tables of text: columns, spreads, groups, units."""

import pandas as pd
import pytest

from reports.format.table import MAX_PRINTED_ROWS, Column, make_table
from reports.format.units import BLANK, Unit

NAN = float("nan")


def make_rows(frame: pd.DataFrame, *columns: Column) -> tuple[tuple[str, ...], ...]:
    return make_table("t", "T", columns, frame).rows


def test_make_table_shows_a_group_once_and_a_rule_above_the_next() -> None:
    frame = pd.DataFrame({"g": ["a", "a", "b"], "x": [1, 2, 3]})
    columns = (Column(key="g", heading=("G",)), Column(key="x", heading=("X",), unit="count"))
    table = make_table("t", "T", columns, frame, group="g")
    assert table.rows == (("a", "1"), ("", "2"), ("b", "3"))
    assert table.rules == {2}
    assert make_table("t", "T", columns, frame).rules == frozenset()


def test_make_table_unknown_spread_is_blank_and_a_column_without_any_has_none() -> None:
    column = Column(key="x", heading=("X",), unit="percent")
    frame = pd.DataFrame({"x": [0.5, 0.25, NAN], "x_sd": [0.01, NAN, NAN]})
    assert make_rows(frame, column) == (("50.00 ± 1.00",), (f"25.00 ± {BLANK}",), (BLANK,))
    assert make_rows(frame.assign(x_sd=NAN), column) == (("50.00",), ("25.00",), (BLANK,))
    hidden = Column(key="x", heading=("X",), unit="percent", show_sd=False)
    assert make_rows(frame, hidden)[0] == ("50.00",)


def test_make_table_mean_of_one_count_is_a_count() -> None:
    column = Column(key="x", heading=("X",), unit="mean")
    frame = pd.DataFrame({"x": [20.0]})
    assert make_rows(frame, column) == (("20",),)
    assert make_rows(frame.assign(x_sd=1.5), column) == (("20.0 ± 1.5",),)


def test_make_table_intervals_need_only_their_ends() -> None:
    frame = pd.DataFrame({"x_low": [0.1, NAN], "x_high": [0.2, NAN]})
    percent = Column(key="x", heading=("X",), unit="interval")
    points = Column(key="x", heading=("X",), unit="points_interval")
    assert make_rows(frame, percent, points) == (
        ("[10.0, 20.0]", "[+10.0, +20.0]"),
        (BLANK, BLANK),
    )


def test_make_table_decimals_of_a_column_follow_its_intervals() -> None:
    frame = pd.DataFrame({"x": [0.9125, 0.5], "x_sd": [0.0111, NAN], "y": [0.9125, 0.5]})
    columns = (
        Column(key="x", heading=("X",), unit="percent"),
        Column(key="x", heading=("X",), unit="interval"),
        Column(key="y", heading=("Y",), unit="percent", interval_key="x"),
        Column(key="y", heading=("Y",), unit="percent"),
    )
    wide = frame.assign(x_low=frame["x"] - 0.02, x_high=frame["x"] + 0.02)
    narrow = frame.assign(x_low=frame["x"] - 0.002, x_high=frame["x"] + 0.002)
    assert make_rows(wide, *columns)[0] == ("91.2 ± 1.1", "[89.2, 93.2]", "91.2", "91.25")
    assert make_rows(narrow, *columns)[0] == ("91.25 ± 1.11", "[91.05, 91.45]", "91.25", "91.25")


def test_make_table_absent_columns_are_left_out() -> None:
    columns = [Column(key=key, heading=(key,)) for key in ("a", "absent", "b")]
    table = make_table("t", "T", columns, pd.DataFrame({"a": ["x"], "b": ["y"]}))
    assert [column.key for column in table.columns] == ["a", "b"]
    assert table.rows == (("x", "y"),)


@pytest.mark.parametrize(
    ("unit", "text"), [("text", "cnn"), ("word", "CNN"), ("prose", "cnn"), ("verdict", "cnn")]
)
def test_make_table_words_of_settings_are_written_out(unit: Unit, text: str) -> None:
    column = Column(key="x", heading=("X",), unit=unit)
    assert make_rows(pd.DataFrame({"x": ["cnn"]}), column) == ((text,),)


def test_make_table_values_are_the_frame_unless_given() -> None:
    frame, values = pd.DataFrame({"x": [1]}), pd.DataFrame({"y": [2]})
    columns = [Column(key="x", heading=("X",), unit="count")]
    assert make_table("t", "T", columns, frame).values is frame
    table = make_table("t", "T", columns, frame, values=values, folded=True)
    assert table.values is values
    assert (table.name, table.caption, table.folded) == ("t", "T", True)


@pytest.mark.parametrize(
    ("unit", "is_right_aligned"),
    [("percent", True), ("interval", True), ("count", True), ("text", False), ("setting", True)],
)
def test_column_of_numbers_is_right_aligned(unit: Unit, is_right_aligned: bool) -> None:
    assert Column(key="x", heading=("X",), unit=unit).is_right_aligned == is_right_aligned


def test_make_table_marks_the_highest_values_of_marked_columns() -> None:
    columns = [
        Column(key="name", heading=("Name",)),
        Column(key="f1", heading=("F1",), unit="percent", mark_highest=True),
        Column(key="loss", heading=("Loss",), unit="score"),
    ]
    frame = pd.DataFrame({"name": ["a", "b", "c"], "f1": [0.5, 0.9, 0.9], "loss": [1.0, 2.0, 3.0]})
    assert make_table("t", "c", columns, frame).best_cells == {(1, 1), (2, 1)}
    assert make_table("t", "c", columns, frame.assign(f1=0.5)).best_cells == frozenset()
    assert make_table("t", "c", columns, frame.assign(f1=NAN)).best_cells == frozenset()


def test_make_table_hidden_rows_are_those_of_the_index() -> None:
    frame = pd.DataFrame({"name": ["a", "b", "c"]}, index=[7, 3, 5])
    table = make_table("t", "c", [Column(key="name", heading=("Name",))], frame, hidden=[3])
    assert table.hidden_rows == {1}
    assert table.visible_indices == [0, 2]


@pytest.mark.parametrize(
    ("unit", "is_lower_better", "expected"),
    [
        ("percent", False, True),
        ("interval", False, True),
        ("count", False, True),
        ("seconds", True, False),
        ("p", False, False),
        ("setting", False, False),
        ("text", False, False),
    ],
)
def test_column_sorts_high_numbers_first_unless_low_ones_are_better(
    unit: Unit, is_lower_better: bool, expected: bool
) -> None:
    column = Column(key="x", heading=("X",), unit=unit, is_lower_better=is_lower_better)
    assert column.sorts_descending == expected


def test_table_is_short_without_its_hidden_rows() -> None:
    frame = pd.DataFrame({"x": range(MAX_PRINTED_ROWS + 1)})
    column = Column(key="x", heading=("X",), unit="count")
    assert not make_table("t", "T", [column], frame).is_short
    assert make_table("t", "T", [column], frame, hidden=[0]).is_short
