"""Train studies once for all tests, in the xdist worker that needs them first."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from reports.ledger.ledger import Ledger
from tests.helpers.command import run_command


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedStudy:
    """Trained study, of which tests may only change a copy.

    Attributes:
        folder: Folder of the study.
        exit_code: Exit code of the command that trained it.
        stdout: Text that the command printed.
        stderr: Text that it printed to standard error.
    """

    folder: Path
    exit_code: int
    stdout: str
    stderr: str

    @property
    def ledger(self) -> Ledger:
        """Ledger of the study."""
        return Ledger(self.folder)


def build_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]
) -> Path:
    """Return a folder that the first caller in any xdist worker fills, while the others wait.

    Args:
        tmp_path_factory: Pytest's factory of temporary folders.
        name: Name of the folder, the same in all workers.
        build: Function that fills the folder.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, is_built = root / name, root / f"{name}.built"
    with FileLock(root / f"{name}.lock"):
        if not is_built.exists():
            folder.mkdir()  # fails for all callers if the first could not fill it
            build(folder)
            is_built.touch()
    return folder


def train_once(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    *arguments: str | Path,
    run: Callable[..., subprocess.CompletedProcess[str]] = run_command,
) -> TrainedStudy:
    """Return the study `name`, which one command trains.

    Args:
        tmp_path_factory: Pytest's factory of temporary folders.
        name: Name of the study.
        arguments: Arguments of the command; its working directory and storage are the parent of the
            study's folder.
        run: Function that runs the command.
    """

    def build(folder: Path) -> None:
        result = run(*arguments, "--storage", folder, "--name", name, folder=folder)
        output = {"exit_code": result.returncode, "stdout": result.stdout, "stderr": result.stderr}
        (folder / "output.json").write_text(json.dumps(output))

    folder = build_once(tmp_path_factory, f"trained-{name}", build)
    output = json.loads((folder / "output.json").read_text())
    return TrainedStudy(folder=folder / name, **output)
