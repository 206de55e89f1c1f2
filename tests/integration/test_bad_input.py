"""The command itself, given what it cannot use: one line, the right exit code, nothing begun."""

import os
import shlex
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bloodnets.data.synthetic import generate_synthetic_arrays

COMMAND = Path(sys.executable).parent / "bloodstudy"

Run = Callable[..., "Outcome"]


class Outcome(NamedTuple):
    """What a user sees of a run, and which modules it imported."""

    code: int
    stdout: str
    stderr: str
    modules: frozenset[str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for all, as matplotlib fills its cache there."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def bloodstudy(tmp_path: Path, home: Path) -> Run:
    """Run the command in an empty folder."""
    return partial(run, tmp_path, home)


def run(folder: Path, home: Path, *arguments: str, **environment: str) -> Outcome:
    process = subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        | {"HOME": str(home), "PYTHONPROFILEIMPORTTIME": "1", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
        | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = process.stderr.splitlines(keepends=True)
    imports = [line for line in lines if line.startswith("import time:")]
    return Outcome(
        code=process.returncode,
        stdout=process.stdout,
        stderr="".join(line for line in lines if not line.startswith("import time:")),
        modules=frozenset(line.rpartition("|")[2].strip() for line in imports),
    )


def assert_refused(outcome: Outcome, code: int, words: Sequence[str], results: Path) -> None:
    assert outcome.code == code
    assert outcome.stdout == ""
    error = outcome.stderr.removeprefix("reading data …\n")
    assert error.startswith("bloodstudy: ")
    assert error.endswith("\n")
    assert error.count("\n") == 1
    for word in words:
        assert word in error
    assert "study.cli.main" in outcome.modules  # else the next line shows nothing
    assert "ray" not in outcome.modules
    assert not results.exists()


def cut_off(path: Path) -> None:
    np.savez(path, **generate_synthetic_arrays(scale=0.005))  # type: ignore[arg-type]
    os.truncate(path, path.stat().st_size * 3 // 4)


def label_100(path: Path) -> None:
    arrays = generate_synthetic_arrays(scale=0.005)
    arrays["test_labels"][2] = 100
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("train_images.npy", "w") as member,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (120_000, 140, 140, 3)}
        np.lib.format.write_array_header_1_0(member, header)
        for _ in range(120):
            member.write(bytes(28 * 28 * 3 * 1000))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: None, ["cells.npz does not exist", "expected: an npz file"]),
        (os.mkfifo, ["cells.npz is not a file", "expected: an npz file"]),
        (cut_off, ["cells.npz is not a complete npz file", "expected: an npz file"]),
        (label_100, ["cells.npz: test_labels holds 100", "expected: 0 to 99"]),
        (Path.mkdir, ["cells.npz is a folder", "bloodstudy prepare"]),
        (bomb, ["cells.npz: train_images takes 6.6 GiB of memory", "expected: at most 4 GiB"]),
    ],
    ids=["does not exist", "a pipe", "cut off", "label 100", "a folder", "a bomb"],
)
def test_grid_with_bad_data_exits_2_in_one_line(
    spoil: Callable[[Path], None], words: Sequence[str], bloodstudy: Run, tmp_path: Path
) -> None:
    spoil(tmp_path / "cells.npz")
    outcome = bloodstudy("grid", "--data-file", "cells.npz")
    assert_refused(outcome, 2, words, tmp_path / "results")
    assert "torch" not in outcome.modules  # a refusal does not wait for it


def test_grid_with_a_bad_file_under_data_root_keeps_the_file(
    bloodstudy: Run, tmp_path: Path
) -> None:
    (tmp_path / "bloodmnist.npz").write_bytes(b"half of a download")
    outcome = bloodstudy("grid", "--data-root", ".")
    words = ["bloodmnist.npz is not a complete npz file"]
    assert_refused(outcome, 2, words, tmp_path / "results")
    assert (tmp_path / "bloodmnist.npz").read_bytes() == b"half of a download"


BAD_OPTIONS = {
    "--config cnn-config-5": ["--config is 'cnn-config-5'", "did you mean cnn-config-4 or"],
    "--config vgg": ["--config is 'vgg'", "there are: mlnn-config-1, "],
    "--gpus-per-trial nan": ["--gpus-per-trial is nan", "at least 0"],
    "--gpus-per-trial -1": ["--gpus-per-trial is -1", "at least 0"],
    "--gpus-per-trial 1.5": ["--gpus-per-trial is 1.5", "0 to 1"],
    "--name ../x": ["--name is '../x'", "letters"],
    "--name .hidden": ["--name is '.hidden'", "no leading dot"],
    "--name ''": ["--name is ''", "letters"],
    "--data-file cells.npz": ["--data synthetic cannot be combined with --data-file"],
}


