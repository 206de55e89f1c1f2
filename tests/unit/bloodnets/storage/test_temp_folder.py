"""A temporary folder is removed with its owner, and never before."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bloodnets.storage.temp_folder import (
    OWNER_FILE,
    TEMP_PREFIX,
    open_temp_folder,
    remove_temp_folders,
)

# A process that owns a folder, and has started another process, which may outlive it.
OWNER = """
import subprocess, sys
from pathlib import Path
from bloodnets.storage.temp_folder import open_temp_folder

with open_temp_folder(Path(sys.argv[1])) as folder:
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    print(child.pid, folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Yield a process that owns a folder in `tmp_path`, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child_pid, folder = process.stdout.readline().split()
    yield process, Path(folder)
    os.kill(int(child_pid), 9)
    process.kill()
    process.communicate()


def open_and_close(parent: Path) -> None:
    with open_temp_folder(parent):
        pass


def test_open_temp_folder_is_private_and_removed_at_its_end(tmp_path: Path) -> None:
    with open_temp_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith(TEMP_PREFIX)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_open_temp_folder_keeps_the_folder_of_a_living_owner(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], Path]
) -> None:
    open_and_close(tmp_path)
    assert owner[1].is_dir()


def test_open_temp_folder_removes_the_folder_of_a_killed_owner_whose_child_lives(
    tmp_path: Path, owner: tuple[subprocess.Popen[str], Path]
) -> None:
    process, folder = owner
    process.kill()
    process.wait()
    open_and_close(tmp_path)
    assert not folder.exists()


def test_open_temp_folder_keeps_another_of_the_same_process(tmp_path: Path) -> None:
    with open_temp_folder(tmp_path) as folder:
        open_and_close(tmp_path)
        assert folder.is_dir()


def test_open_temp_folder_keeps_a_folder_that_its_owner_has_not_locked_yet(tmp_path: Path) -> None:
    new_folder = tmp_path / f"{TEMP_PREFIX}12345678"
    new_folder.mkdir()
    (new_folder / f"{OWNER_FILE}.new").touch()
    open_and_close(tmp_path)
    assert new_folder.is_dir()


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system refuse locks."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_open_temp_folder_without_locks_removes_no_other_folder(tmp_path: Path) -> None:
    other_folder = tmp_path / f"{TEMP_PREFIX}12345678"
    other_folder.mkdir()
    (other_folder / OWNER_FILE).touch()
    open_and_close(tmp_path)
    assert list(tmp_path.iterdir()) == [other_folder]


@pytest.mark.usefixtures("no_locks")
def test_open_temp_folder_without_locks_is_kept_by_a_process_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_temp_folder(tmp_path) as folder:
        monkeypatch.undo()
        open_and_close(tmp_path)
        assert folder.is_dir()


def test_remove_temp_folders_removes_those_of_this_process(tmp_path: Path) -> None:
    with open_temp_folder(tmp_path) as folder:
        remove_temp_folders()
        assert not folder.exists()


def test_remove_temp_folders_in_a_forked_process_keeps_those_of_its_parent(tmp_path: Path) -> None:
    with open_temp_folder(tmp_path) as folder:
        pid = os.fork()
        if pid == 0:
            remove_temp_folders()
            os._exit(0)
        os.waitpid(pid, 0)
        assert folder.is_dir()
