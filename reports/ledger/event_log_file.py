"""Read the log of a study from its file, and append to it."""

from collections.abc import Callable, Iterable

from reports.ledger.event_log import EVENTS_FILE, Event, EventLog, compute_sha256
from reports.ledger.records import TestEvaluation
from reports.ledger.states import EventKind
from reports.ledger.study_files import StudyFiles

TEST_EVALUATIONS_FILE = "test_evaluations.jsonl"
"""File of version 3 of the format, which had no log."""


class EventLogFile:
    """File of a study's log.

    Version 3 of the format has only test evaluations, which are read from `TEST_EVALUATIONS_FILE`.
    """

    def __init__(self, files: StudyFiles) -> None:
        self._files = files

    def read_events(self) -> list[Event]:
        """Return the events of the log, in order; none for a study of version 3.

        Raises:
            ConflictError: The log is missing or unreadable.
        """
        return self._files.read_lines(Event, EVENTS_FILE) if self._files.has_log else []

    def read_test_evaluations(self) -> list[TestEvaluation]:
        """Return all test evaluations so far, in the order of the log.

        Raises:
            ConflictError: The log is unreadable.
        """
        if not self._files.has_log:
            return self._files.read_lines(TestEvaluation, TEST_EVALUATIONS_FILE, missing_ok=True)
        return [
            TestEvaluation(
                trial_id=event.trial_id or "",
                evaluated_at=event.logged_at,
                reason=event.reason or "",
            )
            for event in self.read_events()
            if event.kind is EventKind.TESTED
        ]

    def read(self) -> EventLog:
        """Return the log, to append events to it.

        Raises:
            ConflictError: The log is missing or unreadable.
        """
        self.read_events()
        return self._read_unchecked()

    def write(self, log: EventLog) -> None:
        """Write a log to which events were appended.

        Raises:
            ResourceError: The folder cannot be written.
        """
        self._files.write(EVENTS_FILE, log.lines)

    def append(self, entries: Iterable[Callable[[EventLog], None]]) -> None:
        """Append events, and write the file once.

        Args:
            entries: Functions that append to the log.

        Raises:
            ResourceError: The folder cannot be written.
        """
        log = self._read_unchecked()
        for add_events in entries:
            add_events(log)
        self.write(log)

    def add_test_evaluation(self, trial_id: str, *, reason: str) -> None:
        """Log an evaluation on test of a model whose trial has ended.

        Args:
            trial_id: Id of the trial.
            reason: Reason of the evaluation.

        Raises:
            ConflictError: The log is unreadable.
            ResourceError: The folder cannot be written.
        """
        log = self.read()
        log.append(EventKind.TESTED, trial_id=trial_id, reason=reason)
        self.write(log)

    def add_report(self) -> None:
        """Log the report in the folder of the study, unless the last event says the same.

        Raises:
            ConflictError: The log is unreadable.
            ResourceError: The folder cannot be written.
        """
        log, events = self.read(), self.read_events()
        sha256 = compute_sha256(self._files.read("report/index.html"))
        if events and (events[-1].kind, events[-1].sha256) == (EventKind.REPORTED, sha256):
            return
        log.append(EventKind.REPORTED, sha256=sha256)
        self.write(log)

    def _read_unchecked(self) -> EventLog:
        """Return the log without parsing its lines, which would dominate the cost of an entry."""
        return EventLog(self._files.read(EVENTS_FILE))
