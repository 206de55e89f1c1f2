"""What the artists of a figure show, and the texts of estimates."""

import math
from collections.abc import Hashable

import pytest

from reports.figures.marks import MarkedFigure, format_estimate, format_score
from reports.format.units import Unit


def test_mark_error_bars_marks_caps_and_bars_too_if_they_have_a_model() -> None:
    figure = MarkedFigure()
    axes = figure.subplots()
    figure.mark_error_bars(axes.errorbar([0], [0], yerr=[1], capsize=2), model="a", tips=["x"])
    assert [mark.model for mark in figure.marks] == ["a"] * 4
    assert [list(mark.tips) for mark in figure.marks] == [["x"], [], [], []]
    figure.mark_error_bars(axes.errorbar([0], [0], yerr=[1]), tips=["y"])
    assert len(figure.marks) == 5


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("percent", "94.18% (95% CI 93.40 to 94.90)"),
        ("points", "+94.18 points (95% CI +93.40 to +94.90)"),
    ],
)
def test_format_estimate_has_the_unit_and_the_interval(unit: Unit, text: str) -> None:
    assert format_estimate(0.9418, 0.934, 0.949, unit) == text


def test_format_estimate_unknown_interval_is_left_out() -> None:
    assert format_estimate(0.9418, math.nan, math.nan, "percent", decimals=1) == "94.2%"


def test_format_score_reads_the_columns_of_the_interval() -> None:
    row: dict[Hashable, float] = {"f1": 0.5, "f1_low": 0.4, "f1_high": 0.6}
    assert format_score(row, "f1") == format_estimate(0.5, 0.4, 0.6, "percent")
