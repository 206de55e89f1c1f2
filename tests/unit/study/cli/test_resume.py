"""`bloodstudy resume`: the settings of the record, and what may differ from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.errors import ConflictError, DataError
from reports.ledger.serialization import to_json
from study.configs.study_config import GridConfig, SearchConfig
from study.runtime.environment import RAY_ADDRESS
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import GRID_RECORD, build_grid, make_published_matrices
from tests.helpers.search_builder import SEARCH_RECORD, build_search

Calls = list[tuple[GridConfig | SearchConfig, dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return the calls of what runs a study; no data are loaded."""
    calls: Calls = []

    def run_study(config: GridConfig | SearchConfig, cells: None, **options: Any) -> bool:
        calls.append((config, options))
        return True

    monkeypatch.setattr("study.tuning.run.run_study", run_study)
    monkeypatch.setattr("study.datasets.lookup.load_study_data", lambda *_, **__: None)
    return calls


def build(folder: Path, *, cluster_address: str | None = None) -> None:
    ledger = build_grid(folder, {"cnn-config-1": make_published_matrices()["cnn-config-1"]})
    study = ledger.study
    resources = replace(study.resources, cluster_address=cluster_address)
    ledger.files.write("study.json", to_json(replace(study, resources=resources), indent=2))


def test_resume_grid_has_the_settings_of_its_record(
    calls: Calls, run_main: RunMain, tmp_path: Path
) -> None:
    build(tmp_path / "s")
    assert run_main("resume", "s", "--storage", tmp_path, "--max-concurrent", "2").code == 0
    ((config, options),) = calls
    assert isinstance(config, GridConfig)
    assert config.to_record() == GRID_RECORD
    assert (config.location, config.max_concurrent) == (tmp_path / "s", 2)
    assert options["resume"]
    assert not options["allow_code_change"]


def test_resume_search_has_the_settings_of_its_record(
    calls: Calls, run_main: RunMain, tmp_path: Path
) -> None:
    search = replace(SEARCH_RECORD, n_trials=2)
    build_search(tmp_path / "s", search=search, ended_by=None)
    assert run_main("resume", str(tmp_path / "s"), "--allow-code-change").code == 0
    ((config, options),) = calls
    assert isinstance(config, SearchConfig)
    assert config.search == search
    assert options["allow_code_change"]


@pytest.mark.parametrize(("address", "expected"), [("local", None), ("head:6379", "head:6379")])
def test_resume_study_of_a_cluster_needs_an_address(  # noqa: PLR0917 - fixtures
    address: str,
    expected: str | None,
    calls: Calls,
    run_main: RunMain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build(tmp_path / "s", cluster_address="head:6379")
    monkeypatch.setattr("study.runtime.resources.check_compute", lambda _: None)
    outcome = run_main("resume", "s", "--storage", tmp_path)
    assert outcome.code == DataError.exit_code
    assert "--address" in outcome.stderr
    assert run_main("resume", "s", "--storage", tmp_path, "--address", address).code == 0
    ((config, _),) = calls
    assert config.address == expected


def test_resume_study_of_a_cluster_joins_the_cluster_of_the_variable(
    calls: Calls, run_main: RunMain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "s", cluster_address="old:6379")
    monkeypatch.setattr("study.runtime.resources.check_compute", lambda _: None)
    monkeypatch.setenv(RAY_ADDRESS, "new:6379")
    outcome = run_main("resume", "s", "--storage", tmp_path)
    assert outcome.code == 0
    assert RAY_ADDRESS in outcome.stderr
    ((config, _),) = calls
    assert config.address == "new:6379"


def test_resume_missing_study_exits_4(calls: Calls, run_main: RunMain, tmp_path: Path) -> None:
    assert run_main("resume", "s", "--storage", tmp_path).code == ConflictError.exit_code
    assert calls == []
