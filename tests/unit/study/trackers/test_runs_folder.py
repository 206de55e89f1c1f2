"""The folder of runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from study.trackers.runs_folder import MARKER_FILE, new_runs_folder, require_runs_folder


def write(folder: Path, study: StudyRecord, content: str, tracker: str = "mlflow") -> None:
    with new_runs_folder(folder, study, tracker) as new_folder:
        (new_folder / "run").write_text(content)


def write_half(folder: Path, study: StudyRecord) -> None:
    with new_runs_folder(folder, study, "mlflow") as new_folder:
        (new_folder / "run").write_text("half")
        raise OSError(28, "No space left on device")


def test_new_runs_folder_same_study_replaces_the_runs(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    write(folder, ledger.study, "first")
    write(folder, ledger.study, "second")
    assert {path.name for path in folder.iterdir()} == {"run", MARKER_FILE}
    assert (folder / "run").read_text() == "second"
    assert [*folder.parent.iterdir()] == [folder]
    assert folder.stat().st_mode == folder.parent.stat().st_mode


def test_new_runs_folder_error_keeps_the_previous_runs(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    write(folder, ledger.study, "first")
    with pytest.raises(ResourceError) as caught:
        write_half(folder, ledger.study)
    assert caught.value.path == str(folder)
    assert (folder / "run").read_text() == "first"
    assert [*folder.parent.iterdir()] == [folder]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"names": 1}'])
def test_require_runs_folder_without_a_valid_marker_raises(
    ledger: Ledger, tmp_path: Path, content: str | None
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    if content is not None:
        (folder / MARKER_FILE).write_text(content)
    with pytest.raises(ConflictError) as caught:
        require_runs_folder(folder, ledger.study, "mlflow")
    assert caught.value.path == str(folder)


def test_require_runs_folder_file_or_dangling_link_raises(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nothing")
    for name in ("file", "link"):
        with pytest.raises(ConflictError):
            require_runs_folder(tmp_path / name, ledger.study, "mlflow")


def test_require_runs_folder_other_study_tracker_or_file_raises(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder, study = tmp_path / "out", ledger.study
    require_runs_folder(folder, study, "mlflow")
    write(folder, study, "runs")
    require_runs_folder(folder, study, "mlflow")
    for other_study, tracker in (
        (study, "tensorboard"),
        (replace(study, name="other"), "mlflow"),
        (replace(study, created_at="2026-01-03T03:04:05Z"), "mlflow"),
    ):
        with pytest.raises(ConflictError):
            require_runs_folder(folder, other_study, tracker)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ConflictError) as caught:
        require_runs_folder(folder, study, "mlflow")
    assert "notes.txt" in caught.value.problem
