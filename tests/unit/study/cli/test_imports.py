"""Commands refuse wrong names and files before they import what is slow to import."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

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


RunMain = Callable[..., Run]

# Most commands begin with the same imports, so each is run in a fork of a process that has them.
SERVER = """
import os, sys
from study.cli.main import main
import reports.ledger.ledger
for line in sys.stdin:
    sys.argv[1:] = line.split()
    if (pid := os.fork()) == 0:
        with open("stderr", "w") as file:
            os.dup2(file.fileno(), 2)
        try:
            sys.exit(main())
        finally:
            with open("modules", "w") as file:
                file.write(" ".join(sys.modules))
    print("exit code:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


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


@pytest.fixture(scope="module")
def run_main(folder: Path) -> Iterator[RunMain]:
    """Return a function that runs `bloodstudy` in a process of its own and in the folder."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, cwd=folder, stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        requests, answers = server.stdin, server.stdout

        def run(*words: str) -> Run:
            print(*words, file=requests, flush=True)
            answer = next(line for line in answers if line.startswith("exit code: "))
            modules_path = folder / "modules"
            names = modules_path.read_text().split()
            modules_path.unlink()
            return Run(
                exit_code=int(answer.split()[-1]),
                modules={name.partition(".")[0] for name in names},
                stderr=(folder / "stderr").read_text(),
            )

        yield run


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
    run_main: RunMain, arguments: list[str], exit_code: int
) -> None:
    run = run_main(*arguments)
    assert run.exit_code == exit_code
    assert not run.modules & SLOW_MODULES


@pytest.mark.parametrize("arguments", [["list"], ["status", "demo"]])
def test_list_and_status_import_neither_numpy_nor_anything_slow(
    run_main: RunMain, arguments: list[str]
) -> None:
    run = run_main(*arguments)
    assert run.exit_code == 0
    assert not run.modules & (SLOW_MODULES | {"numpy"})


def test_predict_pretrained_imports_nothing_slow(run_main: RunMain) -> None:
    run = run_main("predict", "--pretrained", "cell.png")
    assert run.exit_code == 0
    assert "onnxruntime" in run.modules
    assert not run.modules & SLOW_MODULES


def test_replay_wrong_trial_without_data_names_the_trial(run_main: RunMain) -> None:
    """The data of the study are nowhere, but a wrong trial is found first."""
    assert "'nope'" in run_main("replay", "demo", "nope").stderr


def test_dry_run_does_not_import_ray(run_main: RunMain) -> None:
    words = ["grid", "--dry-run", "--config", "mlnn-config-1", "--data-file", "cells.npz"]
    run = run_main(*words)
    assert run.exit_code == 0
    assert "torch" in run.modules
    assert "ray" not in run.modules
