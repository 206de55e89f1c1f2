"""Calls in a forked process: their results, their exceptions, and their end."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import NoReturn

import pytest

from bloodnets.errors import DataError, ResourceError
from reports.sections.forked_call import ForkedCall, call_all

Call = Callable[[], Iterator[tuple[int, ...]]]


def raise_error() -> NoReturn:
    raise DataError("bad cells", value=8, remedy="use others")


def signal_itself(number: signal.Signals) -> str:
    signal.raise_signal(number)
    return "done"


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_forked_call_returns_the_result_of_another_process() -> None:
    unpicklable = [lambda: 3]  # not copied, but inherited
    call = ForkedCall(lambda functions: (functions[0](), os.getpid()), unpicklable)
    number, pid = call.get_result()
    assert number == 3
    assert pid != os.getpid()


def test_forked_call_that_raises_raises_the_same_here() -> None:
    call = ForkedCall(raise_error)
    with pytest.raises(DataError) as caught:
        call.get_result()
    assert (caught.value.problem, caught.value.value, caught.value.remedy) == (
        "bad cells", 8, "use others"
    )  # fmt: skip


def test_forked_call_whose_process_is_killed_is_a_resource_error() -> None:
    call = ForkedCall(kill_itself)
    with pytest.raises(ResourceError, match=str(-signal.SIGKILL)):
        call.get_result()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_forked_call_ignores_a_terminals_signals_which_its_parent_handles(
    number: signal.Signals,
) -> None:
    assert ForkedCall(signal_itself, number).get_result() == "done"


def test_forked_call_that_is_terminated_does_not_run_its_parents_handler() -> None:
    previous_handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        call = ForkedCall(signal_itself, signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
    with pytest.raises(ResourceError, match=str(-signal.SIGTERM)):
        call.get_result()


def yield_with_pid(*values: int) -> Iterator[tuple[int, ...]]:
    yield (os.getpid(), *values)


@pytest.mark.parametrize("parallel", [False, True])
def test_call_all_gives_the_results_in_the_order_of_the_calls(parallel: bool) -> None:
    calls = [partial(yield_with_pid, number) for number in range(50)]
    results = call_all(calls, parallel=parallel)
    assert [value for ((_, value),) in results] == [*range(50)]


def test_call_all_parallel_makes_the_next_call_while_another_one_takes_long() -> None:
    reader, writer = os.pipe()

    def wait_for_the_others() -> Iterator[tuple[int, ...]]:
        os.read(reader, 1)
        yield (os.getpid(),)

    def release() -> Iterator[tuple[int, ...]]:
        os.write(writer, b"1")
        yield (os.getpid(),)

    quick: Call = partial(yield_with_pid)
    calls: list[Call] = [wait_for_the_others, quick, quick, quick, release]
    ((waiting,),), *others = call_all(calls, parallel=True)
    os.close(reader)
    os.close(writer)
    assert {pid for ((pid,),) in others}.isdisjoint({waiting})


def test_call_all_parallel_raises_what_a_call_raises() -> None:
    calls: list[Call] = [partial(yield_with_pid), raise_error]
    with pytest.raises(DataError):
        call_all(calls, parallel=True)
