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


class StudyInterruptedError(StudyError):
    """A study was asked to stop, and what it had is kept.

    Attributes:
        exit_code: 128 plus the signal's number: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Interrupts:
    """Turns the first SIGINT or SIGTERM into `KeyboardInterrupt`, and remembers which it was.

    Always that exception, and the signal kept beside it, because Ray's C++ parts let no other
    exception of a signal handler through, and make a new one of this. Python calls a handler only
    when the main thread comes back from C++, which can take seconds, and then once for two
    signals: so it is a thread that sees the second.

    Attributes:
        number: of the first signal received; SIGINT before any.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._received, self._arrives = socket.socketpair()
        self._arrives.setblocking(False)
        signal.set_wakeup_fd(self._arrives.fileno())
        threading.Thread(target=self._count, daemon=True).start()
        for number in SIGNALS:
            signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:  # the thread answers to a second one
            signal.signal(each, lambda *_: None)
        self.number = number
        raise KeyboardInterrupt

    def _count(self) -> None:
        count = 0
        while count < 2:
            number = self._received.recv(1)[0]
            count += number in SIGNALS
        end_at_once(128 + number)


def end_before_it_begins(number: int, frame: FrameType | None) -> NoReturn:
    """What Ctrl-C does while there is nothing to lose.

    Most of that time is spent in imports, where `KeyboardInterrupt` can come out as any exception,
    as none, or as a crash.
    """
    os.write(2, b"bloodstudy: interrupted\n")
    end_at_once(128 + number)


@contextmanager
def tidily() -> Iterator[None]:
    """Ctrl-C raises `KeyboardInterrupt` meanwhile: there is something half made to be removed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_at_once(code: int) -> NoReturn:
    """End this process and all that it started; Ray's own would stay for a minute."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if os.isatty(0):  # a table that renews itself had hidden it
        os.write(0, SHOW_CURSOR)
    os._exit(code)
