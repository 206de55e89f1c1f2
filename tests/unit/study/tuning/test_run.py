"""One run of a study, as far as it needs no Ray; `tests/integration` runs whole studies."""

import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.records import compute_fingerprint
from reports.ledger.serialization import to_json
from study.datasets.data_record import make_data_record
from study.lifecycle.search_duration import compute_elapsed_search_s
from study.runtime.watchdog import Heartbeat
from study.tuning.run import run_study
from study.tuning.training_session import TrainingSession
from tests.helpers.forgeries import rewrite_log
from tests.helpers.grid_builder import TrialKey, build_grid
from tests.helpers.imports import list_heavy_imports
from tests.helpers.models import write_trial_record
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.study_configs import make_grid_config, make_search_config

NAMES = ("cnn-config-1", "cnn-config-2")
SETTINGS = {"max_epochs": None, "patience": 10, "batch_size": None, "configurations": NAMES}
"""Settings with which a grid plans the trials of `build_grid`."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore what a run does at a signal."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in numbers}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in previous.items():
        signal.signal(number, handler)


def write_page(_: object, folder: Path) -> None:
    """Write an empty page instead of a report."""
    folder.mkdir(exist_ok=True)
    (folder / "index.html").touch()


def build_study(
    root: Path, cells: BloodCells, failed_trials: Mapping[TrialKey, str] | None = None
) -> Ledger:
    """Make a grid on the cells, whose trials have all ended."""
    matrix = np.diag(np.bincount(cells.test.labels, minlength=8)).astype(np.int64)
    matrix[0, :2] = matrix[0, 0] - 1, 1
    ledger = build_grid(root / "s", {name: [matrix] for name in NAMES}, failed_trials=failed_trials)
    data = replace(make_data_record(cells), class_counts=ledger.study.data.class_counts)
    ids = [trial.id for trial in ledger.study.trials]
    fingerprint = compute_fingerprint(data, ids, ledger.study.software, None)
    study = replace(ledger.study, data=data, fingerprint=fingerprint)
    ledger.files.write("study.json", to_json(study, indent=2))
    for record in ledger.read_trials():
        write_trial_record(ledger, replace(record, fingerprint=fingerprint))
    rewrite_log(ledger.folder)
    return Ledger(ledger.location)


def test_run_import_does_not_import_what_only_reports_need() -> None:
    assert not list_heavy_imports("import study.tuning.run") & {"matplotlib", "sklearn"}


def test_run_study_finished_study_writes_its_report_and_returns_true(
    tmp_path: Path, cells: BloodCells, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = build_study(tmp_path, cells)
    config = make_grid_config(tmp_path, **SETTINGS)
    with write_texts_of_figures():
        assert run_study(config, cells, command=("bloodstudy",), resume=True, quiet=True)
    report_path = ledger.folder / "report" / "index.html"
    assert capsys.readouterr().out == f"{report_path}\n"
    assert report_path.is_file()


@pytest.mark.parametrize("quiet", [False, True])
def test_run_study_warns_of_an_absent_class_unless_it_is_quiet(
    tmp_path: Path,
    cells: BloodCells,
    quiet: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = cells.test.labels.copy()
    labels[labels == 3] = 4
    lacking = replace(cells, test=cells.test._replace(labels=labels))
    build_study(tmp_path, lacking)
    monkeypatch.setattr("reports.page.publish.write_analysis", write_page)
    config = make_grid_config(tmp_path, **SETTINGS)
    run_study(config, lacking, command=(), resume=True, quiet=quiet)
    assert ("test has no image of class 3" in capsys.readouterr().err) is not quiet


def test_run_study_with_a_failed_trial_returns_false(
    tmp_path: Path, cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_study(tmp_path, cells, {("cnn-config-2", 0): "OSError: broken"})
    monkeypatch.setattr("reports.page.publish.write_analysis", write_page)
    config = make_grid_config(tmp_path, **SETTINGS)
    assert not run_study(config, cells, command=("bloodstudy",), resume=True, quiet=True)


def read_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_run_study_existing_study_raises_and_changes_nothing(
    tmp_path: Path, cells: BloodCells
) -> None:
    ledger = build_study(tmp_path, cells)
    before = read_files(ledger.folder)
    with pytest.raises(ConflictError) as caught:
        run_study(
            make_grid_config(tmp_path, **SETTINGS), cells, command=(), resume=False, quiet=True
        )
    assert str(caught.value.path).startswith(str(ledger.folder))
    assert read_files(ledger.folder) == before


def test_run_study_resumed_with_other_settings_raises(tmp_path: Path, cells: BloodCells) -> None:
    build_study(tmp_path, cells)
    config = make_grid_config(tmp_path, **SETTINGS | {"patience": 9})
    with pytest.raises(ConflictError) as caught:
        run_study(config, cells, command=(), resume=True, quiet=True)
    assert "patience was 10, now 9" in caught.value.problem


def build_ended_search(
    root: Path, cells: BloodCells, *, diverged_numbers: Collection[int] = ()
) -> Ledger:
    """Make a search on the cells that was interrupted when all its proposals had ended."""
    search = replace(SEARCH_RECORD, n_trials=2, retrain_top=0)
    ledger = build_search(
        root / "s", search=search, ended_by=None, diverged_numbers=diverged_numbers
    )
    data = make_data_record(cells)
    fingerprint = compute_fingerprint(data, [], ledger.study.software, search)
    study = replace(ledger.study, data=data, fingerprint=fingerprint)
    ledger.files.write("study.json", to_json(study, indent=2))
    for record in ledger.read_trials():
        write_trial_record(ledger, replace(record, fingerprint=fingerprint))
    rewrite_log(ledger.folder)
    return Ledger(ledger.location)


def resume_search(ledger: Ledger, cells: BloodCells, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Resume a search in the Ray of the tests, without a report."""
    software = ledger.study.software
    monkeypatch.setattr("study.lifecycle.study_record.collect_software", lambda _: software)
    session = TrainingSession(Console(quiet=True), Heartbeat())
    monkeypatch.setattr(
        "study.tuning.run.open_training_session", lambda *_, **__: nullcontext(session)
    )
    monkeypatch.setattr("reports.page.publish.write_analysis", write_page)
    assert ledger.study.search is not None
    config = make_search_config(ledger.folder.parent, search=ledger.study.search)
    return run_study(config, cells, command=(), resume=True, quiet=True)


