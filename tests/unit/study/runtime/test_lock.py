"""A study in a store is held by one process at a time, and by the next when that one is dead."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bloodnets.errors import ConflictError, MachineError
from bloodnets.storage.backends import Address, Remote
from study.runtime import lock
from study.runtime.lock import LEASE, held, is_held
from tests.store import BUCKET, Store


@pytest.fixture
def study(running: Store, request: pytest.FixtureRequest) -> Iterator[Address]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "RENEW_S", 0.2)
        patch.setattr(lock, "WATCH_S", 3.0)
        yield Address(f"s3://{BUCKET}/{request.node.name}")


def test_a_second_process_is_refused_and_the_next_is_not(study: Address) -> None:
    assert not is_held(study)
    with held(study):
        assert is_held(study)
        with pytest.raises(ConflictError, match=f"another bloodstudy is at work on {study}"):
            ExitStack().enter_context(held(study))
    assert not is_held(study)
    with held(study):
        assert is_held(study)


def test_a_lease_that_nobody_renews_is_over(study: Address) -> None:
    Remote(study).write(LEASE, b"who was killed")
    began = time.monotonic()
    with held(study):
        waited = time.monotonic() - began
    assert waited > 3.0


def test_who_lost_its_study_ends(study: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()
        raise OSError  # as far as this thread is concerned, that is the end

    monkeypatch.setattr(lock, "end_at_once", end)
    with held(study):
        Remote(study).write(LEASE, b"another that took it over")
        assert ended.wait(20)
    assert set(codes) == {4}


def test_a_store_that_cannot_be_written_is_named(running: Store) -> None:
    with pytest.raises(MachineError, match=r"cannot write to s3://no-such-bucket/x: .*NO_SUCH"):
        ExitStack().enter_context(held(Address("s3://no-such-bucket/x")))
