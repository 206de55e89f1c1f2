"""The error of a study that was interrupted, and signals that are held back."""

import signal
from collections.abc import Iterator

import pytest

from study.runtime.signals import InterruptHandler, StudyInterruptedError, defer_interrupts


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_study_interrupted_error_exit_code_follows_the_signal(number: int, exit_code: int) -> None:
    error = StudyInterruptedError("interrupted", number)
    assert (str(error), error.exit_code) == ("interrupted", exit_code)


def test_study_interrupted_error_with_remedy_keeps_its_exit_code() -> None:
    error = StudyInterruptedError("interrupted", signal.SIGTERM).with_remedy("resume it")
    assert isinstance(error, StudyInterruptedError)
    assert (str(error), error.exit_code) == ("interrupted; resume it", 143)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_handler_raises_keyboard_interrupt_and_keeps_the_signal(
    number: signal.Signals, received: list[int]
) -> None:
    handler = InterruptHandler()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        signal.set_wakeup_fd(-1)
    assert handler.signal_number == number


@pytest.fixture
def received() -> Iterator[list[int]]:
    """Signals that reached this process's handlers."""
    numbers: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: numbers.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield numbers
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_defer_interrupts_delivers_a_signal_once_at_the_end(
    number: signal.Signals, received: list[int]
) -> None:
    with defer_interrupts():
        signal.raise_signal(number)
        assert received == []
    assert received == [number]
    signal.raise_signal(number)
    assert received == [number, number]


def test_defer_interrupts_raises_what_the_handler_raises_at_the_end(received: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    steps: list[str] = []

    def interrupt() -> None:
        with defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            steps.append("still at work")

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert steps == ["still at work"]


def test_defer_interrupts_without_a_signal_keeps_the_handlers(received: list[int]) -> None:
    with defer_interrupts():
        pass
    signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGINT]
