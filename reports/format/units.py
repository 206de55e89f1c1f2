"""Format numbers by unit, intervals, and counts of things."""

import math
from collections.abc import Iterable
from statistics import median
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
# decimal point. Those of percentages and points are chosen by `choose_decimals`.
_FORMATS: dict[str, str] = {
    "count": "{:,.0f}",
    "mean": "{:.1f}",
    "percent": "{:.{decimals}%}",
    "score": "{:.4f}",
    "seconds": "{:,.1f}",
    "millions": "{:,.2f}",
    "setting": "{:g}",
    "rate": "{:.2g}",
    "share": "{:.3f}",
    "points": "{:+.{decimals}f}",
    "p": "{:.4f}",
}


_SCALES = {"points": 100, "millions": 1e-6}


_SMALLEST_P = 0.0001


def choose_decimals(low: Iterable[float], high: Iterable[float]) -> int:
    """Return the number of decimals of percentages or points with these confidence intervals.

    It is 1 if the median half-width exceeds 0.5 points, and 2 otherwise. The uncertainty then has
    at most two significant digits if it is below 10 points (JCGM 100:2008, 7.2.6).

    Args:
        low: Lower ends as fractions, 0 to 1 or -1 to 1; NaN if unknown.
        high: Upper ends.

    Returns:
        1 or 2; 2, as in the paper, if no interval is known.
    """
    half_widths = ((b - a) / 2 for a, b in zip(low, high, strict=True))
    known = [half_width for half_width in half_widths if not math.isnan(half_width)]
    # The tolerance keeps a half-width of exactly 0.5 points from exceeding it by rounding.
    return 1 if known and median(known) > 0.005 + 1e-9 else 2


def format_number(value: Any, unit: Unit, *, decimals: int = 2) -> str:
    """Format a number with the decimals of its unit; percentages have no sign, NaN is a dash.

    `points` is the difference of two fractions, shown as signed percentage points. `millions`
    takes the full number and shows it in millions. `decimals` applies to percentages and points.
    """
    if value is None or math.isnan(value):
        return BLANK
    if unit == "p" and value < _SMALLEST_P:
        return f"< {_SMALLEST_P:.4f}"
    text = _FORMATS[unit].format(value * _SCALES.get(unit, 1), decimals=decimals)
    # A typographic minus is as wide as the plus. Values that round to zero have no sign.
    text = text.removesuffix("%").replace("-", "\N{MINUS SIGN}")
    return text.lstrip("+\N{MINUS SIGN}") if text[1:] == f"{0:.{decimals}f}" else text


def format_interval(low: float, high: float, unit: Unit, *, decimals: int = 2) -> str:
    """Format as `[low, high]`; a dash if it is unknown."""
    if math.isnan(low) or math.isnan(high):
        return BLANK
    ends = (format_number(end, unit, decimals=decimals) for end in (low, high))
    return f"[{', '.join(ends)}]"


def format_mean_sd(value: float, sd: float, unit: Unit, *, decimals: int = 2) -> str:
    """Format as `mean ± standard deviation`; a dash for an unknown standard deviation."""
    mean, spread = (format_number(number, unit, decimals=decimals) for number in (value, sd))
    return f"{mean} ± {spread}"


def format_mean(value: float, sd: float, unit: Unit, *, decimals: int = 2) -> str:
    """Format as `mean ± standard deviation`, or as `mean` if the deviation is unknown (NaN)."""
    if math.isnan(sd):
        return format_number(value, unit, decimals=decimals)
    return format_mean_sd(value, sd, unit, decimals=decimals)


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
