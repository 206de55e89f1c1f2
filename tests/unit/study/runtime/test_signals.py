"""Signals that stop a command: their exit codes, when they take effect, and what is left."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.runtime.signals import (
    InterruptHandler,
    StudyInterruptedError,
    defer_interrupts,
    drop_closed_terminal,
    list_signals,
    raise_interrupts,
)

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

RAISED_SIGNALS = [signal.SIGINT, signal.SIGTERM]
"""Signals that are raised in the process of the tests; SIGHUP only strikes other processes."""

# A process that is struck by a signal while it has a temporary folder and a child.
STRUCK = """
import os, subprocess, sys
from pathlib import Path
from bloodnets.storage.temp_folder import open_temp_folder
from study.runtime.signals import exit_on_signals

exit_on_signals()
with open_temp_folder(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"], stderr=subprocess.DEVNULL)
    os.kill(os.getpid(), int(sys.argv[2]))
    print("survived")
    child.kill()
"""


def strike(number: signal.Signals, folder: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    """Run the process to its end; its child has its standard output, and must end as well."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", STRUCK, folder, str(int(number))],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # tests may run in nohup
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_exit_on_signals_ends_the_process_in_one_line_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    done = strike(number, tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (128 + number, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_exit_on_signals_under_nohup_ignores_a_hangup(tmp_path: Path) -> None:
    done = strike(signal.SIGHUP, tmp_path, "nohup")
    assert (done.returncode, done.stdout) == (0, "survived\n")


def test_list_signals_omits_a_hangup_that_is_ignored(received: list[int]) -> None:
    assert list_signals() == tuple(SIGNALS)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert list_signals() == (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", RAISED_SIGNALS)
def test_raise_interrupts_raises_an_error_with_the_exit_code(
    number: signal.Signals, received: list[int]
) -> None:
    with pytest.raises(StudyInterruptedError) as caught, raise_interrupts():
        signal.raise_signal(number)
    assert caught.value.exit_code == 128 + number
    signal.raise_signal(number)
    assert received == [number]


# A process that is struck by SIGHUP where signals raise an error, and prints its exit code.
HUNG_UP = """
import signal
from study.runtime.signals import StudyInterruptedError, raise_interrupts

signal.signal(signal.SIGHUP, signal.SIG_DFL)
try:
    with raise_interrupts():
        signal.raise_signal(signal.SIGHUP)
except StudyInterruptedError as error:
    print(error.exit_code)
"""


def test_raise_interrupts_at_a_hangup_raises_an_error_with_the_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUNG_UP], capture_output=True, text=True, check=True
    )
    assert done.stdout == "129\n"


def test_drop_closed_terminal_lets_writes_succeed_only_after_it_is_closed() -> None:
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w", buffering=1) as file:
        drop_closed_terminal()
        file.write("seen\n")
        assert os.read(controller, 100).strip() == b"seen"
        os.close(controller)
        with pytest.raises(OSError, match="Input/output"):
            os.write(terminal, b"lost")
        drop_closed_terminal()
        file.write("dropped\n")


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_study_interrupted_error_exit_code_follows_the_signal(number: int, exit_code: int) -> None:
    error = StudyInterruptedError("interrupted", number)
    assert (str(error), error.exit_code) == ("interrupted", exit_code)


def test_study_interrupted_error_with_remedy_keeps_its_exit_code() -> None:
    error = StudyInterruptedError("interrupted", signal.SIGTERM).with_remedy("resume it")
    assert isinstance(error, StudyInterruptedError)
    assert (str(error), error.exit_code) == ("interrupted; resume it", 143)


@pytest.mark.parametrize("number", RAISED_SIGNALS)
def test_interrupt_handler_raises_keyboard_interrupt_and_keeps_the_signal(
    number: signal.Signals, received: list[int]
) -> None:
    with InterruptHandler() as handler, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert handler.signal_number == number


@pytest.mark.parametrize("number", RAISED_SIGNALS)
def test_interrupt_handler_counts_no_signal_after_its_context(
    number: signal.Signals, received: list[int]
) -> None:
    """Otherwise, the second signal would end this process."""
    with InterruptHandler():
        pass
    for _ in range(3):
        signal.raise_signal(number)
    assert received == [number] * 3
    assert signal.set_wakeup_fd(-1) == -1


@pytest.fixture
def received() -> Iterator[list[int]]:
    """Signals that reached this process's handlers."""
    numbers: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: numbers.append(number))
        for number in SIGNALS
    }
    yield numbers
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", RAISED_SIGNALS)
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
