"""Confusion matrices: rows true, columns predicted, counts and shares."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from reports import figures
from reports.analysis.confusion import analyze_confusion
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import CLASS_LABELS, OFFICIAL, make_test_predictions


@pytest.fixture(scope="module")
def panels() -> list[Axes]:
    """Two seeds of one configuration, one of another."""
    perfect = np.diag(ASYMMETRIC.sum(axis=1))
    matrices = {"cnn-config-1": [ASYMMETRIC] * 2, "$\\frac$": [perfect]}
    frame = analyze_confusion(make_test_predictions(matrices)).matrices
    return figures.draw_confusion_matrices(frame, CLASS_LABELS, data=OFFICIAL).axes


def test_draw_confusion_matrices_true_is_down_and_predicted_across(panels: list[Axes]) -> None:
    texts = {
        (text.get_position()[1], text.get_position()[0]): text.get_text()
        for text in panels[0].texts
    }
    assert texts[(0, 1)] == "80"  # row 0, column 1: two seeds of 40
    assert texts[(0.08, 1)] == "40.00"
    assert texts[(1, 0)] == "0"
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == list(CLASS_LABELS)
    assert [label.get_text() for label in panels[1].get_xticklabels()] == labels


def test_draw_confusion_matrices_shades_are_shares_of_the_row(panels: list[Axes]) -> None:
    shares = np.asarray(panels[0].images[0].get_array())
    np.testing.assert_allclose(shares[0, :3], [0.6, 0.4, 0.0])
    np.testing.assert_allclose(np.asarray(panels[1].images[0].get_array()), np.eye(8))
    assert panels[0].images[0].get_clim() == (0, 1)


def test_draw_confusion_matrices_titles_have_name_and_seeds(panels: list[Axes]) -> None:
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles[0].startswith("cnn-config-1: ")
    assert "2" in titles[0].partition(": ")[2]
    assert titles[1].startswith("$\\frac$: ")
    assert "1" in titles[1].partition(": ")[2]