def test_run_study_search_without_any_value_returns_false(
    tmp_path: Path,
    cells: BloodCells,
    monkeypatch: pytest.MonkeyPatch,
    ray_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledger = build_ended_search(tmp_path, cells, diverged_numbers=(0, 1))
    assert not resume_search(ledger, cells, monkeypatch)


def test_run_study_resumed_search_adds_the_durations_of_its_runs(
    tmp_path: Path, cells: BloodCells, monkeypatch: pytest.MonkeyPatch, ray_folder: Path
) -> None:
    ledger = build_ended_search(tmp_path, cells)
    assert resume_search(ledger, cells, monkeypatch)
    confirmation = ledger.read_confirmation()
    assert confirmation is not None
    assert confirmation.duration_s >= compute_elapsed_search_s(ledger.read_trials()) > 0


def test_driver_of_a_grid_imports_neither_torch_nor_optuna() -> None:
    found = list_heavy_imports("import study.tuning.run, study.tuning.tuner")
    assert "ray" in found
    assert not found & {"torch", "medmnist", "optuna", "scipy", "sklearn", "matplotlib"}


def test_driver_imports_ray_tune_only_when_ray_has_started() -> None:
    code = "import sys, study.tuning.run\nassert 'ray.tune' not in sys.modules"
    assert "ray" in list_heavy_imports(code)
