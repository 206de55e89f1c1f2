"""Run calls in a forked copy of this process, so that a report uses two cores."""

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from bloodnets.errors import ResourceError

T = TypeVar("T")

_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class ForkedCall(Generic[T]):
    """A call that runs in parallel with this process.

    The arguments are not copied, because the child shares this process's memory. The result is
    pickled. The child has no other threads, and a lock that another thread holds stays locked in
    it. Use this only if no other thread can hold a lock.
    """

    def __init__(self, function: Callable[..., T], *args: object) -> None:
        """Start the call.

        Args:
            function: Function to call.
            args: Its arguments.
        """
        context = get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        # A daemon ends with this process, even if this process fails.
        self._process = context.Process(
            target=_send_outcome, args=(sender, function, args), daemon=True
        )
        # Signals of a terminal reach both processes; only this one handles them. The child inherits
        # the mask.
        previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
        sender.close()

    def get_result(self) -> T:
        """Wait for the result and return it, or raise the exception of the call.

        Raises:
            ResourceError: The child was killed.
        """
        try:
            result, error = self._receiver.recv()
        except EOFError as end:
            self._process.join()
            raise ResourceError(
                f"a report process was killed (exit code {self._process.exitcode})",
                remedy="free some memory and retry",
            ) from end
        self._process.join()
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]


def _send_outcome(
    sender: Connection, function: Callable[..., object], args: tuple[object, ...]
) -> None:
    """Call the function and send the result or the exception to the parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # with it, a parent that exits ends its children
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    outcome: tuple[object, Exception | None]
    try:
        outcome = function(*args), None
    except Exception as error:
        outcome = None, error
    with suppress(BrokenPipeError):  # the parent was killed
        sender.send(outcome)


def call_all(calls: Sequence[Callable[[], Iterable[T]]], *, parallel: bool) -> list[list[T]]:
    """Make each call and return what it yields, in the order of the calls.

    Args:
        calls: At most 256 calls without arguments, the longest first. One process makes each, so a
            call should not depend on what another one changes.
        parallel: Whether to fork a process that shares the work: whichever is free makes the next
            call. See `ForkedCall` for when this is safe.
    """
    if not parallel:
        return [list(call()) for call in calls]
    # Each byte is the index of a call. Reading one is atomic, so no lock is needed.
    reader, writer = os.pipe()
    os.write(writer, bytes(range(len(calls))))
    os.close(writer)
    try:
        forked_call = ForkedCall(_call_next, calls, reader)
        results = _call_next(calls, reader) | forked_call.get_result()
    finally:
        os.close(reader)
    return [results[index] for index in range(len(calls))]


def _call_next(calls: Sequence[Callable[[], Iterable[T]]], reader: int) -> dict[int, list[T]]:
    """Make calls until none is left, and return what they yield by index."""
    results = {}
    while index := os.read(reader, 1):
        results[index[0]] = list(calls[index[0]]())
    return results
