"""Models with the bars of the groups that do not differ or are equivalent."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports import figures
from tests.helpers.artists import read_points, read_whiskers
from tests.helpers.report_frames import OFFICIAL, make_comparison

FRAME = make_comparison({"cnn-config-1": 0.94, "b": 0.935, "c": 0.87}).assign(
    method=["CrossEntropy + SGD", "x", "y"]
)


def read_groups(axes: Axes) -> tuple[list[Line2D], list[list[float]]]:
    """Return the bars of the groups, and the coordinates of all dots."""
    bars = [line for line in axes.lines if line.get_linestyle() != "None"]
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    return bars, [point for line in dots for point in read_points(line).tolist()]


def test_draw_ranking_has_means_with_intervals_and_a_bar_a_group() -> None:
    groups = [["cnn-config-1", "b"], ["b", "c"]]
    figure = figures.draw_ranking(FRAME, groups, [], data=OFFICIAL)
    axes, group_axes = figure.axes
    whiskers = [read_whiskers(container) for container in axes.containers]
    points = [model.points[0] for model in whiskers]
    np.testing.assert_allclose(points, [[94.0, 0.0], [93.5, 1.0], [87.0, 2.0]])
    np.testing.assert_allclose(whiskers[2].ends[0, :, 0], [86, 88])
    (first_bar, second_bar), dots = read_groups(group_axes)
    np.testing.assert_allclose(read_points(first_bar), [[0, -0.3], [0, 1.3]])
    np.testing.assert_allclose(read_points(second_bar), [[1, 0.7], [1, 2.3]])
    assert dots == [[0, 0], [0, 1], [1, 1], [1, 2]]


def test_draw_ranking_has_a_color_and_a_marker_for_each_family() -> None:
    frame = FRAME.assign(family=["cnn", "mlnn", "cnn"])
    figure = figures.draw_ranking(frame, [], [], data=OFFICIAL)
    lines = [container.get_children()[0] for container in figure.axes[0].containers]
    styles = [(line.get_color(), line.get_marker()) for line in lines if isinstance(line, Line2D)]
    assert styles[0] == styles[2] != styles[1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["CNN", "MLNN"]


def test_draw_ranking_marks_have_the_model_its_score_and_its_interval() -> None:
    figure = figures.draw_ranking(FRAME, [], [], data=OFFICIAL)
    assert {mark.model for mark in figure.marks} == {"cnn-config-1", "b", "c"}
    (tip,) = next(mark.tips for mark in figure.marks if mark.tips)
    assert "cnn-config-1" in tip
    assert "94.00%" in tip
    assert "93.00 to 95.00" in tip


def test_draw_ranking_dots_of_a_group_have_their_model() -> None:
    figure = figures.draw_ranking(FRAME, [["b", "c"]], [], data=OFFICIAL)
    model_by_id = {mark.artist.get_gid(): mark.model for mark in figure.marks}
    dots = [line for line in figure.axes[1].lines if line.get_gid()]
    assert [model_by_id[dot.get_gid()] for dot in dots] == ["b", "c"]


def test_draw_ranking_has_thick_bars_of_equivalent_models_beside_thin_ones() -> None:
    tied_groups, equivalent_groups = [["cnn-config-1", "b"], ["c"]], [["cnn-config-1", "b"]]
    figure = figures.draw_ranking(FRAME, tied_groups, equivalent_groups, data=OFFICIAL)
    bars, dots = read_groups(figure.axes[1])
    assert [read_points(bar)[0][0] for bar in bars] == [0, 1, 2]
    np.testing.assert_allclose(read_points(bars[2]), [[2, -0.3], [2, 1.3]])
    assert dots[-2:] == [[2, 0], [2, 1]]
    widths = [bar.get_linewidth() for bar in bars]
    assert widths[0] == widths[1] < widths[2]
    without = figures.draw_ranking(FRAME, tied_groups, [], data=OFFICIAL).axes[1]
    assert len(read_groups(without)[0]) == 2
    assert without.get_title(loc="right") != figure.axes[1].get_title(loc="right")


def test_draw_ranking_labels_have_name_loss_and_optimizer() -> None:
    axes = figures.draw_ranking(FRAME, [], [], data=OFFICIAL).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == 3
    assert labels[0].split("   ") == ["cnn-config-1", "CrossEntropy + SGD"]
    assert axes.get_ylim() == (2.5, -0.5)


def test_draw_ranking_without_a_group_has_no_panel_of_bars() -> None:
    assert len(figures.draw_ranking(FRAME.head(1), [], [], data=OFFICIAL).axes) == 1
