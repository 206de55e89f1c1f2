"""Resume, replay and report from the record alone: from another directory, and with other code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.cli_runs import RunHere
from tests.helpers.forgeries import rewrite_log

ROOT = Path(__file__).parents[2]
PACKAGES = ("bloodnets", "reports", "study")
SCALING = "mul_(2 / 255).sub_(1)"
"""The last operation of `training.evaluation.scale_pixels`, which a test replaces."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the three packages, whose code can be changed."""
    folder = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pyc*"))
    return folder


@pytest.fixture(scope="module")
def study_folder(data_file: Path, tmp_path_factory: pytest.TempPathFactory, train: RunHere) -> Path:
    """A grid of one configuration with two seeds, whose data are named by a relative path."""
    folder = tmp_path_factory.mktemp("here")
    shutil.copy(data_file, folder / "cells.npz")
    options = ("--data-file=cells.npz", "--storage=.", "--name=s", "--max-epochs=1", "--seeds=2")
    done = train("grid", "--config=mlnn-config-2", *options, "--max-concurrent=1", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "s"


def run_command(
    sources: Path, folder: Path, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", "from study.cli.main import main; main()", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(sources)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def remove_last_trial(study_folder: Path) -> str:
    """Remove a trial as if it had never run; return its id."""
    trial_id = Ledger(study_folder).study.trials[-1].id
    for path in study_folder.rglob(f"{trial_id}*"):
        path.unlink()
    rewrite_log(study_folder)
    return trial_id


def test_resume_from_another_directory_uses_the_recorded_data_path(
    study_folder: Path, tmp_path: Path, train: RunHere
) -> None:
    def run(*words: str) -> str:
        done = train(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert Ledger(study_folder).study.data.path == str(study_folder.parent / "cells.npz")
    study = str(study_folder)
    assert "best weights: bit-identical" in run("replay", study, "mlnn-config-2-s0")
    run("report", study)
    page = (study_folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "data:image/png" in page  # test images
    before = Ledger(study_folder)
    trial_id = remove_last_trial(study_folder)
    run("resume", study)
    after = Ledger(study_folder)
    (planned,) = (trial for trial in after.study.trials if trial.id == trial_id)
    record = after.read_trial(planned)
    assert record is not None
    assert record.software_sha256 == before.study.software.sha256
    assert record.versions is not None
    assert record.versions.keys() == before.study.software.versions.keys()
    assert not after.read_software_changes()


def test_resume_with_other_code_is_refused_until_it_is_allowed(
    sources: Path, study_folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "s"
    shutil.copytree(study_folder, study)
    trial_id = remove_last_trial(study)
    changed_sources = tmp_path / "changed"
    shutil.copytree(sources, changed_sources)
    module = changed_sources / "bloodnets" / "training" / "evaluation.py"
    code = module.read_text(encoding="utf-8")
    assert SCALING in code
    module.write_text(code.replace(SCALING, "mul_(1 / 255)"), encoding="utf-8")

    done = run_command(changed_sources, tmp_path, "resume", str(study), code=4)
    *phases, error = done.stderr.splitlines()
    assert all(phase.endswith(" …") for phase in phases)
    assert "the source code of bloodnets changed" in error
    assert "--allow-code-change" in error
    assert not list(study.rglob(f"{trial_id}*"))

    words = ("resume", str(study), "--allow-code-change", "--quiet")
    done = run_command(changed_sources, tmp_path, *words)
    assert (done.stdout.strip(), done.stderr) == (str(study / "report/index.html"), "")
    ledger = Ledger(study)
    (change,) = ledger.read_software_changes()
    first, second = ledger.read_trials()
    assert first.software_sha256 == ledger.study.software.sha256
    assert second.software_sha256 == change.software.sha256 != first.software_sha256
    report = (study / "report" / "report.md").read_text(encoding="utf-8")
    assert "The software changed while this study was trained" in report
    assert "1 of 2 trials were trained with this software" in report
    run_command(changed_sources, tmp_path, "report", str(study), "--verify")
