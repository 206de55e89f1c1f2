"""The SVG of a figure as a part of the page."""

from xml.etree import ElementTree as ET

import pytest
from matplotlib.axes import Axes

from reports import figures
from reports.figures import canvas, colors
from reports.page.render import TEMPLATE_FOLDER
from tests.helpers.report_frames import OFFICIAL, SYNTHETIC, make_effects

SVG = "{http://www.w3.org/2000/svg}"


def make_panel() -> tuple[figures.MarkedFigure, Axes]:
    figure, (axes,) = canvas.make_panels(1, width=4, height=1, data=OFFICIAL)
    return figure, axes


def inline(figure: figures.MarkedFigure, name: str = "f") -> ET.Element:
    svg, _ = figures.render_svg_and_png(figure)
    return ET.fromstring(figures.inline_svg(svg, figure.marks, name=name, label='"<&>"'))


def test_inline_svg_has_attributes_instead_of_styles_and_a_text_alternative() -> None:
    effects = make_effects(contrast_label="a", family_label="all")
    root = inline(figures.draw_effects(effects, data=SYNTHETIC))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == '"<&>"'
    assert "width" not in root.attrib
    assert all("style" not in element.attrib for element in root.iter())
    assert not {f"{SVG}style", f"{SVG}metadata"} & {element.tag for element in root.iter()}


def test_inline_svg_colors_are_variables_of_the_page() -> None:
    figure, axes = make_panel()
    axes.plot([0, 1], [0, 1], color=colors.BLUE)
    paints = {
        element.attrib[key]
        for element in inline(figure).iter()
        for key in ("fill", "stroke")
        if key in element.attrib
    }
    assert "var(--figure-blue)" in paints
    assert all(paint == "none" or paint.startswith("var(--") for paint in paints)


def test_inline_svg_unknown_color_raises_an_error() -> None:
    figure, axes = make_panel()
    axes.plot([0, 1], [0, 1], color="#123456")
    with pytest.raises(ValueError, match="#123456"):
        inline(figure)


def test_inline_svg_ids_begin_with_the_name_of_the_figure() -> None:
    figure, axes = make_panel()
    axes.plot([0, 1], [0, 1], color=colors.BLUE, marker="o")
    root = inline(figure, "history")
    ids = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    links = {
        value.removeprefix("#")
        for element in root.iter()
        for key, value in element.attrib.items()
        if key.endswith("href")
    }
    clips = {
        element.attrib["clip-path"].removeprefix("url(#").removesuffix(")")
        for element in root.iter()
        if "clip-path" in element.attrib
    }
    assert links
    assert clips
    assert links | clips <= ids
    assert all(identifier.startswith("history-") for identifier in ids)


def test_inline_svg_shapes_have_their_texts_in_order_and_artists_their_model() -> None:
    figure, axes = make_panel()
    (dots,) = axes.plot([0, 1], [0, 1], color=colors.BLUE, marker="o", linestyle="none")
    (line,) = axes.plot([0, 1], [1, 0], color=colors.BLUE)
    scattered = axes.scatter([0, 1], [1, 1], color=colors.BLUE)
    figure.mark(dots, model='a "b" <c>', tips=["first", "second & <b>"])
    figure.mark(line, tips=["line"])
    figure.mark(scattered, tips=["left", "right"])
    root = inline(figure)
    tips = [element.attrib["data-tip"] for element in root.iter() if "data-tip" in element.attrib]
    assert sorted(tips) == ["first", "left", "line", "right", "second & <b>"]
    assert tips.index("first") < tips.index("second & <b>")
    models = [element.attrib.get("data-model") for element in root.iter()]
    assert [model for model in models if model] == ['a "b" <c>']


def test_inline_svg_mark_with_too_few_texts_raises_an_error() -> None:
    figure, axes = make_panel()
    (dots,) = axes.plot([0, 1], [0, 1], color=colors.BLUE, marker="o", linestyle="none")
    figure.mark(dots, tips=["only one"])
    with pytest.raises(ValueError, match="zip"):
        inline(figure)


def test_page_colors_are_defined_in_the_style_of_the_page() -> None:
    style = (TEMPLATE_FOLDER / "style.css").read_text(encoding="utf-8")
    for name, color in colors.PAGE_COLORS.items():
        light = "#1d2430" if name == "ink" else color.lower()
        assert f"--{name}: light-dark({light}, " in style
