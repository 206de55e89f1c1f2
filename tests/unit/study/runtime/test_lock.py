"""A study is held by one process at a time, and by the next when that one is dead."""

import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import STUDY_FILE, RemotePath
from bloodnets.storage.remote import RemoteStorage
from study.runtime import lock
from study.runtime.lock import LEASE_FILE, is_locked, keep_locked, lock_study, require_unlocked
from tests.helpers.s3 import S3_BUCKET, S3Server


@pytest.fixture
def study(running: S3Server, request: pytest.FixtureRequest) -> Iterator[RemotePath]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "RENEW_INTERVAL_S", 0.2)
        patch.setattr(lock, "LEASE_TIMEOUT_S", 1.5)
        yield RemotePath(f"s3://{S3_BUCKET}/{request.node.name}")


def test_lock_study_remote_refuses_a_second_process_until_released(study: RemotePath) -> None:
    assert not is_locked(study)
    with lock_study(study):
        assert is_locked(study)
        with pytest.raises(ConflictError) as caught:
            ExitStack().enter_context(lock_study(study))
        assert caught.value.path == str(study)
        assert caught.value.remedy is not None
    assert not is_locked(study)
    with lock_study(study):
        assert is_locked(study)


def test_lock_study_remote_at_its_end_leaves_an_empty_lease(study: RemotePath) -> None:
    """The next process need not wait for the lease to expire."""
    with lock_study(study):
        assert RemoteStorage(study).read(LEASE_FILE) != b""
    assert RemoteStorage(study).read(LEASE_FILE) == b""


def test_lock_study_expired_lease_is_taken_over(study: RemotePath) -> None:
    RemoteStorage(study).write(LEASE_FILE, b"who was killed")
    with lock_study(study):
        assert not RemoteStorage(study).read(LEASE_FILE).startswith(b"who was killed")
        assert is_locked(study)


def test_lock_study_lost_lease_ends_the_process(
    study: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()
        raise OSError  # as far as this thread is concerned, that is the end

    monkeypatch.setattr(lock, "kill_process_tree", end)
    with lock_study(study):
        RemoteStorage(study).write(LEASE_FILE, b"another that took it over")
        assert ended.wait(20)
    assert set(codes) == {4}


def test_lock_study_unwritable_store_raises(running: S3Server) -> None:
    with pytest.raises(ResourceError) as caught:
        ExitStack().enter_context(lock_study(RemotePath("s3://no-such-bucket/x")))
    assert caught.value.path == "s3://no-such-bucket/x"
    assert isinstance(caught.value.__cause__, OSError)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a study, as far as a lock sees it."""
    (tmp_path / STUDY_FILE).touch()
    return tmp_path


def test_lock_study_folder_refuses_a_second_process_until_released(folder: Path) -> None:
    require_unlocked(folder)
    with lock_study(folder):
        assert is_locked(folder)
        with pytest.raises(ConflictError) as caught, lock_study(folder):
            pytest.fail("two processes hold the lock")
        assert caught.value.path == str(folder)
        with pytest.raises(ConflictError):
            require_unlocked(folder)
    assert not is_locked(folder)


def test_lock_study_folder_waits_for_a_reader_that_tests_the_lock(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / STUDY_FILE).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(file, fcntl.LOCK_UN))
        with lock_study(folder):
            assert is_locked(folder)


def test_keep_locked_after_the_file_was_replaced_refuses_a_second_process(folder: Path) -> None:
    with lock_study(folder):
        new_path = folder / "new.json"
        new_path.touch()
        new_path.replace(folder / STUDY_FILE)
        assert not is_locked(folder)
        with keep_locked(folder):
            assert is_locked(folder)
            with pytest.raises(ConflictError), lock_study(folder):
                pytest.fail("two processes hold the lock")
    assert not is_locked(folder)


def test_is_locked_folder_without_a_study_is_false(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)


def test_lock_study_of_a_killed_process_is_released(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from study.runtime.lock import lock_study\n"
        "with lock_study(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_locked(folder)
    holder.kill()
    holder.communicate()
    assert not is_locked(folder)
