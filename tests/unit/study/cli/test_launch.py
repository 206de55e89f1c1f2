"""From checked settings to a study that runs, or to its plan."""

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError, DataError, ResourceError
from study.cli.launch import launch
from study.cli.option_groups import RunOptions
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.imports import HEAVY_PACKAGES
from tests.helpers.study_configs import make_grid_config


def refuse_to_load(reading: AbstractContextManager[None]) -> NoReturn:
    pytest.fail("data were loaded")


def test_launch_resume_of_a_misspelled_study_suggests_close_names(tmp_path: Path) -> None:
    build_grid(tmp_path / "grid-x", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    config = make_grid_config(tmp_path, name="gird-x")
    with pytest.raises(ConflictError) as caught:
        launch(config, refuse_to_load, RunOptions(resume=True))
    assert str(caught.value.remedy).endswith("did you mean grid-x?")


def test_launch_existing_study_raises_without_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "grid-x").mkdir()
    with pytest.raises(ConflictError) as caught:
        launch(make_grid_config(tmp_path, name="grid-x"), refuse_to_load, RunOptions())
    assert caught.value.path == str(tmp_path / "grid-x")
    assert "did you mean" not in str(caught.value.remedy)


def test_launch_default_name_of_an_existing_study_is_not_refused(
    tmp_path: Path, cells: BloodCells, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grid-x").mkdir()
    config = make_grid_config(tmp_path, name="grid-x", has_default_name=True)
    launch(config, lambda _: cells, RunOptions(dry_run=True))
    assert "mlnn-config-2" in capsys.readouterr().out


def test_launch_more_cores_than_the_host_has_raises_before_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        launch(make_grid_config(tmp_path, cpus_per_trial=100_000), refuse_to_load, RunOptions())
    assert caught.value.value == 100_000


def test_launch_code_change_without_resume_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        launch(make_grid_config(tmp_path), refuse_to_load, RunOptions(allow_code_change=True))
    assert "--resume" in str(caught.value.remedy)


def test_launch_dry_run_prints_the_plan_and_writes_nothing(
    tmp_path: Path, cells: BloodCells, capsys: pytest.CaptureFixture[str]
) -> None:
    launch(make_grid_config(tmp_path), lambda _: cells, RunOptions(dry_run=True))
    assert "mlnn-config-2" in capsys.readouterr().out
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("complete", [True, False])
def test_launch_failed_trial_exits_1(
    complete: bool, tmp_path: Path, cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.tuning.run.run_study", lambda *_, **__: complete)
    if complete:
        launch(make_grid_config(tmp_path), lambda _: cells, RunOptions())
        return
    with pytest.raises(typer.Exit) as caught:
        launch(make_grid_config(tmp_path), lambda _: cells, RunOptions())
    assert caught.value.exit_code == 1


# Prints a line when a heavy module is imported for the first time.
SPY = """
import sys
from importlib.abc import MetaPathFinder
class Spy(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {heavy}:
            print("imports", name, file=sys.stderr, flush=True)
sys.meta_path.insert(0, Spy())
from study.cli.main import main
main()
"""


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_grid_prints_its_first_line_before_heavy_imports(
    options: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "cells.npz"
    file.write_bytes(b"no data")
    words = ["grid", "--data-file", str(file), "--storage", str(tmp_path / "results"), *options]
    done = subprocess.run(
        [sys.executable, "-c", SPY.format(heavy=HEAVY_PACKAGES), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    first, *imports, error = done.stderr.splitlines()
    assert first == "reading data …"
    assert imports == ["imports numpy"]
    assert error.startswith("bloodstudy: ")
    assert not (tmp_path / "results").exists()
