"""Turn the SVG of a figure into one that is part of the page.

The page's content security policy forbids inline styles, so they become attributes. Colors become
CSS variables, so that a figure follows the color scheme of the page. Marks get the name of their
model, by which the page hides them, and the text that it shows when the pointer is on them.
"""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from matplotlib.colors import to_hex

from reports.figures.canvas import CREATOR
from reports.figures.colors import PAGE_COLORS, SEQUENTIAL_COLORMAP
from reports.figures.marks import Mark

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_DROPPED = (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style")
_USE, _PATH = f"{{{_SVG}}}use", f"{{{_SVG}}}path"


def inline_svg(svg: bytes, marks: Sequence[Mark], *, name: str, label: str) -> str:
    """Return the SVG element of a figure for a page.

    Args:
        svg: SVG file from `render_svg_and_png`.
        marks: Marks of the figure.
        name: Name of the figure, with which its ids begin; no other figure of the page has it.
        label: Text alternative.

    Raises:
        ValueError: A color has no counterpart on a dark page, or a mark does not have as many
            texts as shapes.
    """
    # The file was written by matplotlib a moment ago, so it is not an attack.
    root = ET.fromstring(svg)  # noqa: S314
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    elements = {element.get("id", ""): element for element in root.iter()}
    for mark in marks:
        _annotate(elements[mark.artist.get_gid() or ""], mark)
    for element in root.iter():
        _move_style(element)
        _prefix_ids(element, name)
    for attribute in ("width", "height"):
        del root.attrib[attribute]
    root.attrib |= {
        "role": "img",
        "aria-label": label,
        "tabindex": "0",
        "data-creator": CREATOR,
        "stroke-linejoin": "round",  # as in the style sheet of the file
        "fill": "var(--ink)",  # of texts, which have no color of their own if they are black
    }
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")


def _annotate(element: ET.Element, mark: Mark) -> None:
    """Add the model and the texts of a mark to its element."""
    if mark.model is not None:
        element.set("data-model", mark.model)
    if not mark.tips:
        return
    # Markers are references to one definition; an artist without markers is a path.
    shapes = list(element.iter(_USE)) or list(element.iter(_PATH))
    for shape, tip in zip(shapes, mark.tips, strict=True):
        shape.set("data-tip", tip)


def _move_style(element: ET.Element) -> None:
    """Replace the style of an element by attributes, and its colors by variables of the page."""
    style = element.attrib.pop("style", "")
    for declaration in filter(None, map(str.strip, style.split(";"))):
        key, _, value = declaration.partition(":")
        element.set(key.strip(), value.strip())
    for key in ("fill", "stroke"):
        if (value := element.get(key, "")).startswith("#"):
            element.set(key, _replace_color(value))


def _replace_color(color: str) -> str:
    variable = _VARIABLES.get(color.lower())
    if variable is not None:
        return f"var(--{variable})"
    if color.lower() in _COLORMAP_COLORS:
        return color
    raise ValueError(f"color is {color}, expected one of reports.figures.colors.PAGE_COLORS")


def _prefix_ids(element: ET.Element, name: str) -> None:
    """Make the ids of a figure, and the references to them, unique on the page."""
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key.endswith("href"):
            element.set(key, re.sub(r"^#", f"#{name}-", value))
        else:
            element.set(key, value.replace("url(#", f"url(#{name}-"))


_VARIABLES: Mapping[str, str] = {color.lower(): name for name, color in PAGE_COLORS.items()}
_COLORMAP_COLORS = {to_hex(color) for color in SEQUENTIAL_COLORMAP(range(256))}
"""Colors of values; they are the same on every page."""
