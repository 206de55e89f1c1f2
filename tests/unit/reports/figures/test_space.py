"""Where a search found what: the map and the parallel coordinates."""

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import figures
from reports.analysis.search_trials import select_at_rung
from reports.figures.canvas import NARROW_WIDTH
from reports.ledger.search_record import SearchRecord
from tests.helpers.artists import is_whole, read_offsets, read_points
from tests.helpers.report_frames import OFFICIAL
from tests.helpers.search_builder import RESNET_SPACE
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_search_analysis

SEARCH = make_search_analysis()
AT_RUNG = select_at_rung(SEARCH.trials[SEARCH.trials["value"].notna()], SEARCH.curves, 2)


def draw_parallel(frame: pd.DataFrame, record: SearchRecord) -> Figure:
    return figures.draw_parallel_coordinates(frame, record, rung=2, data=OFFICIAL)


def list_axis_names(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_draw_search_space_has_a_panel_a_combination_with_its_trials() -> None:
    stopped, failed = SEARCH.trials.loc[[2]], SEARCH.trials.loc[[4]]
    best_first = AT_RUNG.sort_values("value_at_rung", ascending=False)
    figure = figures.draw_search_space(best_first, stopped, failed, rung=2, data=OFFICIAL)
    adam, sgd, colorbar = figure.axes
    assert [axes.get_title(loc="left") for axes in (adam, sgd)] == [
        "CNN, Adam: 3 trials",
        "CNN, SGD: 3 trials",
    ]
    points = [read_offsets(part) for part in adam.collections]
    np.testing.assert_allclose(points[0], [[0.003, 0.3]])  # stopped
    np.testing.assert_allclose(points[1], [[0.002, 0.2], [0.004, 0.4]])  # the best on top
    np.testing.assert_allclose(points[2], [[0.002, 0.2]])  # the ring of the baseline
    np.testing.assert_allclose(read_offsets(sgd.collections[-1]), [[0.005, 0.5]])
    assert adam.get_xscale() == "log"
    assert adam.get_xlim() == sgd.get_xlim()
    assert "2" in colorbar.get_ylabel()


def test_draw_search_space_without_stopped_or_failed_trials_has_the_others() -> None:
    nothing = SEARCH.trials.iloc[:0]
    figure = figures.draw_search_space(
        AT_RUNG.assign(value_at_rung=0.9), nothing, nothing, rung=1, data=OFFICIAL
    )
    sizes = [sum(len(read_offsets(part)) for part in axes.collections) for axes in figure.axes[:2]]
    assert sizes == [3, 3]  # two trials and a ring each
    figure.draw_without_rendering()


def test_draw_parallel_coordinates_has_a_line_a_trial_the_best_on_top() -> None:
    axes = draw_parallel(AT_RUNG, SMALL_SEARCH_RECORD).axes[0]
    lines = axes.lines[: len(AT_RUNG)]
    heights = np.array([read_points(line)[:, 1] for line in lines])
    names = list_axis_names(draw_parallel(AT_RUNG, SMALL_SEARCH_RECORD))
    assert names[:-1] == ["Optimizer", "Learning rate", "Momentum", "Dropout"]
    assert heights.shape == (4, 5)
    np.testing.assert_allclose(heights[[0, -1], -1], [0, 1])
    assert (np.diff(heights[:, -1]) > 0).all()
    # The best ran with Adam, without momentum, at a rate of 0.004 between 1e-5 and 0.1.
    np.testing.assert_allclose(heights[-1, 0], 1)
    np.testing.assert_allclose(heights[-1, 1], (np.log10(0.004) + 5) / 4)
    assert heights[-1, 2] < 0


def test_draw_parallel_coordinates_families_have_an_axis_if_they_are_several() -> None:
    record = replace(SMALL_SEARCH_RECORD, families=("mlnn", "cnn"), optimizers=("adam",))
    frame = AT_RUNG.assign(family=["mlnn", "cnn", "cnn", "mlnn"], momentum=np.nan)
    names = list_axis_names(draw_parallel(frame, record))
    assert names[:-1] == ["Family", "Learning rate", "Dropout"]


def test_draw_parallel_coordinates_of_residual_networks_have_their_axes() -> None:
    frame = AT_RUNG.assign(weight_decay=0.1, label_smoothing=0.1, width=36)
    record = replace(SMALL_SEARCH_RECORD, resnet=RESNET_SPACE)
    figure = draw_parallel(frame, record)
    assert list_axis_names(figure)[4:-1] == ["Weight\ndecay", "Label\nsmoothing", "Width"]
    line = read_points(figure.axes[0].lines[0])[:, 1]
    np.testing.assert_allclose(line[4:7], [2 / 3, 0.5, 0.5])


def test_draw_parallel_coordinates_of_settings_without_a_range_can_be_drawn() -> None:
    record = replace(SMALL_SEARCH_RECORD, learning_rate=(1e-3, 1e-3), dropout=(0.2, 0.2))
    frame = AT_RUNG.assign(learning_rate=1e-3, dropout=0.2, value_at_rung=0.9)
    figure = draw_parallel(frame, record)
    line = read_points(figure.axes[0].lines[0])[:, 1]
    assert line[[1, 3]].tolist() == [0, 0]
    figure.draw_without_rendering()


def test_draw_search_space_narrow_has_one_panel_below_the_other_and_fits_a_phone() -> None:
    stopped, failed = SEARCH.trials.loc[[2]], SEARCH.trials.loc[[4]]
    figure = figures.draw_search_space(AT_RUNG, stopped, failed, rung=2, data=OFFICIAL, narrow=True)
    upper, lower = (axes.get_position() for axes in figure.axes[:2])
    assert upper.y0 > lower.y1
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
