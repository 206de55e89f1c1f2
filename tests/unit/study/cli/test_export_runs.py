"""`bloodstudy export-runs`."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, DataError, ResourceError
from reports.ledger.ledger import Ledger
from study.runtime.lock import lock_study
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.ledger_entries import log_start
from tests.helpers.open_grid import build_open_grid
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return build_open_grid(tmp_path / "s")


def read_contents(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow"])
def test_export_runs_missing_package_exits_3_and_names_the_extra(
    tracker: str, run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.export_runs.find_spec", lambda _: None)
    outcome = run_main("export-runs", "any", "--to", tracker)
    assert outcome.code == ResourceError.exit_code
    assert f".[{tracker}]" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow"])
def test_export_runs_default_folder_is_in_the_current_one_and_the_study_is_unchanged(
    tracker: str,
    ledger: Ledger,
    run_main: RunMain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = read_contents(ledger.folder)
    outcome = run_main("export-runs", ledger.folder, "--to", tracker)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines()[-1] == f"s-{tracker}"
    assert [path.name for path in (tmp_path / "here").iterdir()] == [f"s-{tracker}"]
    assert read_contents(ledger.folder) == before


def test_export_runs_of_a_running_study_are_replaced(
    ledger: Ledger, run_main: RunMain, tmp_path: Path
) -> None:
    words = ("export-runs", ledger.folder, "--to", "tensorboard", "--output", tmp_path / "out")
    trial_id = find_unfinished_trial(ledger).id
    assert run_main(*words).code == 0
    assert not (tmp_path / "out" / trial_id).exists()
    add_checkpoint(ledger, epochs=1)
    log_start(ledger, trial_id)
    with lock_study(ledger.location):
        assert run_main(*words).code == 0
    assert len([*(tmp_path / "out" / trial_id).iterdir()]) == 1


def test_export_runs_folder_of_another_study_exits_4_and_is_unchanged(
    ledger: Ledger, run_main: RunMain, tmp_path: Path
) -> None:
    build_grid(tmp_path / "other", {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    options = ("--storage", tmp_path, "--to", "tensorboard", "--output", tmp_path / "out")
    assert run_main("export-runs", "s", *options).code == 0
    before = read_contents(tmp_path)
    outcome = run_main("export-runs", "other", *options)
    assert outcome.code == ConflictError.exit_code
    assert outcome.stderr.count("\n") == 1
    assert read_contents(tmp_path) == before


def test_export_runs_study_without_a_started_trial_exits_2_and_writes_nothing(
    run_main: RunMain, tmp_path: Path
) -> None:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    build_grid(tmp_path / "s", matrices, missing_trials={("cnn-config-1", 0)})
    words = ("export-runs", tmp_path / "s", "--to", "tensorboard", "--output", tmp_path / "out")
    outcome = run_main(*words)
    assert outcome.code == DataError.exit_code
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_export_runs_changed_file_exits_1_and_names_the_trial(
    ledger: Ledger, run_main: RunMain, tmp_path: Path
) -> None:
    (path,) = (ledger.folder / "predictions").iterdir()
    path.write_bytes(b"changed")
    words = ("export-runs", ledger.folder, "--to", "tensorboard", "--output", tmp_path / "out")
    outcome = run_main(*words)
    assert outcome.code == 1
    assert path.stem in outcome.stderr
    marker = json.loads((tmp_path / "out" / "bloodstudy-runs.json").read_text())
    assert [name.rpartition("-")[0] for name in marker["names"]] == ["mlnn-config-1-s0"]
