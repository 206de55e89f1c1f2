"""Ctrl-C and SIGTERM both end a study in an orderly way, each with its own exit code.

A second one ends the process at once: nothing that is entered can be lost.
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
    """A study was asked to stop, and what it had is kept.

    Attributes:
        exit_code: 128 plus the signal's number: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class InterruptHandler:
    """Turns the first SIGINT or SIGTERM into `KeyboardInterrupt`, and remembers which it was.

    Always that exception, and the signal kept beside it, because Ray's C++ parts let no other
    exception of a signal handler through, and make a new one of this. Python calls a handler only
    when the main thread comes back from C++, which can take seconds, and then once for two
    signals: so it is a thread that sees the second.

    Attributes:
        signal_number: of the first signal received; SIGINT before any.
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
        for handled_signal in SIGNALS:  # the thread answers to a second one
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
    """What Ctrl-C does while there is nothing to lose.

    Most of that time is spent in imports, where `KeyboardInterrupt` can come out as any exception,
    as none, or as a crash.
    """
    if os.isatty(2):  # the line of a spinner
        os.write(2, ERASE_LINE)
    os.write(2, b"bloodstudy: interrupted\n")
    kill_process_tree(128 + signal_number)


@contextmanager
def enable_keyboard_interrupt() -> Iterator[None]:
    """Ctrl-C raises `KeyboardInterrupt` meanwhile: there is something half made to be removed."""
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Hold back SIGINT and SIGTERM until the end of the context; the first then takes effect.

    For what starts processes: Python runs signal handlers just after a fork, where it ignores what
    they raise, and the locks of its logging module then stay locked. For imports, too.
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
            handler(received[0], None)  # not sent again, which would count as a second signal
        else:
            signal.raise_signal(received[0])


def kill_process_tree(exit_code: int) -> NoReturn:
    """End this process and all that it started; Ray's own would stay for a minute."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if os.isatty(0):  # a table that renews itself had hidden it
        os.write(0, SHOW_CURSOR)
    os._exit(exit_code)
