"""The tables of `bloodstudy ensemble`, written to a console of known size."""

from pathlib import Path

import pytest
from rich.console import Console

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.votes import compare_votes
from reports.ledger.loading import read_study_files
from study.console.votes import make_vote_table
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("score", ["macro_f1", "accuracy"])
def test_make_vote_table_fits_and_cuts_no_number(tmp_path: Path, width: int, score: str) -> None:
    matrices = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 4)]
    study = read_study_files(build_grid(tmp_path / "s", {"cnn-config-1": matrices}))
    comparison = compare_votes(study, bootstrap_scores(study.predictions))
    assert comparison is not None
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(make_vote_table(comparison, ["cnn-config-1 = 3"], score, f"{score} (%)"))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in ("mean", "best", "]"):
        assert word in text
