"""A call in a forked copy of this process, so that a report is made on two cores."""

import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from bloodnets.errors import ResourceError

T = TypeVar("T")


class ForkedCall(Generic[T]):
    """A call that runs while this process goes on with other work.

    The arguments are not copied, as the child has this process's memory. The result is pickled. A
    child takes over no threads, and a lock that another thread holds stays locked in it: call this
    only where no other thread may hold one.
    """

    def __init__(self, function: Callable[..., T], *args: object) -> None:
        """Start the call.

        Args:
            function: What to call.
            args: Its arguments.
        """
        context = get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        # A daemon: it ends with this process, whatever happens here.
        self._process = context.Process(
            target=_send_outcome, args=(sender, function, args), daemon=True
        )
        # Ctrl-C reaches both processes, and is this one's to handle: the child inherits the mask.
        previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
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
                f"a process that writes the report was killed (exit code {self._process.exitcode})",
                remedy="free some memory and try again",
            ) from end
        self._process.join()
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]


def _send_outcome(
    sender: Connection, function: Callable[..., object], args: tuple[object, ...]
) -> None:
    """Call, and send the result or the exception to the parent."""
    outcome: tuple[object, Exception | None]
    try:
        outcome = function(*args), None
    except Exception as error:
        outcome = None, error
    with suppress(BrokenPipeError):  # the parent was killed
        sender.send(outcome)
