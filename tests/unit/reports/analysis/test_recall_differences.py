"""The recall of each class, compared between two models."""

import pandas as pd
import pytest

from reports.analysis.recall_differences import make_recall_frame
from tests.helpers.recall_cells import CELLS, make_cells


def test_make_recall_frame_divides_by_the_images_of_the_class() -> None:
    frame = make_recall_frame(CELLS)
    assert frame["class"].tolist() == [0, 1]  # class 2 has no test image
    assert frame["recall_a"].tolist() == pytest.approx([0.8, 0.75])
    assert frame["recall_b"].tolist() == pytest.approx([0.6, 1.0])
    assert frame["difference"].tolist() == pytest.approx([0.2, -0.25])
    assert frame["difference_low"].tolist() == pytest.approx([0.0, -0.75])
    assert frame["difference_high"].tolist() == pytest.approx([0.4, 0.25])
    assert frame["p"].tolist() == pytest.approx([0, 0.5])


def test_make_recall_frame_intervals_stay_within_the_possible_differences() -> None:
    frame = make_recall_frame(make_cells([[1, 0], [1, 0]], [[0, 1], [0, 1]]))
    assert frame["difference"].tolist() == [1, -1]
    assert (frame["difference_high"] <= 1).all()
    assert (frame["difference_low"] >= -1).all()


def test_make_recall_frame_adjusts_p_values_over_the_classes_of_each_pair() -> None:
    cells = make_cells([[8, 2], [1, 3]], [[6, 4], [0, 4]])
    cells["p"] = [0.01, 0.5, 0.5, 0.03]
    frame = make_recall_frame(pd.concat([cells, cells.assign(b="c", p=0.04)]))
    assert frame["p_holm"].tolist() == pytest.approx([0.02, 0.03, 0.08, 0.08])
