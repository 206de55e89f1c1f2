"""A call in a forked process: its result, its exception, and its end."""

import os
import signal

import pytest

from bloodnets.errors import DataError, ResourceError
from reports.sections.forked_call import ForkedCall


def raise_error() -> None:
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
