"""What every figure shares: the strip that names the data, panels, scales, rendering."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bloodnets.metrics import FloatArray
from reports import figures
from reports.figures import canvas
from reports.format.text import DataLabel
from tests.helpers.report_frames import OFFICIAL, SYNTHETIC, make_effects

EFFECTS = make_effects(contrast_label="$\\frac$ <odd>", family_label="all")


@pytest.mark.parametrize("data", [OFFICIAL, SYNTHETIC])
def test_make_blank_figure_names_the_data_in_its_strip(data: DataLabel) -> None:
    figure = canvas.make_blank_figure(7.2, 3.6, data)
    assert figure.texts[0].get_text() == data.short_line
    assert tuple(figure.get_size_inches()) == (7.2, 3.6)


@pytest.mark.parametrize(("width", "height"), [(7.2, 3.6), (4, 1.2), (5, 14)])
def test_make_blank_figure_of_synthetic_cells_has_a_pale_watermark_within(
    width: float, height: float
) -> None:
    assert len(canvas.make_blank_figure(width, height, OFFICIAL).texts) == 1
    figure = canvas.make_blank_figure(width, height, SYNTHETIC)
    _, watermark = figure.texts
    assert watermark.get_text() == SYNTHETIC.warning
    assert watermark.get_alpha() == pytest.approx(0.15)
    FigureCanvasAgg(figure)
    box, page = watermark.get_window_extent(), figure.bbox
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= page.x1
    assert box.y1 <= page.y1
    assert box.width > page.width / 3


@pytest.mark.parametrize("n_panels", [1, 2, 3, 5])
def test_label_outer_axes_any_number_of_panels_has_its_axes_named(n_panels: int) -> None:
    figure, panels = canvas.make_panels(n_panels, width=4, height=1, data=OFFICIAL)
    canvas.label_outer_axes(figure, panels, "across", "up")
    numbers = range(n_panels)
    assert figure.axes == panels
    assert [bool(axes.get_xlabel()) for axes in panels] == [i >= n_panels - 2 for i in numbers]
    assert [bool(axes.get_ylabel()) for axes in panels] == [i % 2 == 0 for i in numbers]
    assert figure.get_size_inches()[1] == pytest.approx((n_panels + 1) // 2 + 0.4)


def test_set_panel_title_shortens_a_long_name() -> None:
    _, (axes,) = canvas.make_panels(1, width=4, height=1, data=OFFICIAL)
    canvas.set_panel_title(axes, "n" * 99, "detail")
    title = axes.get_title() or axes.get_title(loc="left")
    assert title == f"{'n' * 35}…: detail"


@pytest.mark.parametrize(
    ("text", "max_length", "shortened"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, "")],
)
def test_shorten_cuts_to_the_length(text: str, max_length: int, shortened: str) -> None:
    assert canvas.shorten(text, max_length) == shortened


def test_add_legend_lists_what_has_whiskers_first() -> None:
    _, (axes,) = canvas.make_panels(1, width=4, height=1, data=OFFICIAL)
    axes.plot([0], [0], label="line")
    axes.errorbar([0], [0], yerr=[1], label="whiskers")
    figure = axes.get_figure(root=True)
    assert figure is not None
    canvas.add_legend(figure, axes, n_columns=2)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["whiskers", "line"]


def test_select_ticks_are_within_the_limits() -> None:
    assert canvas.select_ticks(79.5, 91) == [80, 85, 90]
    assert canvas.select_ticks(91, 91.5) == []


def test_stretched_scale_grows_towards_100_and_has_an_inverse() -> None:
    scale: tuple[Callable[[FloatArray], FloatArray], ...] = canvas.STRETCHED_SCALE
    forward, inverse = scale
    percent = np.array([0.0, 50.0, 89.0, 90.0, 98.0, 99.0, 100.0])
    positions = forward(percent)
    np.testing.assert_allclose(inverse(positions), percent, atol=1e-9)
    steps = np.diff(positions)
    assert (steps > 0).all()
    assert steps[4] > 3 * steps[2]  # 98 to 99, and 89 to 90


def test_stretch_y_axis_shows_all_points_up_to_100() -> None:
    _, (axes,) = canvas.make_panels(1, width=4, height=1, data=OFFICIAL)
    axes.plot([0, 1], [60.0, 99.0])
    canvas.stretch_y_axis(axes)
    low, high = axes.get_ylim()
    assert low == pytest.approx(60 - 3.9)
    assert high == pytest.approx(99.3)
    assert axes.get_yticks().tolist() == [60, 70, 80, 85, 90, 92, 94, 96, 98, 99]


def test_render_figure_twice_gives_equal_bytes_and_keeps_the_settings() -> None:
    settings = dict(rcParams)
    first, second = (
        figures.render_svg_and_png(figures.draw_effects(EFFECTS, data=SYNTHETIC)) for _ in range(2)
    )
    assert first == second
    assert dict(rcParams) == settings
    svg, png = first
    assert figures.render_png(figures.draw_effects(EFFECTS, data=SYNTHETIC)) == png
    assert svg.startswith(b"<?xml")
    height, width, _ = imread(io.BytesIO(png)).shape
    assert width == 7.2 * 160
    assert height == pytest.approx((1.15 + 0.34 * 3) * 160, abs=1)


def test_render_svg_and_png_lays_a_figure_out_once() -> None:
    laid_out = []

    class CountingEngine(ConstrainedLayoutEngine):
        def execute(self, fig: Figure) -> None:
            laid_out.append(fig)
            super().execute(fig)

    figure, (axes,) = canvas.make_panels(1, width=4, height=1, data=OFFICIAL)
    axes.plot([0], [0])
    figure.set_layout_engine(CountingEngine())
    canvas.render_svg_and_png(figure)
    assert laid_out == [figure]


def test_render_svg_positions_of_axes_are_rounded() -> None:
    figure, _ = canvas.make_panels(3, width=7.0, height=1.7, data=OFFICIAL)
    figures.render_svg(figure)
    for axes in figure.axes:
        bounds = np.array(axes.get_position().bounds)
        np.testing.assert_allclose(bounds, bounds.round(6), rtol=0, atol=1e-12)
