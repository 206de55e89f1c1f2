"""Describe what the artists of a figure show, so that the page can hide them and show values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure


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
