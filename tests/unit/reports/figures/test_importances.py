"""Importances: a panel a group, a line a setting, a dot a rung."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports import figures
from reports.figures.canvas import NARROW_WIDTH
from tests.helpers.artists import is_whole, read_points, read_segments
from tests.helpers.report_frames import OFFICIAL

FRAME = pd.DataFrame(
    [
        ("All", 1, "Dropout", 0.2),
        ("All", 1, "Learning rate", 0.8),
        ("All", 3, "Dropout", 0.4),
        ("All", 3, "Learning rate", 0.6),
        ("CNN, SGD", 1, "Momentum", 1.0),
    ],
    columns=["trial_group", "rung", "setting_text", "importance"],
).assign(importance_low=0.1, importance_high=0.9, importance_null=0.3)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return figures.draw_importances(FRAME, data=OFFICIAL)


def test_draw_importances_has_a_panel_a_group(figure: Figure) -> None:
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["All", "CNN, SGD"]
    labels = [[text.get_text() for text in axes.get_yticklabels()] for axes in figure.axes]
    assert labels == [["Dropout", "Learning rate"], ["Momentum"]]


def test_draw_importances_has_a_dot_and_an_interval_a_rung(figure: Figure) -> None:
    first_rung, second_rung = map(read_points, figure.axes[0].lines[:2])
    np.testing.assert_allclose(first_rung[:, 0], [20, 80])
    np.testing.assert_allclose(second_rung[:, 0], [40, 60])
    assert (first_rung[:, 1] < second_rung[:, 1]).all()
    intervals = read_segments(figure.axes[0].collections[0])
    np.testing.assert_allclose(intervals[0, :, 0], [10, 90])


def test_draw_importances_has_a_bar_of_the_importance_without_effect(figure: Figure) -> None:
    widths = [patch.get_width() for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    np.testing.assert_allclose(widths, [30] * 4)


def test_draw_importances_legend_has_every_rung_once(figure: Figure) -> None:
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.split()[-1] for text in texts] == ["1", "3"]


def test_draw_importances_narrow_fits_a_phone() -> None:
    figure = figures.draw_importances(FRAME, data=OFFICIAL, narrow=True)
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
