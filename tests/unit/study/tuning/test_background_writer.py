"""Operations run in order in one thread; their errors reach the caller."""

from threading import Event, get_ident

import pytest

from bloodnets.errors import ResourceError
from study.tuning import background_writer
from study.tuning.background_writer import BackgroundWriter


def fail() -> None:
    raise ResourceError("disk full")


def test_submit_operations_run_in_order_in_another_thread() -> None:
    threads, numbers = set[int](), list[int]()
    with BackgroundWriter() as writer:
        for number in range(50):
            writer.submit(get_ident, threads.add)
            writer.submit(lambda number=number: numbers.append(number))  # type: ignore[misc]
    assert numbers == list(range(50))
    assert len(threads) == 1
    assert threads != {get_ident()}


def test_collect_calls_the_function_of_each_finished_operation_once() -> None:
    is_free, results = Event(), list[str]()
    with BackgroundWriter() as writer:
        is_done = Event()
        writer.submit(lambda: "first", results.append)
        writer.submit(is_done.set)
        writer.submit(is_free.wait)
        writer.submit(lambda: "second", results.append)
        is_done.wait()
        while not results:
            writer.collect()
        writer.collect()
        assert results == ["first"]
        is_free.set()
    assert results == ["first", "second"]


def test_close_failed_operation_raises_and_later_ones_are_skipped() -> None:
    results = list[str]()
    writer = BackgroundWriter()
    writer.submit(lambda: "first", results.append)
    writer.submit(fail)
    writer.submit(lambda: results.append("third"))
    with pytest.raises(ResourceError, match="disk full"):
        writer.close()
    assert results == ["first"]


def test_submit_after_a_failure_with_a_full_queue_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_writer, "MAX_PENDING", 1)
    writer = BackgroundWriter()
    writer.submit(fail)
    with pytest.raises(ResourceError, match="disk full"):
        writer.submit(lambda: None)


def test_submit_with_a_full_queue_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_writer, "MAX_PENDING", 2)
    n_running, counts = 0, list[int]()

    def count() -> None:
        nonlocal n_running
        n_running -= 1

    with BackgroundWriter() as writer:
        for _ in range(20):
            n_running += 1
            writer.submit(count)
            counts.append(n_running)
    assert max(counts) <= 3
