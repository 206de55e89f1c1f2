"""`bloodstudy export`: what is refused before a model is exported."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from study.cli.export import EXPORT_PACKAGES
from study.inference.onnx_export import ExportCheck
from study.inference.vote_selection import Selection
from tests.helpers.cli_runs import RunMain
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrialRecord, Path]]:
    """Return the trials and folders that were exported; nothing is written."""
    exported: list[tuple[TrialRecord, Path]] = []

    def export_onnx(
        ledger: Ledger, selected: Selection, images: NDArray[np.uint8] | None, folder: Path
    ) -> ExportCheck:
        exported.append((selected.members[-1].record, folder))
        return ExportCheck(n_images=1, is_synthetic=True, max_deviation=0.0)

    monkeypatch.setattr("study.inference.onnx_export.export_onnx", export_onnx)
    return exported


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    matrices = make_published_matrices()["cnn-config-1"] * 2
    folder = tmp_path_factory.mktemp("export") / "s"
    add_models(build_grid(folder, {"cnn-config-1": matrices}))
    return folder


@pytest.mark.parametrize("missing", EXPORT_PACKAGES)
def test_export_missing_package_exits_3_and_names_the_extra(
    missing: str, run_main: RunMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.export.find_spec", lambda name: None if name == missing else 1)
    outcome = run_main("export", "any")
    assert outcome.code == ResourceError.exit_code
    assert missing in outcome.stderr
    assert ".[export]" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_export_existing_output_exits_4_before_exporting(
    exported: list[object], study: Path, run_main: RunMain, tmp_path: Path
) -> None:
    outcome = run_main("export", study, "--output", tmp_path)
    assert outcome.code == ConflictError.exit_code
    assert outcome.stderr.count("\n") == 1
    assert exported == []
    assert [*tmp_path.iterdir()] == []


def test_export_named_trial_goes_to_a_folder_of_its_name(
    exported: list[tuple[TrialRecord, Path]],
    study: Path,
    run_main: RunMain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run_main("export", study, "--trial", "cnn-config-1-s1")
    assert outcome.code == 0
    ((record, folder),) = exported
    assert record.config["seed"] == 1
    assert folder == Path("s-cnn-config-1-s1")
    assert outcome.stdout.splitlines()[-1] == str(folder)


def test_export_vote_goes_to_a_folder_of_its_name(
    exported: list[tuple[TrialRecord, Path]],
    study: Path,
    run_main: RunMain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run_main("export", study, "--vote", "cnn-config-1")
    assert outcome.code == 0
    ((record, folder),) = exported
    assert record.config["seed"] == 1
    assert folder == Path("s-cnn-config-1-vote")


@pytest.mark.parametrize("words", [["--vote", "nope"], ["--vote", "x", "--trial", "y"]])
def test_export_wrong_vote_exits_2_before_exporting(
    exported: list[object], study: Path, run_main: RunMain, words: list[str]
) -> None:
    outcome = run_main("export", study, *words)
    assert outcome.code == 2
    assert outcome.stderr.count("\n") == 1
    assert exported == []
