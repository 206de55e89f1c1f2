"""Compare the figures of a stored report with regenerated ones."""

import io
import re
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from bloodnets.errors import ConflictError
from reports.format.units import format_count

FIGURE_SUFFIXES = {".svg", ".png"}

_MATPLOTLIB = re.compile(rb"matplotlib ([\w.+-]+)<")
_TEXT = re.compile(rb"<!-- (.*?) -->")


def compare_figures(stored: Path, expected: Path) -> str:
    """Compare all figures of a report, of which each is an SVG and a PNG file.

    Figures of this version of matplotlib must be equal: SVG files in every byte, PNG files in every
    pixel. Another version draws other lines, so only the texts in its SVG files are compared:
    titles, labels and legends.

    Args:
        stored: Folder of the stored figures.
        expected: Folder of the regenerated figures, with the same file names.

    Returns:
        Words that describe what was compared.

    Raises:
        ConflictError: A figure differs; the error has its path.
        OSError: A file cannot be read.
    """
    n_by_text = 0
    paths = sorted(expected.glob("*.svg"))
    for path in paths:
        svg, new_svg = (stored / path.name).read_bytes(), path.read_bytes()
        is_same_version = _find_version(svg) == _find_version(new_svg)
        if svg != new_svg and (is_same_version or _TEXT.findall(svg) != _TEXT.findall(new_svg)):
            raise _make_error(path.name)
        n_by_text += svg != new_svg
        png_name = path.with_suffix(".png").name
        pngs = [(folder / png_name).read_bytes() for folder in (stored, expected)]
        if svg == new_svg and pngs[0] != pngs[1] and not _has_same_pixels(*pngs):
            raise _make_error(png_name)
    if n_by_text:
        return (
            f"{n_by_text:,} of {format_count(len(paths), 'figure')} are by another version of "
            "matplotlib, so only their texts were compared"
        )
    return f"so do {format_count(len(paths), 'figure')}"


def _find_version(svg: bytes) -> bytes | None:
    match = _MATPLOTLIB.search(svg)
    return match[1] if match else None


def _has_same_pixels(png: bytes, other_png: bytes) -> bool:
    """Return whether two files show the same image; compression differs between versions."""
    try:
        image, other = (imread(io.BytesIO(content), format="png") for content in (png, other_png))
    except (OSError, SyntaxError, ValueError):  # Pillow raises each of them for a damaged file
        return False
    return np.array_equal(image, other)


def _make_error(name: str) -> ConflictError:
    path = f"report/figures/{name}"
    return ConflictError(f"{path} is not the figure that a new report has", path=path)
