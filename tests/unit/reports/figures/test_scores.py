"""Scores as dots: one row a configuration, whiskers, what was published."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports import figures
from reports.figures.canvas import NARROW_WIDTH
from tests.helpers.artists import is_whole, read_points, read_whiskers
from tests.helpers.report_frames import OFFICIAL, make_comparison

FRAME = make_comparison({"cnn-config-1": 0.94, "n" * 50: 0.9}).assign(model=["a = b", "n"])


def draw(frame: pd.DataFrame) -> Axes:
    (axes,) = figures.draw_scores(frame, data=OFFICIAL).axes
    return axes


def test_draw_scores_has_three_scores_with_intervals_a_row() -> None:
    axes = draw(FRAME.assign(test_weighted_f1=[0.95, 0.91], test_macro_f1_low=[0.92, 0.89]))
    first, second = axes.containers[:3], axes.containers[3:]
    (_, weighted, macro), (_, second_weighted, second_macro) = (
        [read_whiskers(container) for container in row] for row in (first, second)
    )
    np.testing.assert_allclose(weighted.points, [[95, 0]])
    np.testing.assert_allclose(second_weighted.points, [[91, 1]])
    np.testing.assert_allclose(macro.points, [[94, 0.22]])
    np.testing.assert_allclose(second_macro.points, [[90, 1.22]])
    np.testing.assert_allclose(macro.ends[0, :, 0], [92, 95])


def test_draw_scores_legend_names_each_score_once() -> None:
    labels = draw(FRAME).get_legend_handles_labels()[1]
    assert labels == ["macro precision", "weighted F1", "macro F1"]


def test_draw_scores_marks_have_the_model_of_their_row() -> None:
    figure = figures.draw_scores(FRAME, data=OFFICIAL)
    marks = [(mark.model, mark.tips[0].split("\n")) for mark in figure.marks if mark.tips]
    assert [model for model, _ in marks] == ["a = b"] * 3 + ["n"] * 3
    assert [name for _, (name, _) in marks] == ["cnn-config-1"] * 3 + ["n" * 50] * 3
    assert marks[2][1][1].startswith("macro F1 94.00%")


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
    (diamond,) = (line for line in axes.lines if line.get_markerfacecolor() == "none")
    np.testing.assert_allclose(read_points(diamond), [[94.19, 0]])
    assert diamond.get_marker() == "D"
    nothing = draw(FRAME.assign(published_weighted_f1=np.nan))
    assert not [line for line in nothing.lines if line.get_markerfacecolor() == "none"]


def test_draw_scores_narrow_fits_a_phone() -> None:
    frame = FRAME.assign(published_weighted_f1=[0.9419, np.nan])
    figure = figures.draw_scores(frame, data=OFFICIAL, narrow=True)
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
