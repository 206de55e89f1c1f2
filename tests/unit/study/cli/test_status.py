"""`bloodstudy status`."""

from pathlib import Path

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from study.lifecycle.status import format_status_lines
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.imports import RUN_COMMAND, list_heavy_imports

MATRICES = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    build_grid(tmp_path / "study", MATRICES)
    found = list_heavy_imports(RUN_COMMAND, "status", str(tmp_path / "study"))
    assert found <= {"numpy", "pandas"}


def test_status_of_a_study_prints_its_lines(run_main: RunMain, tmp_path: Path) -> None:
    build_grid(tmp_path / "study", MATRICES, missing_trials={("cnn-config-1", 0)})
    outcome = run_main("status", "study", "--storage", tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    lines = [*format_status_lines(Ledger(tmp_path / "study"))]
    assert outcome.stdout.splitlines() == lines


def test_status_missing_study_exits_4(run_main: RunMain, tmp_path: Path) -> None:
    outcome = run_main("status", "study", "--storage", tmp_path)
    assert outcome.code == ConflictError.exit_code
    assert outcome.stderr.count("\n") == 1
