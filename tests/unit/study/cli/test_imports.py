"""Commands refuse wrong names and files before they import what is slow to import."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays
from tests.helpers.grid_builder import build_grid, make_published_matrices

SLOW_MODULES = {
    "torch",
    "ray",
    "pandas",
    "matplotlib",
    "sklearn",
    "scipy",
    "optuna",
    "onnx",
    "mlflow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a command did.

    Attributes:
        exit_code: Exit code.
        modules: Top-level names of the modules that it imported.
        stderr: Standard error.
    """

    exit_code: int
    modules: set[str]
    stderr: str


def run_main(*arguments: str, folder: Path) -> Run:
    """Run `bloodstudy` in a process of its own and in a folder."""
    code = (
        "import sys\nfrom study.cli.main import main\ntry: main()\n"
        "finally: open('modules', 'w').write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    modules = {name.partition(".")[0] for name in (folder / "modules").read_text().split()}
    return Run(exit_code=done.returncode, modules=modules, stderr=done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`results/demo`, a study of one complete and one failed trial, and some files."""
    folder = tmp_path_factory.mktemp("imports")
    matrices = make_published_matrices()
    build_grid(
        folder / "results" / "demo",
        {name: matrices[name] for name in ("mlnn-config-1", "cnn-config-1")},
        failed_trials={("mlnn-config-1", 0): "out of memory"},
    )
    (folder / "taken").mkdir()
    (folder / "taken" / "notes.txt").write_text("mine")
    (folder / "broken.npz").write_bytes(b"broken")
    Image.new("RGB", (28, 28)).save(folder / "cell.png")
    np.savez(folder / "cells.npz", allow_pickle=False, **generate_synthetic_arrays(scale=0.005))
    return folder


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["prepare", "nope", "--size", "28", "--output", "new.npz"], 2),
        (["prepare", "taken", "--size", "28", "--output", "new.npz"], 2),
        (["prepare", "taken", "--size", "28", "--output", "broken.npz"], 4),
        (["grid", "--data", "nope"], 2),
        (["grid", "--data", "nope/nope"], 2),
        (["grid", "--data", "taken:28"], 2),
        (["search", "--dry-run", "--data", "taken"], 2),
        (["predict", "nope", "cell.png"], 4),
        (["predict", "demo", "nope.png"], 2),
        (["predict", "demo", "broken.npz"], 2),
        (["predict", "demo", "cell.png", "--trial", "nope"], 2),
        (["predict", "demo", "cell.png", "--trial", "mlnn-config-1"], 2),
        (["predict", "demo", "cell.png", "--explain", "taken"], 4),
        (["predict", "demo"], 2),
        (["predict", "--pretrained", "nope.png"], 2),
        (["export", "nope"], 4),
        (["export", "demo", "--trial", "nope"], 2),
        (["export", "demo", "--output", "taken"], 4),
        (["export", "demo", "--data-file", "nope.npz"], 2),
        (["export-runs", "nope", "--to", "mlflow"], 4),
        (["export-runs", "demo", "--to", "nope"], 2),
        (["export-runs", "demo", "--to", "tensorboard", "--output", "taken"], 4),
        (["replay", "nope", "cnn-config-1"], 4),
        (["replay", "demo", "nope"], 2),
        (["replay", "demo", "cnn-config-1", "--data-file", "nope.npz"], 2),
        (["report", "nope"], 4),
        (["report", "demo", "--output", "taken"], 4),
        (["report", "demo", "demo", "--output", "taken"], 4),
        (["compare", "demo"], 2),
        (["compare", "demo", "nope"], 4),
        (["ensemble", "nope"], 4),
        (["report", "demo", "--data-file", "cells.npz"], 2),
        (["status", "nope"], 4),
        (["list", "--storage", "nope"], 4),
        (["doctor", "--address", "nope"], 2),
        (["grid", "--dry-run", "--data-file", "nope.npz"], 2),
        (["search", "--dry-run", "--data-file", "nope.npz"], 2),
    ],
)
def test_main_wrong_name_or_file_imports_nothing_slow(
    folder: Path, arguments: list[str], exit_code: int
) -> None:
    run = run_main(*arguments, folder=folder)
    assert run.exit_code == exit_code
    assert not run.modules & SLOW_MODULES


@pytest.mark.parametrize("arguments", [["list"], ["status", "demo"]])
def test_list_and_status_import_neither_numpy_nor_anything_slow(
    folder: Path, arguments: list[str]
) -> None:
    run = run_main(*arguments, folder=folder)
    assert run.exit_code == 0
    assert not run.modules & (SLOW_MODULES | {"numpy"})


def test_predict_pretrained_imports_nothing_slow(folder: Path) -> None:
    run = run_main("predict", "--pretrained", "cell.png", folder=folder)
    assert run.exit_code == 0
    assert "onnxruntime" in run.modules
    assert not run.modules & SLOW_MODULES


def test_replay_wrong_trial_without_data_names_the_trial(folder: Path) -> None:
    """The data of the study are nowhere, but a wrong trial is found first."""
    assert "'nope'" in run_main("replay", "demo", "nope", folder=folder).stderr


def test_dry_run_does_not_import_ray(folder: Path) -> None:
    words = ["grid", "--dry-run", "--config", "mlnn-config-1", "--data-file", "cells.npz"]
    run = run_main(*words, folder=folder)
    assert run.exit_code == 0
    assert "torch" in run.modules
    assert "ray" not in run.modules
