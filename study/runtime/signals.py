"""Stop a study on Ctrl-C or SIGTERM, each with its own exit code.

A second signal ends the process immediately. Trials in the ledger are never lost.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import psutil

from bloodnets.errors import StudyError

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SHOW_CURSOR = b"\x1b[?25h"
ERASE_LINE = b"\r\x1b[2K"


class StudyInterruptedError(StudyError):
    """Error for a study that was interrupted and can be resumed.

    Attributes:
        exit_code: Exit code of the process: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class InterruptHandler:
    """Signal handler that raises `KeyboardInterrupt` on the first SIGINT or SIGTERM.

    The exception cannot carry the signal: Ray's C++ code lets only `KeyboardInterrupt` through, and
    raises a new one. Python calls a handler only when the main thread returns from C++, which can
    take seconds, and then once for two signals. Therefore a thread receives the second signal.

    Attributes:
        signal_number: Number of the first signal received; SIGINT before any.
    """

    def __init__(self) -> None:
        self.signal_number: int = signal.SIGINT
        self._read_socket, self._write_socket = socket.socketpair()
        self._write_socket.setblocking(False)
        signal.set_wakeup_fd(self._write_socket.fileno())
        threading.Thread(target=self._count_signals, daemon=True).start()
        for signal_number in SIGNALS:
            signal.signal(signal_number, self._handle_signal)

    def _handle_signal(self, signal_number: int, frame: FrameType | None) -> None:
        for handled_signal in SIGNALS:  # the thread handles a second signal
            signal.signal(handled_signal, lambda *_: None)
        self.signal_number = signal_number
        raise KeyboardInterrupt

    def _count_signals(self) -> None:
        count = 0
        while count < 2:
            signal_number = self._read_socket.recv(1)[0]
            count += signal_number in SIGNALS
        kill_process_tree(128 + signal_number)


def exit_on_sigint(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Exit immediately on Ctrl-C, while no work can be lost.

    Most of this time is spent in imports, where `KeyboardInterrupt` can surface as any exception,
    be swallowed, or crash the process.

    Args:
        signal_number: Number of the signal.
        frame: Current stack frame; not used.
    """
    if os.isatty(2):  # a spinner may occupy the line
        os.write(2, ERASE_LINE)
    os.write(2, b"bloodstudy: interrupted\n")
    kill_process_tree(128 + signal_number)


@contextmanager
def enable_keyboard_interrupt() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` in the context, so that partial files are removed."""
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer SIGINT and SIGTERM to the end of the context, where the first one takes effect.

    Code that starts processes needs this: Python runs signal handlers just after a fork and ignores
    what they raise, and the locks of the logging module then stay locked. Imports need it as well.
    """
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if received:
        handler = handlers[signal.Signals(received[0])]
        if callable(handler):
            handler(received[0], None)  # raising the signal would count as a second one
        else:
            signal.raise_signal(received[0])


def kill_process_tree(exit_code: int) -> NoReturn:
    """Kill all descendants of this process and exit; Ray's processes would outlive it by a minute.

    Args:
        exit_code: Exit code of this process.
    """
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if os.isatty(0):  # a live table hides the cursor
        os.write(0, SHOW_CURSOR)
    os._exit(exit_code)
