"""The table of the recall of each class for two models."""

import pytest

from reports.sections.errors.recall_differences import make_recall_table
from tests.helpers.recall_cells import CELLS, make_cells
from tests.helpers.report_frames import make_context, read_rows


def test_make_recall_table_has_a_row_per_pair_and_class() -> None:
    other = make_cells([[5, 5, 0], [4, 0, 0], [0, 0, 0]], [[10, 0, 0], [0, 4, 0], [0, 0, 0]], "c")
    table = make_recall_table((CELLS, other), make_context("a", "b", "c"))
    rows = read_rows(table)
    assert [(row["b"], row["recall_a"]) for row in rows] == [
        ("b", "80.0"),
        ("b", "75.0"),
        ("c", "50.0"),
        ("c", "0.0"),
    ]
    assert table.folded
    assert table.values["difference"].tolist() == pytest.approx([0.2, -0.25, -0.5, -1.0])
