"""Numbers to text: decimals and signs of every unit, intervals, spreads, counts."""

import math
from typing import Any

import numpy as np
import pytest

from reports.format.units import (
    BLANK,
    Unit,
    choose_decimals,
    format_count,
    format_duration,
    format_interval,
    format_mean,
    format_mean_sd,
    format_number,
)

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("half_widths", "n_decimals"),
    [
        ([0.005], 2),
        ([0.0051], 1),
        ([0.004, 0.006, 0.02], 1),
        ([0.004, 0.0045, 0.02], 2),
        ([0.004, float("nan"), 0.004], 2),
        ([float("nan"), 0.02], 1),
        ([float("nan")], 2),
        ([], 2),
    ],
)
def test_choose_decimals_follows_the_median_half_width_of_known_intervals(
    half_widths: list[float], n_decimals: int
) -> None:
    ends = np.array([[0.9 - width, 0.9 + width] for width in half_widths]).reshape(-1, 2)
    assert choose_decimals(ends[:, 0], ends[:, 1]) == n_decimals


def test_choose_decimals_without_a_known_interval_is_two() -> None:
    assert choose_decimals([], []) == choose_decimals([math.nan], [math.nan]) == 2


def test_format_mean_sd_and_interval_of_one_decimal_have_the_same_decimals() -> None:
    assert format_mean_sd(0.94187, 0.00151, "percent", decimals=1) == "94.2 ± 0.2"
    assert format_interval(-0.0612, 0.00004, "points", decimals=1) == f"[{MINUS}6.1, 0.0]"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567.4, "count", "1,234,567"),
        (2.25, "mean", "2.2"),
        (0.94187, "percent", "94.19"),
        (1, "percent", "100.00"),
        (0.99994, "score", "0.9999"),
        (4783.64, "seconds", "4,783.6"),
        (4_179_568, "millions", "4.18"),
        (0.00093, "setting", "0.00093"),
        (0.9, "setting", "0.9"),
        (0.000931, "rate", "0.00093"),
        (0.5, "share", "0.500"),
        (0.0612, "points", "+6.12"),
        (0.03125, "p", "0.0312"),
    ],
)
def test_format_number_has_the_decimals_of_its_unit(value: float, unit: Unit, text: str) -> None:
    assert format_number(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0612, f"{MINUS}6.12"),
        (0.00006, "+0.01"),
        (0.00004, "0.00"),
        (-0.00004, "0.00"),
        (0.0, "0.00"),
        (-0.1, f"{MINUS}10.00"),
    ],
)
def test_format_number_points_are_signed_unless_they_round_to_zero(value: float, text: str) -> None:
    assert format_number(value, "points") == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0001, "0.0001"), (0.00009, "< 0.0001"), (0, "< 0.0001")]
)
def test_format_number_small_p_is_a_bound(p: float, text: str) -> None:
    assert format_number(p, "p") == text


@pytest.mark.parametrize("value", [None, float("nan")])
@pytest.mark.parametrize("unit", ["count", "percent", "p", "points"])
def test_format_number_unknown_is_blank(value: Any, unit: Unit) -> None:
    assert format_number(value, unit) == BLANK


def test_format_interval_has_both_ends() -> None:
    assert format_interval(0.931, 0.9522, "percent") == "[93.10, 95.22]"
    assert format_interval(-0.01, 0.02, "points") == f"[{MINUS}1.00, +2.00]"


@pytest.mark.parametrize("ends", [(float("nan"), 1.0), (0.0, float("nan"))])
def test_format_interval_without_an_end_is_blank(ends: tuple[float, float]) -> None:
    assert format_interval(*ends, "percent") == BLANK


def test_format_mean_unknown_spread_is_left_out() -> None:
    assert format_mean(0.5, 0.01, "percent") == format_mean_sd(0.5, 0.01, "percent")
    assert format_mean(0.5, math.nan, "percent") == format_number(0.5, "percent")


def test_format_mean_sd_unknown_spread_is_blank() -> None:
    assert format_mean_sd(0.9418, 0.0031, "percent") == "94.18 ± 0.31"
    assert format_mean_sd(0.9418, float("nan"), "percent") == f"94.18 ± {BLANK}"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1200, "1,200 trials")]
)
def test_format_count_has_a_plural_unless_it_is_one(count: int, text: str) -> None:
    assert format_count(count, "trial") == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7620, "2 h 07 min"),
    ],
)
def test_format_duration_seconds_become_two_units(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
