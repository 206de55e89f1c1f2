"""A study in a store is held by one process at a time, and by the next when that one is dead."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage
from study.runtime import lock
from study.runtime.lock import LEASE_FILE, is_locked, lock_study
from tests.helpers.s3 import S3_BUCKET, S3Server


@pytest.fixture
def study(running: S3Server, request: pytest.FixtureRequest) -> Iterator[RemotePath]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "RENEW_INTERVAL_S", 0.2)
        patch.setattr(lock, "LEASE_TIMEOUT_S", 3.0)
        yield RemotePath(f"s3://{S3_BUCKET}/{request.node.name}")


def test_lock_study_remote_refuses_a_second_process_until_released(study: RemotePath) -> None:
    assert not is_locked(study)
    with lock_study(study):
        assert is_locked(study)
        with pytest.raises(ConflictError, match=f"another bloodstudy is at work on {study}"):
            ExitStack().enter_context(lock_study(study))
    assert not is_locked(study)
    with lock_study(study):
        assert is_locked(study)


def test_lock_study_expired_lease_is_taken_over(study: RemotePath) -> None:
    RemoteStorage(study).write(LEASE_FILE, b"who was killed")
    began = time.monotonic()
    with lock_study(study):
        waited = time.monotonic() - began
    assert waited > 3.0


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
    with pytest.raises(ResourceError, match=r"cannot write to s3://no-such-bucket/x: .*NO_SUCH"):
        ExitStack().enter_context(lock_study(RemotePath("s3://no-such-bucket/x")))
