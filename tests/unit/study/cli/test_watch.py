"""`bloodstudy watch` and `bloodstudy status --watch`."""

import signal
import time
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, DataError
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.imports import RUN_COMMAND, list_heavy_imports

MATRICES = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}


def build_unfinished(folder: Path) -> None:
    build_grid(folder, MATRICES, missing_trials={("cnn-config-1", 0)})


def test_watch_imports_neither_torch_nor_ray(tmp_path: Path) -> None:
    build_grid(tmp_path / "s", MATRICES)
    assert not {"torch", "ray"} & list_heavy_imports(RUN_COMMAND, "watch", str(tmp_path / "s"))


@pytest.mark.parametrize("words", [("watch", "s"), ("status", "s", "--watch")])
def test_watch_ended_study_exits_0_and_writes_nothing(
    run_main: RunMain, tmp_path: Path, words: tuple[str, ...]
) -> None:
    build_grid(tmp_path / "s", MATRICES)
    before = sorted(tmp_path.rglob("*"))
    outcome = run_main(*words, "--storage", tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert sorted(tmp_path.rglob("*")) == before


def test_watch_output_names_the_file_of_the_page(
    run_main: RunMain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_unfinished(tmp_path / "s")
    monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    page = tmp_path / "own.html"
    outcome = run_main("watch", "s", "--storage", tmp_path, "--output", page)
    assert outcome.code == 128 + signal.SIGINT
    assert page.is_file()
    assert not (tmp_path / "s/live.html").exists()


@pytest.mark.parametrize("name", ["cells.npz", "folder"])
def test_watch_output_replaces_no_other_file(run_main: RunMain, tmp_path: Path, name: str) -> None:
    build_unfinished(tmp_path / "s")
    (tmp_path / "cells.npz").write_bytes(b"cells")
    (tmp_path / "folder").mkdir()
    outcome = run_main("watch", "s", "--storage", tmp_path, "--output", tmp_path / name)
    assert outcome.code == ConflictError.exit_code
    assert outcome.stderr.count("\n") == 1
    assert (tmp_path / "cells.npz").read_bytes() == b"cells"


def test_watch_missing_study_exits_4(run_main: RunMain, tmp_path: Path) -> None:
    assert run_main("watch", "s", "--storage", tmp_path).code == ConflictError.exit_code


def test_status_watch_without_a_study_exits_2(run_main: RunMain, tmp_path: Path) -> None:
    assert run_main("status", "--watch", "--storage", tmp_path).code == DataError.exit_code
