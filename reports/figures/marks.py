"""Describe what the artists of a figure show, so that the page can hide them and show values."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from reports.format.units import Unit, format_number

_UNIT_TEXTS: dict[Unit, str] = {"percent": "%", "points": " points"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an artist of a figure shows.

    Attributes:
        artist: Artist.
        model: Model that it belongs to, as named in the report; None for none.
        tips: Text of each of its shapes, in the order in which they are drawn; empty for none. A
            line has one shape per marker, or a single one without markers.
    """

    artist: Artist
    model: str | None
    tips: Sequence[str]


class MarkedFigure(Figure):
    """A figure that knows what its artists show, so that the page can explore it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Initialize a figure without marks."""
        super().__init__(*args, **kwargs)
        self.marks: list[Mark] = []

    def mark(self, artist: Artist, *, model: str | None = None, tips: Sequence[str] = ()) -> None:
        """Describe an artist; see `Mark`."""
        artist.set_gid(f"mark-{len(self.marks)}")
        self.marks.append(Mark(artist=artist, model=model, tips=tips))

    def mark_error_bars(
        self, container: ErrorbarContainer, *, model: str | None = None, tips: Sequence[str] = ()
    ) -> None:
        """Describe points with error bars; the texts are those of the points."""
        points, caps, bars = container.lines
        if points is not None:
            self.mark(points, model=model, tips=tips)
        if model is not None:
            for artist in (*caps, *bars):
                self.mark(artist, model=model)


def format_estimate(
    value: float, low: float, high: float, unit: Unit, *, decimals: int = 2, level: int = 95
) -> str:
    """Format an estimate for the text of a mark, e.g. `94.18% (95% CI 93.40 to 94.90)`.

    Args:
        value: Estimate, as a fraction.
        low: Lower end of its confidence interval; NaN if unknown, which leaves out the interval.
        high: Upper end.
        unit: "percent" or "points".
        decimals: Number of decimals.
        level: Level of the interval in percent.
    """
    value_text, low_text, high_text = (
        format_number(number, unit, decimals=decimals) for number in (value, low, high)
    )
    text = f"{value_text}{_UNIT_TEXTS[unit]}"
    if math.isnan(low) or math.isnan(high):
        return text
    return f"{text} ({level}% CI {low_text} to {high_text})"


def format_score(row: Mapping[Hashable, Any], column: str) -> str:
    """Format a fraction of a row with its 95% confidence interval, in %; see `format_estimate`."""
    return format_estimate(row[column], row[f"{column}_low"], row[f"{column}_high"], "percent")
