"""The history of a search and the expected best: points, steps, crosses."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports import figures
from reports.analysis.search_effort import compute_expected_best
from reports.figures.canvas import NARROW_WIDTH
from tests.helpers.artists import is_whole, read_bands, read_points
from tests.helpers.report_frames import OFFICIAL
from tests.helpers.search_frames import make_search_analysis

TRIALS = make_search_analysis().trials


def draw_history(trials: pd.DataFrame) -> tuple[Axes, dict[str, Line2D]]:
    """Return the axes, and what is drawn by its label."""
    (axes,) = figures.draw_history(trials, data=OFFICIAL).axes
    return axes, {str(line.get_label()): line for line in axes.lines}


def test_draw_history_has_a_mark_a_trial_by_state() -> None:
    axes, lines = draw_history(TRIALS)
    points = {state: read_points(lines[state]).tolist() for state in ("complete", "pruned")}
    assert points["complete"] == [[0, 90], [1, 92], [3, 94]]
    assert points["pruned"] == [[2, 30], [5, 65]]
    best_so_far, *_ = axes.lines
    np.testing.assert_allclose(read_points(best_so_far)[:, 1], [90, 92, 92, 94, 94, 94])


def test_draw_history_rings_the_baselines_and_crosses_what_has_no_value() -> None:
    axes, _ = draw_history(TRIALS)
    rings = [line for line in axes.lines if line.get_markersize() == 10]
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert read_points(rings[0])[:, 0].tolist() == [0, 1]
    assert read_points(crosses[0]).tolist() == [[4, axes.get_ylim()[0]]]


def test_draw_history_states_that_do_not_occur_are_not_in_the_legend() -> None:
    _, lines = draw_history(TRIALS[TRIALS["state"] == "pruned"])
    assert "pruned" in lines
    assert not {"complete", "cut short"} & lines.keys()


def test_draw_expected_best_has_band_mean_and_the_search() -> None:
    trials = TRIALS[TRIALS["value"].notna()]
    expected = compute_expected_best(trials["value"].to_numpy())
    (axes,) = figures.draw_expected_best(expected, trials, data=OFFICIAL).axes
    mean, search = axes.lines
    np.testing.assert_allclose(read_points(mean)[:, 1], expected["expected"] * 100)
    np.testing.assert_allclose(read_points(search)[-1], [5, 94])
    (corners,) = read_bands(axes)
    assert corners[:, 1].min() == pytest.approx(expected["low"].min() * 100)
    assert corners[:, 1].max() == pytest.approx(94)


def test_draw_history_narrow_fits_a_phone() -> None:
    figure = figures.draw_history(TRIALS, data=OFFICIAL, narrow=True)
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)


def test_draw_expected_best_narrow_fits_a_phone() -> None:
    trials = TRIALS[TRIALS["value"].notna()]
    expected = compute_expected_best(trials["value"].to_numpy())
    figure = figures.draw_expected_best(expected, trials, data=OFFICIAL, narrow=True)
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
