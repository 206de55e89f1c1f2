"""Draw which positions of an image contribute to the logit of a class."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from reports.figures import canvas
from reports.figures.marks import MarkedFigure
from reports.format.text import DataLabel

_COLORMAP = "viridis"
"""Colormap with uniform lightness for color-blind readers; unlike cividis, it has no gray."""

_OPACITY = 0.65
"""Opacity of the map, which lets the image below it show through."""

_DARKEST_GRAY = 0.4
"""Gray of a black pixel below the map; darker ones would change the colors of the map."""

_LUMINANCE_WEIGHTS = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the brightness of a color (ITU-R BT.601)."""


@canvas.figure_style
def draw_evidence(
    image: NDArray[np.uint8],
    contributions: NDArray[np.float32],
    pixels_per_position: int,
    *,
    title: str,
    source: str,
    data: DataLabel,
) -> MarkedFigure:
    """Draw an image, and beside it the image in pale gray below the map of contributions.

    Positions without any contribution show the image only.

    Args:
        image: Pixels, uint8, shape (side, side, channels).
        contributions: Contributions to the logit, shape (positions, positions).
        pixels_per_position: Height and width of a position in pixels. The last positions may
            exceed the image.
        title: Title, e.g. the class and its probability.
        source: Text of the strip below the figure, e.g. the name of the model.
        data: Names of the data on which the model was trained.
    """
    figure = canvas.make_blank_figure(canvas.WIDTH, 3.7, data, strip_text=source)
    figure.suptitle(canvas.shorten(title, 80), fontsize=11)
    image_axes, map_axes = figure.subplots(1, 2)
    is_gray = image.shape[2] == 1
    gray = (image[:, :, 0] if is_gray else image @ _LUMINANCE_WEIGHTS) / 255
    _draw_image(image_axes, gray if is_gray else image, "Image")
    pale_gray = _DARKEST_GRAY + (1 - _DARKEST_GRAY) * gray
    _draw_image(map_axes, pale_gray, "Evidence for this class")
    _draw_map(map_axes, contributions, pixels_per_position)
    return figure


def _draw_image(axes: Axes, pixels: NDArray[np.number], name: str) -> None:
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(name)
    axes.set_axis_off()


def _draw_map(axes: Axes, contributions: NDArray[np.float32], pixels_per_position: int) -> None:
    # With 0 in the range of colors, a reader sees which contributions are negative.
    low, high = min(0.0, float(contributions.min())), max(0.0, float(contributions.max()))
    norm = Normalize(low, high if high > low else 1.0)
    limits = axes.get_xlim(), axes.get_ylim()
    n_rows, n_columns = contributions.shape
    axes.imshow(
        np.ma.masked_equal(contributions, 0),
        cmap=_COLORMAP,
        norm=norm,
        alpha=_OPACITY,
        interpolation="nearest",
        extent=(
            -0.5,
            n_columns * pixels_per_position - 0.5,
            n_rows * pixels_per_position - 0.5,
            -0.5,
        ),
    )
    axes.set(xlim=limits[0], ylim=limits[1])
    bar = axes.figure.colorbar(
        ScalarMappable(norm, _COLORMAP), ax=axes, alpha=_OPACITY, label="contribution to the logit"
    )
    bar.outline.set_visible(False)
