"""The difference of two confusion matrices: texts, shades, faint cells."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from reports import figures
from reports.analysis.confusion_differences import compare_confusions
from reports.figures.difference import list_difference_texts
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    MINUS,
    OFFICIAL,
    make_test_predictions,
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Of class 3, the second configuration takes 20 images for class 6."""
    predictions = make_test_predictions(
        {"cnn-config-1": [ASYMMETRIC], "b" * 30: [worsen_matrix(ASYMMETRIC, n_moved=20)]}
    )
    frame = compare_confusions(predictions).cells
    frame = frame.assign(difference_text=[f"<{value:.0f}>" for value in frame["difference"]])
    frame.loc[(frame["true"] == 2) & (frame["predicted"] == 2), "significant"] = False
    return frame


@pytest.fixture(scope="module")
def axes(frame: pd.DataFrame) -> Axes:
    (axes,) = figures.draw_confusion_difference(frame, CLASS_LABELS, data=OFFICIAL).axes
    return axes


def test_list_difference_texts_rows_are_true_and_columns_predicted(frame: pd.DataFrame) -> None:
    texts = {(text.row, text.column): text for text in list_difference_texts(frame)}
    assert len(texts) == 64
    assert texts[(3, 6)].text == "<-20>"
    assert texts[(3, 6)].color == "white"
    assert texts[(2, 2)].text == "<20>"
    assert texts[(2, 2)].color not in {"white", "black"}


def test_draw_confusion_difference_shades_significant_cells_only(axes: Axes) -> None:
    shades = np.asarray(axes.images[0].get_array())
    assert (shades[3, 6], shades[3, 3], shades[2, 2], shades[6, 3]) == (5, 5, 0, 0)
    assert axes.images[0].get_clim() == (-5, 5)


def test_draw_confusion_difference_title_has_both_names(axes: Axes) -> None:
    assert axes.get_title(loc="left") == f"cnn-config-1 {MINUS} {'b' * 23}…"
