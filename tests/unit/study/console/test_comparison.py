"""The table of `bloodstudy compare`, written to a console of known size."""

from pathlib import Path

import pytest
from rich.console import Console

from reports.analysis.study_comparison import compare_studies
from study.console.comparison import make_comparison_table
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix


@pytest.mark.parametrize("width", [60, 80, 160])
def test_make_comparison_table_fits_and_cuts_no_number(tmp_path: Path, width: int) -> None:
    worse = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (15, 16)]
    ledgers = [
        build_grid(tmp_path / "grid-20260102-030405", {"mlnn-config-1": worse}),
        build_grid(tmp_path / "b", {f"cnn-config-{i}": [ASYMMETRIC] * 2 for i in (1, 3)}),
    ]
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(make_comparison_table(compare_studies(ledgers)[0]))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in ("different", "best", "±", "]"):
        assert word in text
