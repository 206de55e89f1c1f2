"""Write files in threads, so that Ray Tune need not wait."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

ResultT = TypeVar("ResultT")

MAX_PENDING = 1000
"""Number of writes that may wait. If the storage is slower than the trials, Tune waits for it."""


class BackgroundWriter:
    """Context manager that runs write operations in threads.

    If an operation fails, the later ones are skipped.
    """

    def __init__(self, *, n_threads: int = 1) -> None:
        """Create a writer without operations.

        Args:
            n_threads: Number of threads. One thread runs the operations in order.
        """
        self._threads = ThreadPoolExecutor(n_threads)
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
    ) -> "Future[ResultT]":
        """Submit an operation; wait for an earlier one if too many are pending.

        Args:
            write: Operation to run in a thread.
            on_written: Function that `collect` or `close` calls with the result, in the thread of
                its caller.

        Returns:
            Result of the operation, for other threads.

        Raises:
            StudyError: An earlier operation failed.
        """
        while len(self._pending) >= MAX_PENDING:
            self._finish_first()
        future = self._threads.submit(self._run, write)
        self._pending.append((future, on_written))
        return future

    def collect(self) -> None:
        """Finish the operations that have run, in the order in which they were submitted.

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
            self._threads.shutdown()

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
