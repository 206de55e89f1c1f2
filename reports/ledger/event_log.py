"""The log of a study: a chain of events, each with the hash of the line before it.

Lines are only appended. A line that is changed, removed or inserted later breaks the chain. Someone
who can write the file can also compute a new chain; only a copy of the last hash that is kept
somewhere else shows that.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic.dataclasses import dataclass

from reports.ledger.records import TrialRecord
from reports.ledger.serialization import STRICT, from_json, to_json
from reports.ledger.states import EventKind, TrialState

EVENTS_FILE = "events.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Event:
    """One line of the log of a study.

    Attributes:
        kind: Kind of the event.
        trial_id: Id of the trial; None if the event is not about a trial.
        attempt: Number of `started` events of the trial so far: 1 in the first attempt, 0 for a
            trial that ended without a start; None if the event is not about a trial.
        logged_at: Time of the entry, ISO 8601, UTC.
        sha256: For `planned`, the fingerprint of the study. For `tested`, the SHA-256 of the
            trial's predictions, or None if they were not stored. For `ended`, that of the trial's
            record. For `reported`, that of `report/index.html`. None for `started`.
        state: State of the trial for `ended`; None for other kinds.
        reason: Reason why a model was evaluated on test; None for other kinds.
        previous_sha256: SHA-256 of the line before, without its line break; for the first line,
            that of an empty text.
    """

    kind: EventKind
    trial_id: str | None
    attempt: int | None
    logged_at: str
    sha256: str | None
    state: TrialState | None
    reason: str | None
    previous_sha256: str


class Attempt:
    """The last attempt at a trial, as far as a log knows it.

    Attributes:
        number: Number of `started` events of the trial.
        is_tested: Whether a test evaluation was entered in this attempt.
        is_ended: Whether the end of this attempt was entered.
        tested_sha256s: SHA-256 of the predictions on test that were entered in any attempt.
    """

    def __init__(self, events: Iterable[Event], trial_id: str) -> None:
        """Find the last attempt in the events of a log, or in those about the trial."""
        self.number, self.is_tested, self.is_ended = 0, False, False
        self.tested_sha256s: set[str | None] = set()
        for event in events:
            if event.trial_id != trial_id:
                continue
            if event.kind is EventKind.STARTED:
                self.number, self.is_tested, self.is_ended = self.number + 1, False, False
            if event.kind is EventKind.TESTED:
                self.is_tested = True
                self.tested_sha256s.add(event.sha256)
            self.is_ended |= event.kind is EventKind.ENDED


class EventLog:
    """Lines of a log, to which events are appended in memory.

    Attributes:
        lines: Contents of `events.jsonl`, in which each line ends with a line feed.
    """

    def __init__(self, lines: bytes = b"") -> None:
        # A tool may have changed the line breaks or removed the last one.
        if b"\r" in lines or (lines and not lines.endswith(b"\n")):
            lines = b"".join(line + b"\n" for line in lines.splitlines())
        self.lines = lines

    def find_attempt(self, trial_id: str) -> Attempt:
        """Return the last attempt at a trial.

        Only the lines about the trial are parsed; parsing all of them at each append would dominate
        the cost.

        Raises:
            ValueError: A line is not an event.
        """
        key, own_lines = trial_id.encode(), []
        position = self.lines.find(key)
        while position >= 0:
            start, end = self.lines.rfind(b"\n", 0, position) + 1, self.lines.index(b"\n", position)
            own_lines.append(self.lines[start:end])
            position = self.lines.find(key, end)
        return Attempt((from_json(Event, line) for line in own_lines), trial_id)

    def append_end(
        self, record: TrialRecord, content: bytes, *, test_reason: str | None = None
    ) -> None:
        """Append the end of a trial, and before it, its evaluation on test.

        Args:
            record: Record of the trial.
            content: Contents of its file.
            test_reason: Reason why the trial was evaluated on test; None if it was not, or if that
                is in the log.

        Raises:
            ValueError: A line about the trial is not an event.
        """
        if test_reason is not None:
            sha256 = record.files.get(f"predictions/{record.id}.npz")
            self.append(EventKind.TESTED, trial_id=record.id, sha256=sha256, reason=test_reason)
        self.append(
            EventKind.ENDED,
            trial_id=record.id,
            sha256=compute_sha256(content),
            state=record.state,
        )

    def append(
        self,
        kind: EventKind,
        *,
        trial_id: str | None = None,
        sha256: str | None = None,
        state: TrialState | None = None,
        reason: str | None = None,
    ) -> None:
        """Append an event; its attempt is the next one for a start, else the last one.

        Args:
            kind: Kind of the event.
            trial_id: Id of the trial, see `Event`.
            sha256: Digest of what the event is about, see `Event`.
            state: State of a trial that ended.
            reason: Reason of a test evaluation.

        Raises:
            ValueError: A line about the trial is not an event.
        """
        attempt = None
        if trial_id is not None:
            is_start = kind is EventKind.STARTED
            attempt = self.find_attempt(trial_id).number + is_start
        event = Event(
            kind=kind,
            trial_id=trial_id,
            attempt=attempt,
            logged_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=sha256,
            state=state,
            reason=reason,
            previous_sha256=compute_sha256(self.lines[self.lines.rfind(b"\n", 0, -1) + 1 : -1]),
        )
        self.lines += to_json(event, indent=None) + b"\n"


def begin_log(fingerprint: str) -> EventLog:
    """Return the log of a new study with this fingerprint."""
    log = EventLog()
    log.append(EventKind.PLANNED, sha256=fingerprint)
    return log


def compute_sha256(content: bytes) -> str:
    """Return a SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
