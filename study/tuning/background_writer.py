"""Write files in a thread, so that Ray Tune need not wait."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

ResultT = TypeVar("ResultT")

MAX_PENDING = 1000
"""Number of writes that may wait. If the storage is slower than the trials, Tune waits for it."""


class BackgroundWriter:
    """Context manager that runs write operations in order, in one thread.

    If an operation fails, the later ones are skipped.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._pending: deque[tuple[Future[Any], Callable[[Any], None] | None]] = deque()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the writer."""
        self.close()

    def submit(
        self,
        write: Callable[[], ResultT],
        on_written: Callable[[ResultT], None] | None = None,
    ) -> None:
        """Submit an operation; wait for an earlier one if too many are pending.

        Args:
            write: Operation to run in the thread.
            on_written: Function that `collect` or `close` calls with the result, in the thread of
                its caller.

        Raises:
            StudyError: An earlier operation failed.
        """
        while len(self._pending) >= MAX_PENDING:
            self._finish_first()
        self._pending.append((self._thread.submit(self._run, write), on_written))

    def collect(self) -> None:
        """Finish the operations that the thread has run.

        Raises:
            StudyError: An operation failed.
        """
        while self._pending and self._pending[0][0].done():
            self._finish_first()

    def close(self) -> None:
        """Wait for all operations, and finish them.

        Raises:
            StudyError: An operation failed.
        """
        try:
            while self._pending:
                self._finish_first()
        finally:
            self._thread.shutdown()

    def _run(self, write: Callable[[], ResultT]) -> ResultT:
        if self._error is not None:
            raise self._error
        try:
            return write()
        except Exception as error:
            self._error = error
            raise

    def _finish_first(self) -> None:
        future, on_written = self._pending.popleft()
        result = future.result()
        if on_written is not None:
            on_written(result)
