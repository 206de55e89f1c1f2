"""The map of evidence: its place on the image, its colors, and its color bar."""

from typing import cast

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from reports import figures
from tests.helpers.report_frames import OFFICIAL, SYNTHETIC

IMAGE = np.full((30, 30, 3), 255, np.uint8)
CONTRIBUTIONS = np.zeros((8, 8), np.float32)
CONTRIBUTIONS[0, 7], CONTRIBUTIONS[3, 1] = 2.0, -0.5


def draw(
    contributions: NDArray[np.float32] = CONTRIBUTIONS, image: NDArray[np.uint8] = IMAGE
) -> figures.MarkedFigure:
    return figures.draw_evidence(
        image, contributions, 4, title="1 eosinophil", source="a model", data=OFFICIAL
    )


def get_map(figure: figures.MarkedFigure) -> tuple[Axes, AxesImage]:
    axes = figure.axes[1]
    return axes, axes.images[1]


def test_draw_evidence_covers_each_position_and_no_more_than_the_image() -> None:
    axes, evidence = get_map(draw())
    assert tuple(evidence.get_extent()) == (-0.5, 31.5, 31.5, -0.5)
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 29.5), (29.5, -0.5))
    values = cast(np.ma.MaskedArray[tuple[int, int], np.dtype[np.float32]], evidence.get_array())
    assert list(zip(*np.nonzero(~values.mask), strict=True)) == [(0, 7), (3, 1)]
    assert values[0, 7] == 2


@pytest.mark.parametrize(
    ("values", "limits"), [((2.0, -0.5), (-0.5, 2)), ((2.0, 1.0), (0, 2)), ((-3.0, -1.0), (-3, 0))]
)
def test_draw_evidence_range_of_colors_includes_0(
    values: tuple[float, float], limits: tuple[float, float]
) -> None:
    figure = draw(np.array([values], np.float32))
    _, evidence = get_map(figure)
    assert evidence.get_clim() == limits
    assert figure.axes[2].get_ylim() == limits
    assert figure.axes[2].get_ylabel() == "contribution to the logit"


def test_draw_evidence_without_contributions_renders() -> None:
    figure = draw(np.zeros((8, 8), np.float32))
    assert get_map(figure)[1].get_clim() == (0, 1)
    assert figures.render_png(figure).startswith(b"\x89PNG")


def test_draw_evidence_gray_image_is_gray() -> None:
    pixels = np.zeros((30, 30, 1), np.uint8)
    pixels[0, 1] = 255
    figure = draw(image=pixels)
    original, below_map = figure.axes[0].images[0], figure.axes[1].images[0]
    assert original.get_cmap().name == below_map.get_cmap().name == "gray"
    np.testing.assert_allclose(np.asarray(original.get_array())[0, :3], [0, 1, 0])
    pale = np.asarray(below_map.get_array())
    assert 0 < pale[0, 0] < pale[0, 1] == 1


def test_draw_evidence_strip_names_the_source_and_synthetic_data_have_a_watermark() -> None:
    figure = figures.draw_evidence(
        IMAGE, CONTRIBUTIONS, 4, title="1 $x$", source="a model", data=SYNTHETIC
    )
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["a model", "SYNTHETIC", "1 $x$"]
