"""The disk is full: it is said, what was there is whole, and with room the study goes on."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.verification.verify import check_entered_files
from tests.faults.conftest import FaultRow
from tests.faults.studies import StudyRunner, assert_same_results

GRID = (
    "--config",
    "mlnn-config-1",
    "--config",
    "mlnn-config-2",
    "--seeds",
    "2",
    "--max-epochs",
    "2",
    "--max-concurrent",
    "1",
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Room for two models and a state of SGD or Adam (50, 67 MB), but not for a third model."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=105m,mode=700", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"only root can mount a file system: {done.stderr}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_grid_on_a_full_disk_is_ended_with_what_it_has_and_resumed(
    tmp_path: Path, small: Path, data_file: Path, row: FaultRow
) -> None:
    expected = StudyRunner(tmp_path / "whole", data_file, "s", *GRID).run_to_end()
    study = StudyRunner(small, data_file, "s", *GRID)
    study.log_path = tmp_path / "log"
    assert study.start().wait(200) == 3, study.stderr_text
    last = study.stderr_text.splitlines()[-1]
    assert os.strerror(errno.ENOSPC) in last
    assert str(study.folder) in last
    _, records = check_entered_files(study.ledger, interrupted=True)
    assert len(records) == 2
    subprocess.run(["mount", "-o", "remount,size=400m", str(small)], check=True)
    assert_same_results(study.resume_to_end(), expected)
    row(
        "the disk full",
        "named; old results whole",
        f"exit 3, {len(records)} of 4 trials whole; with room, resume equal",
    )
