"""Values and tables as the terminal shows them."""

import io

import pytest
from rich.console import Console

from study.console.format import (
    format_age,
    format_clock,
    format_percent,
    make_live_display,
    make_plain_table,
    make_printable,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0:00"), (45, "0:45"), (59.6, "1:00"), (185, "3:05"), (7620, "2:07:00")],
)
def test_format_clock_seconds_become_a_clock(seconds: float, text: str) -> None:
    assert format_clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "sd", "text"),
    [
        (0.933, float("nan"), "93.30"),
        (0.933, 0.0041, "93.30 ± 0.41"),
        (float("nan"), float("nan"), "-"),
    ],
)
def test_format_percent_value_and_sd_become_percent(value: float, sd: float, text: str) -> None:
    assert format_percent(value, sd) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (86_399, "23 h ago"),
        (900_000, "10 d ago"),
    ],
)
def test_format_age_seconds_become_the_largest_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_make_plain_table_has_title_and_columns_without_lines() -> None:
    table = make_plain_table("Score")
    table.add_column("trial")
    table.add_row("a")
    console = Console(file=(file := io.StringIO()), width=40)
    console.print(table)
    assert [line.strip() for line in file.getvalue().splitlines()] == ["Score", "trial", "a"]


def test_make_live_display_stopped_leaves_nothing() -> None:
    console = Console(file=(file := io.StringIO()), force_terminal=True, width=40)
    display = make_live_display(console, lambda: "working")
    display.start()
    display.stop()
    assert "working" in file.getvalue()
    assert file.getvalue().endswith("\x1b[2K")  # the line is erased


def test_make_printable_control_characters_become_question_marks() -> None:
    assert make_printable("a\x1b[2J\n\udcffb.png") == "a?[2J??b.png"
