"""The notebook in `examples/` runs, and its stored outputs come from a run."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.helpers import grid_builder

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/analyze_a_study.ipynb"
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
