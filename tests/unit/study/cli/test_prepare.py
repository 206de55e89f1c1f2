"""`bloodstudy prepare`: its output, its files, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bloodnets.errors import ConflictError, DataError
from study.cli.main import app
from tests.helpers.image_folders import write_classes


def run(folder: Path, *arguments: object) -> Result:
    words = ["prepare", str(folder / "cells"), "--output", str(folder / "cells.npz")]
    return CliRunner().invoke(app, [*words, *map(str, arguments)], env={"COLUMNS": "80"})


def list_new_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"cells"}


def test_prepare_prints_counts_and_the_path_last(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"mast cell": 10, "blast": 20})
    (tmp_path / "cells/notes.txt").touch()
    done = run(tmp_path, "--size", 12)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert ["blast", "14", "2", "4", "20"] in [line.split() for line in lines]
    assert lines[-1] == str(tmp_path / "cells.npz")
    assert "left out: 1 .txt file" in done.stderr
    with np.load(tmp_path / "cells.npz") as arrays:
        assert arrays["train_images"].shape == (21, 12, 12, 3)
        assert arrays["class_names"].tolist() == ["blast", "mast cell"]


def test_prepare_options_reach_the_file(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 4, "b": 4})
    rows = [f"{c}/{index}.png,{c}{index}" for c in "ab" for index in range(4)]
    (tmp_path / "groups.csv").write_text("\n".join(["file,group", *rows]))
    options = ("--size", 16, "--gray", "--crop", 8, "--groups", tmp_path / "groups.csv")
    done = run(tmp_path, *options, "--seed", 7)
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "cells.json").read_text())
    found = [record[key] for key in ("side", "channels", "crop", "groups_file", "seed")]
    assert found == [16, 1, 8, "groups.csv", 7]


def test_prepare_skipped_file_is_named_with_exit_code_1(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 4, "b": 4})
    (tmp_path / "cells/a/damaged.png").write_bytes(b"damaged")
    done = run(tmp_path, "--size", 8)
    assert done.exit_code == 1
    assert "skipped: a/damaged.png" in done.stderr
    assert list_new_files(tmp_path) == {"cells.npz", "cells.json"}


def test_prepare_missing_class_in_a_split_is_a_warning(tmp_path: Path) -> None:
    for split, classes in (("train", "ab"), ("val", "a"), ("test", "ab")):
        write_classes(tmp_path / "cells" / split, dict.fromkeys(classes, 2))
    done = run(tmp_path, "--size", 8)
    assert done.exit_code == 0
    assert "warning: val has no image of b" in done.stderr


def test_prepare_existing_file_raises_conflict_error(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 4, "b": 4})
    (tmp_path / "cells.json").write_text("mine")
    done = run(tmp_path, "--size", 8)
    assert isinstance(done.exception, ConflictError)
    assert list_new_files(tmp_path) == {"cells.json"}


@pytest.mark.parametrize("n_images", [0, 2])
def test_prepare_unusable_folder_raises_data_error(tmp_path: Path, n_images: int) -> None:
    write_classes(tmp_path / "cells", {"a": n_images, "b": 4})
    done = run(tmp_path, "--size", 8)
    assert isinstance(done.exception, DataError)
    assert list_new_files(tmp_path) == set()


def test_prepare_interrupted_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while images are read, each of which is enlarged."""
    write_classes(tmp_path / "cells", {"a": 4, "b": 600})
    code = "from study.cli.main import main; main()"
    words = ["prepare", "cells", "--size", "256", "--output", "cells.npz"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.PIPE
    ) as process:
        while not list(tmp_path.glob("bloodstudy-*/pixels")):
            time.sleep(0.01)
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        assert process.wait() == 130
    assert list_new_files(tmp_path) == set()
