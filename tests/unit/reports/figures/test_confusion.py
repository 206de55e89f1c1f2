"""Confusion matrices: rows true, columns predicted, counts and shares."""

from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from reports import figures
from reports.analysis.confusion import analyze_confusion
from reports.figures import canvas
from reports.figures.confusion import list_count_texts
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import CLASS_LABELS, OFFICIAL, make_test_predictions

PERFECT = np.diag(ASYMMETRIC.sum(axis=1))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Two seeds of one configuration, one of another."""
    matrices = {"cnn-config-1": [ASYMMETRIC] * 2, "$\\frac$": [PERFECT]}
    return analyze_confusion(make_test_predictions(matrices)).matrices


@pytest.fixture(scope="module")
def panels(frame: pd.DataFrame) -> list[Axes]:
    return figures.draw_confusion_matrices(frame, CLASS_LABELS, data=OFFICIAL).axes


def test_list_count_texts_rows_are_true_and_columns_predicted() -> None:
    shares = ASYMMETRIC / ASYMMETRIC.sum(axis=1, keepdims=True)
    texts = list_count_texts(2 * ASYMMETRIC, shares)
    lines = {
        key: [text.text for text in group]
        for key, group in groupby(texts, key=lambda text: (text.row, text.column))
    }
    assert lines[(0, 1)] == ["80", "40.00"]
    assert lines[(1, 0)] == ["0"]
    assert len(lines) == 64


def test_draw_confusion_matrices_true_is_down_and_predicted_across(panels: list[Axes]) -> None:
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


def test_draw_confusion_matrices_of_many_classes_have_numbers_instead_of_names() -> None:
    n_classes = canvas.MAX_NAMED_CLASSES + 6
    matrix = np.eye(n_classes, dtype=np.int64)
    frame = analyze_confusion(make_test_predictions({"cnn-config-1": [matrix]})).matrices
    labels = [f"class {i}" for i in range(n_classes)]
    (axes,) = figures.draw_confusion_matrices(frame, labels, data=OFFICIAL).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "5", "10", "15"]
    assert not axes.collections  # no texts in the cells
