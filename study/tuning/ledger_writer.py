"""Write trials to a ledger in threads, so that Ray Tune need not wait."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Self

from reports.ledger.event_log import EventLog
from reports.ledger.ledger import Ledger
from reports.ledger.log_repair import append_lost_evaluation
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import EventKind
from study.tuning.background_writer import BackgroundWriter

END_THREADS = 8
"""Number of trials whose ends are written at the same time; in object storage, one takes 0.3 s."""


class LedgerWriter:
    """Context manager that writes the proposals, starts and ends of trials.

    Proposals and starts are written in order. Ends are written at the same time, each after the
    proposals and starts before it. What several threads add to the log is written once.

    Every method raises `StudyError` if an earlier operation failed.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._starts, self._ends = BackgroundWriter(), BackgroundWriter(n_threads=END_THREADS)
        self._last_start: Future[None] | None = None
        self._entries: deque[Callable[[EventLog], None]] = deque()
        self._log_lock = Lock()
        self._log_error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until everything is written."""
        try:
            self._starts.close()
        finally:
            self._ends.close()

    def add_proposal(self, planned: PlannedTrial) -> None:
        """Add a proposal of a search."""
        self._last_start = self._starts.submit(lambda: self._ledger.add_proposal(planned))

    def add_start(self, trial_id: str, *, is_retry: bool) -> None:
        """Log the start of an attempt at a trial.

        Args:
            trial_id: Id of the trial.
            is_retry: Whether an earlier attempt failed in this run.
        """

        def append(log: EventLog) -> None:
            if is_retry:
                append_lost_evaluation(self._ledger, log, trial_id)
            log.append(EventKind.STARTED, trial_id=trial_id)

        self._last_start = self._starts.submit(lambda: self._log(append))

    def add_end(
        self,
        record: TrialRecord,
        epochs: Sequence[EpochRecord],
        *,
        test_reason: str | None,
        on_written: Callable[[TrialRecord], None],
    ) -> None:
        """Add a trial that has ended, and remove its checkpoint.

        Args:
            record: Record of the trial; its `files` are those that the worker wrote.
            epochs: Epochs of the trial, in order.
            test_reason: Reason why the trial was evaluated on test; None if it was not.
            on_written: Function that `collect` calls with the record as written.
        """
        last_start = self._last_start

        def write() -> TrialRecord:
            if last_start is not None:
                last_start.result()
            saved_record, content = self._ledger.write_trial(record, epochs=epochs)
            self._log(lambda log: log.append_end(saved_record, content, test_reason=test_reason))
            self._ledger.remove_checkpoint(record.id)
            return saved_record

        self._ends.submit(write, on_written)

    def collect(self) -> None:
        """Call `on_written` for the trials that have been written."""
        self._starts.collect()
        self._ends.collect()

    def _log(self, append: Callable[[EventLog], None]) -> None:
        """Append to the log, together with what other threads append."""
        self._entries.append(append)
        with self._log_lock:
            if self._log_error is not None:  # another thread could not write this entry
                raise self._log_error
            entries = [self._entries.popleft() for _ in range(len(self._entries))]
            if not entries:  # another thread has written this entry
                return
            try:
                self._ledger.log.append(entries)
            except Exception as error:
                self._log_error = error
                raise
