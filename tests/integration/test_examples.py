"""The examples run, and the outputs that are stored or shown come from a run."""

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.helpers import grid_builder
from tests.helpers.documented_commands import read_sh_lines
from tests.integration.conftest import RunIn

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/analyze_a_study.ipynb"
TUTORIAL = ROOT / "docs/tutorial-own-cells.md"
MAX_SIZE_BYTES = 300_000


def read_notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_notebook_runs_on_a_study_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrices = grid_builder.make_published_matrices(n_seeds=2)
    names = ("mlnn-config-2", "cnn-config-2")
    grid_builder.build_grid(tmp_path / "results/demo", {name: matrices[name] for name in names})
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # set by a grid that another test plans
    notebook = read_notebook()
    client = NotebookClient(
        notebook,
        timeout=120,
        iopub_timeout=60,  # on a busy computer, outputs come late and would be dropped
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # an error of a cell is raised
    figures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(figures) == 3


def test_notebook_outputs_are_complete_and_name_no_path() -> None:
    cells = [cell for cell in read_notebook().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells[1:])  # the first cell finds the study trained
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}
    texts = [text for o in outputs for kind, text in o.data.items() if kind.startswith("text/")]
    assert not any(place in text for text in texts for place in ("/tmp", "/home", "/root", "/work"))
    assert NOTEBOOK.stat().st_size < MAX_SIZE_BYTES


@pytest.fixture
def own_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder of images of the tutorial, and return its path."""
    folder = tmp_path / "cells"
    monkeypatch.setattr(sys, "argv", ["make_cells.py", str(folder)])
    runpy.run_path(str(ROOT / "examples/make_cells.py"), run_name="__main__")
    return folder


def test_own_cells_are_prepared_as_the_tutorial_shows(own_cells: Path, run_in: RunIn) -> None:
    (command,) = [line for line in read_sh_lines(TUTORIAL) if " prepare " in line]
    outcome = run_in(own_cells.parent, *shlex.split(command)[1:])
    assert outcome.code == 1

    page = TUTORIAL.read_text(encoding="utf-8")
    _, _, after = page.partition(f"{command}\n```\n\n```text\n")
    shown = after.partition("\n```")[0].splitlines()
    assert len(shown) >= 10
    assert {*shown} <= {*outcome.stdout.splitlines(), *outcome.stderr.splitlines()}

    record = json.loads(own_cells.with_suffix(".json").read_text(encoding="utf-8"))
    entries = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(entries) == 2
    assert all(entry in (*record["images"], *record["skipped"]) for entry in entries)


def test_own_cells_have_the_files_and_groups_that_the_tutorial_lists(own_cells: Path) -> None:
    listed = re.findall(r"^cells/.+$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) >= 5
    assert [name for name in listed if not (own_cells.parent / name).is_file()] == []
    groups = (own_cells / "groups.csv").read_text(encoding="utf-8").splitlines()
    assert "\n".join(groups[:3]) in TUTORIAL.read_text(encoding="utf-8")
