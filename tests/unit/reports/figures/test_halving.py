"""The learning curves of a search: where each ended, rungs, which was best."""

import pytest

from reports import figures
from reports.figures import colors
from reports.figures.canvas import NARROW_WIDTH
from tests.helpers.artists import is_whole, read_points
from tests.helpers.report_frames import OFFICIAL
from tests.helpers.search_frames import make_search_analysis

SEARCH = make_search_analysis()


def test_draw_halving_has_a_curve_a_trial_and_a_point_at_its_end() -> None:
    (axes,) = figures.draw_halving(SEARCH.curves, SEARCH.trials, (1, 2), data=OFFICIAL).axes
    curves, ends = axes.lines[:12:2], axes.lines[1:12:2]
    assert [len(read_points(curve)) for curve in curves] == [4, 4, 1, 4, 1, 2]
    assert [read_points(end)[:, 0].tolist() for end in ends] == [[4], [4], [1], [4], [1], [2]]
    assert read_points(ends[3])[0, 1] == pytest.approx(94)
    curve_colors = [curve.get_color() for curve in curves]
    assert curve_colors == [
        *(colors.BLUE, colors.BLUE, colors.GRAY, colors.VERMILLION, colors.GRAY, colors.GRAY)
    ]


def test_draw_halving_rungs_have_the_number_of_trials() -> None:
    (axes,) = figures.draw_halving(SEARCH.curves, SEARCH.trials, (1, 2), data=OFFICIAL).axes
    assert [(text.get_position()[0], text.get_text()) for text in axes.texts] == [
        (1, "6"),
        (2, "4"),
    ]


def test_draw_halving_without_a_value_or_a_rung_marks_none() -> None:
    trials = SEARCH.trials.assign(value=float("nan"), state="failed")
    figure = figures.draw_halving(SEARCH.curves, trials, (), data=OFFICIAL)
    (axes,) = figure.axes
    assert {curve.get_color() for curve in axes.lines[:12]} == {colors.GRAY}
    assert not axes.texts
    figure.draw_without_rendering()


def test_draw_halving_narrow_fits_a_phone() -> None:
    figure = figures.draw_halving(SEARCH.curves, SEARCH.trials, (1, 2), data=OFFICIAL, narrow=True)
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
