"""Standard output that cannot be written ends a command in one line or none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.grid_builder import build_grid, make_published_matrices

COMMAND = (sys.executable, "-c", "from study.cli.main import main; main()")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_grid(
        tmp_path / "results" / "demo", {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    )
    return tmp_path


@pytest.mark.parametrize("arguments", [["list"], ["status", "demo"], ["--help"]])
def test_main_full_disk_behind_stdout_exits_3_in_one_line(
    folder: Path, arguments: list[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("bloodstudy: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "demo"],
        ["--help"],
        ["grid", "--dry-run", "--quiet", "--data", "synthetic", "--config", "mlnn-config-1"],
    ],
)
def test_main_closed_pipe_exits_as_sigpipe_without_a_word(
    folder: Path, arguments: list[str]
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=folder,
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write_end)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == ""
