"""The forest plot of effects: a point and an interval a contrast, from top to bottom."""

import numpy as np

from reports import figures
from tests.helpers.artists import read_whiskers
from tests.helpers.report_frames import OFFICIAL, make_effects

FRAME = make_effects(contrast_label=["x", "y", "z"], family_label=["all", "all", "CNN"])


def test_draw_effects_has_a_point_and_an_interval_a_row() -> None:
    (axes,) = figures.draw_effects(FRAME, data=OFFICIAL).axes
    (container,) = axes.containers
    whiskers = read_whiskers(container)
    np.testing.assert_allclose(whiskers.points, [[6.12, 0.0], [-0.43, 1.0], [0.0, 2.0]])
    np.testing.assert_allclose(whiskers.ends[0, :, 0], [5, 7])
    assert axes.get_ylim() == (2.5, -0.5)


def test_draw_effects_labels_name_the_family_unless_all() -> None:
    (axes,) = figures.draw_effects(FRAME, data=OFFICIAL, xlabel="across").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y", "z (CNN)"]
    assert axes.get_xlabel() == "across"


def test_draw_effects_for_a_phone_has_its_axis_label_above_the_name_of_the_data() -> None:
    figure = figures.draw_effects(FRAME, data=OFFICIAL, narrow=True)
    figures.render_svg(figure)
    (axes,), (data_text,) = figure.axes, figure.texts
    label_box, data_box = (text.get_window_extent() for text in (axes.xaxis.label, data_text))
    assert label_box.y0 >= data_box.y1
    assert label_box.x0 >= 0
