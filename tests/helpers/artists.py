"""Read the artists of a matplotlib figure as arrays."""

from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, LineCollection, PolyCollection
from matplotlib.container import Container, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Whiskers(NamedTuple):
    """Points with error bars.

    Attributes:
        points: Coordinates x and y, shape (n, 2).
        ends: Ends of the bars, shape (n, 2, 2): bar, lower and upper end, x and y.
    """

    points: FloatArray
    ends: FloatArray


def read_points(line: Line2D) -> FloatArray:
    """Return the coordinates x and y of a line, shape (n, 2)."""
    return np.asarray(line.get_xydata(), dtype=np.float64)


def read_offsets(collection: Collection) -> FloatArray:
    """Return the coordinates x and y of scattered marks, shape (n, 2)."""
    return np.asarray(collection.get_offsets(), dtype=np.float64)


def read_whiskers(container: Container) -> Whiskers:
    """Return points and error bars in one direction."""
    assert isinstance(container, ErrorbarContainer)
    line, _, (bars,) = container.lines
    return Whiskers(read_points(line), read_segments(bars))


def read_segments(artist: Artist) -> FloatArray:
    """Return the ends of straight lines, shape (n, 2, 2)."""
    assert isinstance(artist, LineCollection)
    return np.asarray(artist.get_segments(), dtype=np.float64)


def read_bands(axes: Axes) -> list[FloatArray]:
    """Return the corners of every band, shape (n, 2)."""
    bands = (part for part in axes.collections if isinstance(part, PolyCollection))
    return [np.asarray(band.get_paths()[0].vertices, dtype=np.float64) for band in bands]


def is_whole(figure: Figure) -> bool:
    """Return whether everything that a figure draws, e.g. its texts, is within it."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return bool(min(box.x0, box.y0) >= 0 and box.x1 <= width and box.y1 <= height)
