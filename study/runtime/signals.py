"""Stop a command on Ctrl-C, SIGTERM or SIGHUP, each with its own exit code.

A second signal ends the process immediately. Trials in the ledger are never lost.
"""

import errno
import os
import signal
import socket
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, Self

import psutil

from bloodnets.errors import StudyError
from bloodnets.storage.temp_folder import remove_temp_folders

SHOW_CURSOR = b"\x1b[?25h"
ERASE_LINE = b"\r\x1b[2K"


class StudyInterruptedError(StudyError):
    """Error for a study that was interrupted and can be resumed.

    Attributes:
        exit_code: Exit code of the process: 129 for SIGHUP, 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def list_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that stop a command.

    A command started by `nohup` ignores SIGHUP, which is sent when its terminal is closed.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    is_detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return signals[:2] if is_detached else signals


class InterruptHandler:
    """Context in which the first signal of `list_signals` raises `KeyboardInterrupt`.

    The exception cannot carry the signal: Ray's C++ code lets only `KeyboardInterrupt` through, and
    raises a new one. Python calls a handler only when the main thread returns from C++, which can
    take seconds, and then once for two signals. Therefore a thread receives the second signal.

    At the end of the context, the previous handlers are installed again.

    Attributes:
        signal_number: Number of the first signal received; SIGINT before any.
    """

    def __init__(self) -> None:
        self.signal_number: int = signal.SIGINT
        self._signals = list_signals()

    def __enter__(self) -> Self:
        self._read_socket, self._write_socket = socket.socketpair()
        self._write_socket.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(self._write_socket.fileno())
        threading.Thread(target=self._count_signals, daemon=True).start()
        self._previous_handlers = {
            number: signal.signal(number, self._handle_signal) for number in self._signals
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        self._write_socket.close()  # ends the thread

    def _handle_signal(self, signal_number: int, frame: FrameType | None) -> None:
        for handled_signal in self._signals:  # the thread handles a second signal
            signal.signal(handled_signal, lambda *_: None)
        self.signal_number = signal_number
        drop_closed_terminal()
        raise KeyboardInterrupt

    def _count_signals(self) -> None:
        count = 0
        while count < 2:
            received = self._read_socket.recv(1)
            if not received:  # the context has ended
                self._read_socket.close()
                return
            signal_number = received[0]
            count += signal_number in self._signals
        kill_process_tree(128 + signal_number)


def exit_on_signals() -> None:
    """Let each signal of `list_signals` end the process immediately, while no work can be lost.

    Most of this time is spent in imports, where `KeyboardInterrupt` can surface as any exception,
    be swallowed, or crash the process.
    """
    for number in list_signals():
        signal.signal(number, _exit_on_signal)


def _exit_on_signal(signal_number: int, frame: FrameType | None) -> NoReturn:
    drop_closed_terminal()
    if os.isatty(2):  # a spinner may occupy the line
        os.write(2, ERASE_LINE)
    os.write(2, b"bloodstudy: interrupted\n")
    kill_process_tree(128 + signal_number)


@contextmanager
def raise_interrupts() -> Iterator[None]:
    """Let a signal raise an exception in the context, so that partial files are removed.

    Raises:
        StudyInterruptedError: A signal of `list_signals` was received.
    """
    received: list[int] = []

    def raise_interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
        received.append(signal_number)
        drop_closed_terminal()
        raise KeyboardInterrupt  # unlike an `Exception`, no library handles it

    previous_handlers = {
        number: signal.signal(number, raise_interrupt) for number in list_signals()
    }
    try:
        yield
    except KeyboardInterrupt:
        raise StudyInterruptedError("interrupted", received[0]) from None
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer signals to the end of the context, where the first one takes effect.

    Code that starts processes needs this: Python runs signal handlers just after a fork and ignores
    what they raise, and the locks of the logging module then stay locked. Imports need it as well.
    """
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in list_signals()
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


@contextmanager
def start_processes() -> Iterator[None]:
    """Let processes that start within the context survive a closed terminal, but not an error.

    Only this process handles SIGHUP, and then ends them. Ray itself does this for Ctrl-C. If Ray
    fails to start, it leaves its processes running.
    """
    other_processes = set(psutil.Process().children(recursive=True))
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # is inherited
    try:
        yield
    except BaseException:
        for child in set(psutil.Process().children(recursive=True)) - other_processes:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def drop_closed_terminal() -> None:
    """Redirect what is written to a terminal that has been closed to the null device.

    Each write would fail, also those that end a command in order.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for fd in map(int, os.listdir("/dev/fd")):
        try:
            termios.tcgetattr(fd)
        except termios.error as error:
            if error.args[0] == errno.EIO:  # other files have other errors
                os.dup2(null, fd)
    os.close(null)


_exit_lock = threading.RLock()


def kill_process_tree(exit_code: int) -> NoReturn:
    """Kill all descendants of this process, remove its temporary folders, and exit.

    Ray's processes would outlive it by a minute. The first thread that calls this determines the
    exit code: the thread that watches Ray finds its processes gone, too.

    Args:
        exit_code: Exit code of this process.
    """
    _exit_lock.acquire()  # is never released; a signal may call this again in the same thread
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    remove_temp_folders()
    if os.isatty(0):  # a live table hides the cursor
        os.write(0, SHOW_CURSOR)
    os._exit(exit_code)
