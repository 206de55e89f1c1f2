"""The section on cost: whose rows, and what stands beside them."""

import numpy as np
import pandas as pd
import pytest

from reports.analysis.cost import COST_FRAME_COLUMNS, collect_costs
from reports.ledger.states import DataKind
from reports.sections.comparison import cost
from tests.helpers.report_frames import (
    OFFICIAL,
    SYNTHETIC,
    find_table,
    make_comparison,
    make_context,
    read_rows,
)

COMPARISON = make_comparison({"mlnn-config-1": 0.87, "cnn-config-1": 0.94})


def test_cost_table_shows_ours_and_the_published_rows() -> None:
    costs = collect_costs(COMPARISON, with_published=True)
    table = find_table(cost.make_section(costs, context=make_context()), "cost")
    rows = read_rows(table)
    assert table.folded
    assert rows[0] == {
        "name": "mlnn-config-1",
        "source": rows[1]["source"],
        "accuracy": "87.0",
        "accuracy_interval": "[86.0, 88.0]",
        "parameters": "4.18",
        "operations": "8.35",
    }
    assert len(rows) == 2 + 8 + 4
    assert len({row["source"] for row in rows}) == 3
    assert table.values["source"].unique().tolist() == ["study", "paper", "benchmark"]


@pytest.mark.parametrize(
    ("kind", "n_notes"),
    [(DataKind.OFFICIAL, 2), (DataKind.FILE, 2), (DataKind.SYNTHETIC, 1)],
)
def test_cost_caveats_depend_on_the_data(kind: DataKind, n_notes: int) -> None:
    is_real = kind is not DataKind.SYNTHETIC
    data = OFFICIAL if is_real else SYNTHETIC
    section = cost.make_section(
        collect_costs(COMPARISON, with_published=is_real),
        context=make_context(data=data, data_kind=kind),
    )
    assert section is not None
    assert len(section.notes) == n_notes
    assert len(section.paragraphs) == (kind is DataKind.FILE)
    assert all(data.short in text for text in section.paragraphs)
    (figure,) = section.figures
    assert figure.name == "cost"


def test_cost_without_rows_is_left_out() -> None:
    costs = pd.DataFrame(columns=list(COST_FRAME_COLUMNS))
    assert cost.make_section(costs, context=make_context()) is None
    unknown = collect_costs(COMPARISON.assign(operations=np.nan), with_published=True)
    assert cost.make_section(unknown, context=make_context()) is None
