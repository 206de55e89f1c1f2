"""Format numbers by unit, intervals, and counts of things."""

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
    "score_interval",
    "p",
]


# All numbers of a column have the same decimals, so that right-aligned columns align at the
# decimal point. The paper prints percentages with two decimals.
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
    """Format a number with the decimals of its unit; percentages have no sign, NaN is a dash.

    `points` is the difference of two fractions, shown as signed percentage points. `millions`
    takes the full number and shows it in millions.
    """
    if value is None or math.isnan(value):
        return BLANK
    if unit == "p" and value < _SMALLEST_P:
        return f"< {_SMALLEST_P:.4f}"
    text = _FORMATS[unit].format(value * _SCALES.get(unit, 1))
    # A typographic minus is as wide as the plus. Values that round to zero have no sign.
    text = text.removesuffix("%").replace("-", "\N{MINUS SIGN}")
    return text.lstrip("+\N{MINUS SIGN}") if text[1:] == "0.00" else text


def format_interval(low: float, high: float, unit: Unit) -> str:
    """Format as `[low, high]`; a dash if it is unknown."""
    if math.isnan(low) or math.isnan(high):
        return BLANK
    return f"[{format_number(low, unit)}, {format_number(high, unit)}]"


def format_mean_sd(value: float, sd: float, unit: Unit) -> str:
    """Format as `mean ± standard deviation`; a dash for an unknown standard deviation."""
    return f"{format_number(value, unit)} ± {format_number(sd, unit)}"


def format_count(count: int, noun: str) -> str:
    """Format as `1 trial`, `2 trials`, `1,200 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_duration(duration_s: float) -> str:
    """Return a duration in two units, e.g. `45 s`, `3 min 05 s` or `2 h 07 min`."""
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
