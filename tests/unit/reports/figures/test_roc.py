"""ROC and precision-recall curves: one line per class or model, cropped axes, bands."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from reports import figures
from reports.analysis.roc_curves import FALSE_POSITIVE_RATES, RECALLS, Curve
from reports.figures import colors
from tests.helpers.report_frames import OFFICIAL


def make_curves(power: float, **columns: Any) -> pd.DataFrame:
    """Return the curves of a class; the lower the power, the better it is separated."""
    curves = {
        Curve.ROC: (FALSE_POSITIVE_RATES, FALSE_POSITIVE_RATES**power),
        Curve.PRECISION_RECALL: (RECALLS, 1 - RECALLS ** (1 / power) / 2),
    }
    frames = [pd.DataFrame({"curve": str(c), "x": x, "y": y}) for c, (x, y) in curves.items()]
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(low=frame["y"] - 0.01, high=frame["y"] + 0.01, **columns)


def make_areas(n_classes: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": range(n_classes),
            "class_label": [f"{c} $c$" for c in range(n_classes)],
            "auc": 0.9,
            "average_precision": 0.8,
            "has_band": [c == 0 for c in range(n_classes)],
        }
    )


def list_lines(axes: Axes) -> list[Line2D]:
    """Return the curves, without the invisible points that have texts."""
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def test_draw_class_curves_has_a_style_for_each_class_and_one_band() -> None:
    curves = pd.concat([make_curves(0.01 * (c + 1), **{"class": c}) for c in range(8)])
    figure = figures.draw_class_curves(curves, make_areas(8), data=OFFICIAL)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 8
    for axes in figure.axes:
        styles = {(to_hex(line.get_color()), line.get_linestyle()) for line in list_lines(axes)}
        assert len(styles) == 8
        assert len(axes.collections) == 1
    roc, precision_recall = figure.axes
    np.testing.assert_allclose(
        np.asarray(roc.lines[0].get_xdata(), float), FALSE_POSITIVE_RATES * 100
    )
    assert {line.get_drawstyle() for line in list_lines(roc)} == {"default"}
    assert {line.get_drawstyle() for line in list_lines(precision_recall)} == {"steps-pre"}


@pytest.mark.parametrize(("power", "end"), [(0.001, 1), (0.04, 10), (1.0, 100)])
def test_draw_class_curves_crops_the_axes_and_says_so(power: float, end: float) -> None:
    curves = make_curves(power, **{"class": 0})
    roc, precision_recall = figures.draw_class_curves(curves, make_areas(1), data=OFFICIAL).axes
    assert roc.get_xlim()[1] == end
    assert (str(end) in roc.get_xlabel()) == (end < 100)
    for axes in (roc, precision_recall):
        assert axes.get_ylim()[0] <= 90
        assert axes.get_ylim()[1] > 100
    start = precision_recall.get_xlim()[0]
    assert 0 <= start <= 90
    assert (f"{start:g}" in precision_recall.get_xlabel()) == (start > 0)


def test_draw_model_curves_has_a_panel_for_each_class_and_a_color_for_each_family() -> None:
    curves = pd.concat(
        [
            make_curves(power, configuration=name, family=family, class_label=class_label)
            for class_label in ("a", "b", "c")
            for name, family, power in (
                ("m1", "mlnn", 0.2),
                ("m2", "mlnn", 0.1),
                ("c1", "cnn", 0.05),
            )
        ]
    )
    figure = figures.draw_model_curves(curves, ["b", "a"], data=OFFICIAL)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["b", "a"]
    for axes in figure.axes:
        styles = [(line.get_color(), line.get_linestyle()) for line in list_lines(axes)]
        red, blue = (colors.get_family_style(family)[0] for family in ("mlnn", "cnn"))
        assert styles == [(red, "-"), (red, "--"), (blue, "-")]
    tips = [tip for mark in figure.marks for tip in mark.tips]
    assert {mark.model for mark in figure.marks} == {"m1", "m2", "c1"}
    assert all(tip.partition("\n")[0] in {"m1", "m2", "c1"} for tip in tips)


def test_draw_model_curves_of_one_family_has_a_color_for_each_model() -> None:
    names = [f"r{i}" for i in range(len(colors.MODEL_COLORS))]
    curves = pd.concat(
        [make_curves(0.1, configuration=name, family="resnet", class_label="a") for name in names]
    )
    (axes,) = figures.draw_model_curves(curves, ["a"], data=OFFICIAL).axes
    assert [line.get_color() for line in list_lines(axes)] == list(colors.MODEL_COLORS)


def test_draw_class_curves_can_be_a_part_of_the_page() -> None:
    curves = pd.concat([make_curves(0.01 * (c + 1), **{"class": c}) for c in range(8)])
    figure = figures.draw_class_curves(curves, make_areas(8), data=OFFICIAL)
    svg, _ = figures.render_svg_and_png(figure)
    element = figures.inline_svg(svg, figure.marks, name="roc", label="ROC")
    assert element.count("data-tip=") == sum(len(mark.tips) for mark in figure.marks) > 0


def test_draw_class_curves_for_a_phone_has_one_panel_below_the_other() -> None:
    curves = pd.concat([make_curves(0.01 * (c + 1), **{"class": c}) for c in range(8)])
    areas = make_areas(8).assign(class_label="3 immature granulocytes")
    figure = figures.draw_class_curves(curves, areas, data=OFFICIAL, narrow=True)
    figures.render_svg(figure)
    roc, precision_recall = (axes.get_position() for axes in figure.axes)
    assert roc.y0 > precision_recall.y1
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1