@pytest.mark.parametrize("options", BAD_OPTIONS)
def test_grid_with_bad_options_exits_in_one_line(
    options: str, bloodstudy: Run, tmp_path: Path
) -> None:
    outcome = bloodstudy("grid", "--data", "synthetic", *shlex.split(options))
    assert_refused(outcome, 2, BAD_OPTIONS[options], tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


BAD_SEARCHES = {
    "--trials 0": ["--trials is 0", "1 to 100000"],
    "--sampler grid": ["--sampler is 'grid'", "tpe or random or gp or cmaes"],
    "--family vit": ["--family is 'vit'", "cnn or mlnn or both"],
    "--optimizer lion": ["--optimizer is 'lion'", "sgd or adam"],
    "--learning-rate .1 .01": ["--learning-rate is '0.1 0.01'", "lower bound first"],
    "--learning-rate nan .1": ["--learning-rate is 'nan 0.1'", "lower bound first"],
    "--dropout .2 1": ["--dropout is '0.2 1'", "below 1"],
    "--grace-period 30": ["--grace-period is 30", "1 to --max-epochs, which is 20"],
    "--reduction-factor 1": ["--reduction-factor is 1", "at least 2"],
    "--target-macro-f1 93": ["--target-macro-f1 is 93", "above 0, at most 1"],
    "--time-budget soon": ["--time-budget is 'soon'", "90s, 30m or 1h30m"],
    "--time-budget 0m": ["--time-budget is '0m'", "above 0"],
    "--name a/b": ["--name is 'a/b'", "letters"],
}


@pytest.mark.parametrize("options", BAD_SEARCHES)
def test_search_with_bad_options_exits_in_one_line(
    options: str, bloodstudy: Run, tmp_path: Path
) -> None:
    outcome = bloodstudy("search", "--data", "synthetic", *shlex.split(options))
    assert_refused(outcome, 2, BAD_SEARCHES[options], tmp_path / "results")
    assert "torch" not in outcome.modules
    assert list(tmp_path.iterdir()) == []


BAD_USAGE = {
    "grid --seeds 0": ["--seeds is 0", "1 to 1000"],
    "grid --max-epochs 0": ["--max-epochs is 0", "1 to 100000"],
    "grid --seeds many": ["--seeds is 'many'", "a whole number, 1 to 1000"],
    "grid --seeds": ["'--seeds' requires an argument"],
    "grid --data drawn": ["--data is 'drawn'", "there are: synthetic, bloodmnist"],
    "grid --max-epoch 3": ["--max-epoch;", "did you mean --max-epochs"],
    "grid --unheard-of": ["--unheard-of", "see 'bloodstudy grid --help'"],
    "grid extra": ["extra", "see 'bloodstudy grid --help'"],
    "gird": ["gird", "did you mean grid?"],
    "train": ["train", "see 'bloodstudy --help'"],
    "search --trials many": ["--trials is 'many'", "a whole number, 1 to 100000"],
    "search --target-macro-f1 high": ["--target-macro-f1 is 'high'", "a number"],
    "search --learning-rate low high": ["--learning-rate is 'low'", "a number"],
    "search --seed 4294967296": ["--seed is 4294967296", "0 to 4294967295"],
    "search --optimizer sgd --family resnet": ["AdamW", "--optimizer"],
    "predict mine cell.png --crop 7": ["--crop is 7", "at least 8"],
    "replay mine": ["missing argument 'TRIAL'", "see 'bloodstudy replay --help'"],
    "report": ["missing argument 'STUDY'", "see 'bloodstudy report --help'"],
}


@pytest.mark.parametrize("arguments", BAD_USAGE)
def test_command_with_bad_usage_exits_2_in_one_line(
    arguments: str, bloodstudy: Run, tmp_path: Path
) -> None:
    outcome = bloodstudy(*arguments.split())
    assert_refused(outcome, 2, BAD_USAGE[arguments], tmp_path / "results")
    assert "torch" not in outcome.modules
    assert list(tmp_path.iterdir()) == []


def test_grid_into_an_existing_folder_changes_nothing(bloodstudy: Run, tmp_path: Path) -> None:
    (folder := tmp_path / "results" / "mine").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    outcome = bloodstudy("grid", "--name", "mine", "--data", "synthetic")
    words = ["results/mine already exists", "choose another --name"]
    assert_refused(outcome, 4, words, tmp_path / "elsewhere")
    assert [file.name for file in tmp_path.rglob("*")] == ["results", "mine", "notes.txt"]


@pytest.mark.parametrize(
    ("study", "problem"),
    [("none", "no study 'none' in results/"), ("/dev/null", "no study in /dev/null")],
)
@pytest.mark.parametrize(
    "command",
    ["report {}", "status {}", "resume {}", "predict {} x.png", "export {}", "replay {} t"],
)
def test_command_without_its_study_exits_4_in_one_line(
    command: str, study: str, problem: str, bloodstudy: Run, tmp_path: Path
) -> None:
    outcome = bloodstudy(*command.format(study).split())
    assert_refused(outcome, 4, [problem], tmp_path / "results")
    assert "torch" not in outcome.modules
    assert list(tmp_path.iterdir()) == []


def test_grid_without_network_exits_3_and_leaves_nothing(bloodstudy: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    outcome = bloodstudy("grid", "--data-root", "root", HTTP_PROXY=closed, HTTPS_PROXY=closed)
    words = ["no connection to the proxy", "--data-file", "--data-root", "--data synthetic"]
    assert_refused(outcome, 3, words, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []
