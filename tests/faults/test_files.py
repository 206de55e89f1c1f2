"""Test truncated and deleted study files: each is rebuilt or named, never silently restarted."""

import json
import os
import pickle
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import StudyError
from bloodnets.models import build_model
from reports.ledger.ledger import Ledger
from study.configs.presets import PUBLISHED
from study.lifecycle import status
from study.lifecycle.file_check import check_study_files
from tests.faults.conftest import FaultRow
from tests.faults.studies import (
    GRID_OPTIONS,
    IS_FULL_RUN,
    StudyRunner,
    assert_same_results,
    get_checkpoint_epochs,
    list_messages,
)
from tests.helpers.command import run_command
from tests.helpers.search_builder import SEARCH_RECORD, build_search

CUTS = (0, 0.25, 0.5, 0.75, None)
"""Share of a file that is left, 0 to 1; None if the file is deleted."""

REGENERATED_FILES = ("optuna.journal", "ray.log", "report/", "checkpoints/.")
"""Files that resuming does not read: those derived from others, a log, the workers' marker."""


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> StudyRunner:
    """Interrupt a grid that has finished, running and pending trials."""
    study = StudyRunner(
        tmp_path_factory.mktemp("interrupted"),
        data_file,
        "s",
        *GRID_OPTIONS,
        "--max-concurrent",
        "1",
    )
    process = study.start()
    study.wait_for_output(r": complete after", process)
    study.wait_for_output(r"mlnn-config-1-s0\S+: epoch 3/", process)
    process.kill()
    assert get_checkpoint_epochs(study.ledger)
    return study


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Build a search with its confirmation, without training."""
    settings = replace(SEARCH_RECORD, n_trials=6, retrain_top=1, retrain_seeds=1)
    return build_search(tmp_path_factory.mktemp("search") / "s", search=settings)


def damaged(folder: Path, scratch: Path) -> Iterator[tuple[str, float | None, Path]]:
    """Yield copies of a study, each with one file cut in one way."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for cut in CUTS:
            copy = scratch / "s"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy, copy_function=os.link)  # no file is modified in place
            name = str(path.relative_to(folder))
            (copy / name).unlink()
            if cut is not None:
                content = path.read_bytes()
                (copy / name).write_bytes(content[: int(cut * len(content))])
            yield name, cut, copy


def outcome(copy: Path) -> StudyError | list[str]:
    """Return the notes or the error with which resuming a study begins."""
    try:
        return check_study_files(Ledger(copy))
    except StudyError as error:
        return error


def rebuilt(name: str, cut: float | None, found: list[str]) -> bool:
    """Return whether resuming without this file is right, with a note for a restarted trial."""
    trial = Path(name).stem if name.startswith("trials/") else Path(name).parent.name
    return name.startswith(REGENERATED_FILES) or (
        cut is None
        and name.startswith(("trials/", "checkpoints/"))
        and any(note.startswith(f"{trial}: ") for note in found)
    )


def test_grid_with_a_damaged_file_is_refused_or_rebuilt(
    interrupted: StudyRunner, undisturbed: Ledger, data_file: Path, tmp_path: Path, row: FaultRow
) -> None:
    cases = named = again = 0
    for name, cut, copy in damaged(interrupted.folder, tmp_path):
        cases += 1
        found = outcome(copy)
        if isinstance(found, StudyError):
            named += 1
            assert found.exit_code == 4, (name, cut, found)
            assert Path(name).name in str(found), (name, cut, found)
            continue
        again += 1
        assert rebuilt(name, cut, found), (name, cut, found)
        if IS_FULL_RUN:
            resumed = StudyRunner(tmp_path, data_file, "s").resume_to_end()
            assert_same_results(resumed, undisturbed)
    if not IS_FULL_RUN:
        remove_what_is_rebuilt(interrupted.folder, tmp_path / "s")
        resumed = StudyRunner(tmp_path, data_file, "s").resume_to_end()
        assert_same_results(resumed, undisturbed)
    assert named > 0 < again
    row(
        "a file of a grid's folder cut at 0, 25, 50, 75% or deleted",
        "rebuilt, or exit 4 naming it; never a silent start from scratch",
        f"{cases} cases: {named} named with exit 4, {again} to be rebuilt "
        f"({'each' if IS_FULL_RUN else 'one without a record and checkpoints'} resumed: equal to "
        "the bit)",
    )


def remove_what_is_rebuilt(folder: Path, copy: Path) -> None:
    """Copy a study without the record of a trial, and without its checkpoints."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    next((copy / "trials").glob("*.json")).unlink()
    for path in (copy / "checkpoints").glob("*/state.safetensors"):
        path.unlink()


def test_search_with_a_damaged_file_is_refused_or_rebuilt(
    search: Ledger, tmp_path: Path, row: FaultRow
) -> None:
    cases = named = again = 0
    for name, cut, copy in damaged(search.folder, tmp_path):
        cases += 1
        found = outcome(copy)
        if isinstance(found, StudyError):
            named += 1
            assert found.exit_code == 4, (name, cut, found)
            assert Path(name).name in str(found), (name, cut, found)
        else:
            again += 1
            assert rebuilt(name, cut, found), (name, cut, found)
    assert named > 0
    row(
        "the same, of a search's folder",
        "the same",
        f"{cases} cases: {named} named with exit 4, {again} to be rebuilt",
    )


def test_resume_with_a_damaged_model_names_it_and_changes_nothing(
    interrupted: StudyRunner, tmp_path: Path
) -> None:
    copy = tmp_path / "s"
    shutil.copytree(interrupted.folder, copy)
    (broken,) = [path for path in (copy / "models").iterdir() if "cnn-config-2-s0" in path.name]
    broken.write_bytes(broken.read_bytes()[:1000])
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    done = run_command(*shlex.split(status.format_resume_command(Ledger(copy), None))[1:])
    assert done.returncode == 4, done.stderr
    assert str(broken) in done.stderr
    assert len(list_messages(done.stderr)) == 1
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


class Attack:
    """Object that creates a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.marker),)


def pickled(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Attack(marker)))


def saved_by_torch(path: Path, marker: Path) -> None:
    torch.save({"model": Attack(marker)}, path)


def of_another_network(path: Path, marker: Path) -> None:
    """Write the right header with the tensors of a CNN."""
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]
    network = build_model(PUBLISHED["cnn-config-1"], BLOODMNIST_SHAPE)
    tensors = {f"model.{k}": v.contiguous() for k, v in network.state_dict().items()}
    save_file(tensors, path, metadata=header)


def test_resume_with_a_foreign_checkpoint_names_it_and_runs_no_code(
    interrupted: StudyRunner, tmp_path: Path, row: FaultRow
) -> None:
    marker = tmp_path / "marker"
    for spoil in (pickled, saved_by_torch, of_another_network):
        copy = tmp_path / spoil.__name__
        shutil.copytree(interrupted.folder, copy)
        (state,) = (copy / "checkpoints").glob("*/state.safetensors")
        spoil(state, marker)
        before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
        done = run_command("resume", copy)
        assert done.returncode == 2, done.stderr
        assert str(state) in done.stderr
        assert len(list_messages(done.stderr)) == 1
        assert not marker.exists()
        assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    row(
        "a checkpoint of another architecture, a malicious file in its place",
        "exit 2; no code runs",
        "exit 2 in 3 cases; no marker file",
    )
