"""Test a full disk: the error is named, earlier results stay intact, and the study can resume."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from reports.verification.entered_files import check_entered_files
from tests.faults.conftest import FaultRow
from tests.faults.studies import GRID_OPTIONS, StudyRunner, assert_same_results

ROOM_LEFT = 8 * 2**20
"""Free space in bytes: less than the weights of an MLNN, so that they are written in part."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system with little more room than the grid needs."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m,mode=700", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"only root can mount a file system: {done.stderr}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_grid_on_a_full_disk_is_ended_with_what_it_has_and_resumed(
    tmp_path: Path, small: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    study = StudyRunner(small, data_file, "s", *GRID_OPTIONS, "--max-concurrent", "1")
    study.log_path = tmp_path / "log"
    command = study.start()
    study.wait_for_output(r": complete after", command)
    filler_path = small / "filler"
    with filler_path.open("wb") as filler_file:
        os.posix_fallocate(filler_file.fileno(), 0, shutil.disk_usage(small).free - ROOM_LEFT)
    assert command.wait(200) == ResourceError.exit_code, study.stderr_text
    last = study.stderr_text.splitlines()[-1]
    assert os.strerror(errno.ENOSPC) in last
    assert str(study.folder) in last
    _, records = check_entered_files(study.ledger, interrupted=True)
    n_trials = len(undisturbed.read_trials())
    assert 1 <= len(records) < n_trials
    filler_path.unlink()
    assert_same_results(study.resume_to_end(), undisturbed)
    row(
        "the disk full",
        "named; old results whole",
        f"exit 3, {len(records)} of {n_trials} trials whole; with room, resume equal",
    )
