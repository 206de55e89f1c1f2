"""Configurations with the bars of the groups that were not separated."""

import numpy as np

from reports import figures
from tests.helpers.artists import read_points, read_whiskers
from tests.helpers.report_frames import OFFICIAL, make_comparison

FRAME = make_comparison({"cnn-config-1": 0.94, "b": 0.935, "c": 0.87})


def test_draw_groups_has_means_with_intervals_and_a_bar_a_group() -> None:
    figure = figures.draw_groups(FRAME, [["cnn-config-1", "b"], ["b", "c"]], data=OFFICIAL)
    axes, group_axes = figure.axes
    whiskers = read_whiskers(axes.containers[0])
    np.testing.assert_allclose(whiskers.points, [[94.0, 0.0], [93.5, 1.0], [87.0, 2.0]])
    np.testing.assert_allclose(whiskers.ends[2, :, 0], [86, 88])
    first_bar, first_dots, second_bar, second_dots = group_axes.lines
    np.testing.assert_allclose(read_points(first_bar), [[0, -0.3], [0, 1.3]])
    np.testing.assert_allclose(read_points(first_dots), [[0, 0], [0, 1]])
    np.testing.assert_allclose(read_points(second_bar), [[1, 0.7], [1, 2.3]])
    np.testing.assert_allclose(read_points(second_dots), [[1, 1], [1, 2]])


def test_draw_groups_labels_have_name_loss_and_optimizer() -> None:
    axes = figures.draw_groups(FRAME, [], data=OFFICIAL).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == 3
    assert labels[0].split("   ") == ["cnn-config-1", "CrossEntropy + SGD"]
    assert axes.get_ylim() == (2.5, -0.5)
