"""Colors and styles shared by all figures.

The colors are distinguishable for color-blind readers (Okabe & Ito); line styles and markers differ
for printing in grayscale.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

BLUE, SKY, VERMILLION, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
PURPLE, ORANGE, WINE = "#CC79A7", "#E69F00", "#882255"
BLACK, DARK_GRAY, MEDIUM_GRAY = "#000000", "#333333", "#666666"
GRAY, PALE_GRAY, GRID_GRAY, WHITE = "#BDBDBD", "#D9D9D9", "#E6E6E6", "#FFFFFF"

MODEL_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, DARK_GRAY)
"""Colors of models in a common panel."""

PAGE_COLORS = {
    "figure-blue": BLUE,
    "figure-sky": SKY,
    "figure-vermilion": VERMILLION,
    "figure-green": GREEN,
    "figure-purple": PURPLE,
    "figure-orange": ORANGE,
    "figure-wine": WINE,
    "figure-dark-gray": DARK_GRAY,
    "figure-medium-gray": MEDIUM_GRAY,
    "figure-gray": GRAY,
    "figure-pale-gray": PALE_GRAY,
    "figure-grid": GRID_GRAY,
    "ink": BLACK,
    "ground": WHITE,
}
"""Color by name of the CSS variable that replaces it on the page.

A figure of the page may have no other color, except those of `SEQUENTIAL_COLORMAP`.
"""

SEQUENTIAL_COLORMAP = ListedColormap(colormaps["cividis"](np.linspace(0.35, 1, 256)), "values")
"""Colormap of values, with uniform lightness, that looks the same to color-blind readers.

The darkest colors of cividis are left out, because they are invisible on a dark page.
"""

CLASS_STYLES = (
    (VERMILLION, "-"),
    (BLUE, "-"),
    (GREEN, "--"),
    (ORANGE, "-."),
    (PURPLE, "-"),
    (DARK_GRAY, ":"),
    (SKY, "--"),
    (WINE, "-."),
)
"""Colors and line styles of up to eight classes in one panel."""

_FAMILY_STYLES = {"mlnn": (VERMILLION, "s"), "cnn": (BLUE, "o"), "resnet": (GREEN, "^")}


def get_family_style(family: str) -> tuple[str, str]:
    """Return the color and the marker of a family in all figures."""
    return _FAMILY_STYLES.get(family, (DARK_GRAY, "D"))
