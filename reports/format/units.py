"""Numbers to text: the decimals of each unit, intervals, and counts of things."""

import math
from typing import Any, Literal

BLANK = "\N{EN DASH}"


Unit = Literal[
    "text",
    "word",
    "prose",
    "verdict",
    "count",
    "mean",
    "percent",
    "score",
    "seconds",
    "millions",
    "setting",
    "rate",
    "share",
    "points",
    "interval",
    "points_interval",
    "p",
]


# Every number of a column has the same decimals, so that right-aligned columns align at the
# point. Percent has two, as the paper prints it.
_FORMATS: dict[str, str] = {
    "count": "{:,.0f}",
    "mean": "{:.1f}",
    "percent": "{:.2%}",
    "score": "{:.4f}",
    "seconds": "{:,.1f}",
    "millions": "{:,.2f}",
    "setting": "{:g}",
    "rate": "{:.2g}",
    "share": "{:.3f}",
    "points": "{:+.2f}",
    "p": "{:.4f}",
}


_SCALES = {"points": 100, "millions": 1e-6}


_SMALLEST_P = 0.0001


def format_number(value: Any, unit: Unit) -> str:
    """A number in the decimals of its unit, a percentage without its sign; a dash for NaN.

    `points` are the difference of two fractions in percentage points, always signed; of
    `millions`, the number itself is given.
    """
    if value is None or math.isnan(value):
        return BLANK
    if unit == "p" and value < _SMALLEST_P:
        return f"< {_SMALLEST_P:.4f}"
    text = _FORMATS[unit].format(value * _SCALES.get(unit, 1))
    # A typographic minus, as wide as the plus; and no sign before what rounds to nothing.
    text = text.removesuffix("%").replace("-", "\N{MINUS SIGN}")
    return text.lstrip("+\N{MINUS SIGN}") if text[1:] == "0.00" else text


def format_interval(low: float, high: float, unit: Unit) -> str:
    """`[low, high]`; a dash if it is not known."""
    if math.isnan(low) or math.isnan(high):
        return BLANK
    return f"[{format_number(low, unit)}, {format_number(high, unit)}]"


def format_mean_sd(value: float, sd: float, unit: Unit) -> str:
    """`mean ± standard deviation`; a dash for a spread that is not known."""
    return f"{format_number(value, unit)} ± {format_number(sd, unit)}"


def format_count(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`, `1,200 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
