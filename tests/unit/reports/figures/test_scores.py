"""Scores as dots: one row a configuration, whiskers, what was published."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports import figures
from tests.helpers.artists import read_points, read_whiskers
from tests.helpers.report_frames import OFFICIAL, make_comparison

FRAME = make_comparison({"cnn-config-1": 0.94, "n" * 50: 0.9})


def draw(frame: pd.DataFrame) -> Axes:
    (axes,) = figures.draw_scores(frame, data=OFFICIAL).axes
    return axes


def test_draw_scores_has_three_scores_with_intervals_a_row() -> None:
    axes = draw(FRAME.assign(test_weighted_f1=[0.95, 0.91], test_macro_f1_low=[0.92, 0.89]))
    precision, weighted, macro = axes.containers
    assert len({container.get_label() for container in (precision, weighted, macro)}) == 3
    np.testing.assert_allclose(read_whiskers(weighted).points, [[95, 0], [91, 1]])
    np.testing.assert_allclose(read_whiskers(macro).points, [[94, 0.22], [90, 1.22]])
    np.testing.assert_allclose(read_whiskers(macro).ends[0, :, 0], [92, 95])


def test_draw_scores_label_says_where_the_axis_starts() -> None:
    axes = draw(FRAME)
    low, high = axes.get_xlim()
    assert low > 0
    assert f"{low:.1f}" in axes.get_xlabel()
    assert f"{high:.1f}" in axes.get_xlabel()


def test_draw_scores_labels_have_a_short_name_loss_and_optimizer() -> None:
    first, second = (label.get_text() for label in draw(FRAME).get_yticklabels())
    assert first == "cnn-config-1\nCrossEntropy + SGD"
    assert second.partition("\n")[0] == "n" * 35 + "…"


def test_draw_scores_published_values_are_open_diamonds() -> None:
    axes = draw(FRAME.assign(published_weighted_f1=[0.9419, np.nan]))
    (diamonds,) = (line for line in axes.lines if line.get_markerfacecolor() == "none")
    np.testing.assert_allclose(read_points(diamonds)[:, 0], [94.19, np.nan])
    assert diamonds.get_marker() == "D"
    nothing = draw(FRAME.assign(published_weighted_f1=np.nan))
    assert not [line for line in nothing.lines if line.get_markerfacecolor() == "none"]
