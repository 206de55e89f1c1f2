"""Check that the log of a study is unbroken and agrees with the plan and the trial records."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger.event_log import EVENTS_FILE, Event, compute_sha256
from reports.ledger.event_log_file import TEST_EVALUATIONS_FILE
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.ledger.states import EventKind, TrialState
from reports.verification.agreement import expect_equal


def check_log(
    ledger: Ledger, records: Mapping[str, TrialRecord], *, interrupted: bool = False
) -> str:
    """Check the log of a study.

    Args:
        ledger: Ledger of a study that has a log.
        records: Trial records by id.
        interrupted: Whether the study is about to be resumed. Then, a trial that has ended may lack
            its record or have ended more than once, because the record was removed to re-train it.

    Returns:
        Line that describes what was checked, with the SHA-256 of the last line.

    Raises:
        ConflictError: The log contradicts itself or another file.
    """
    events, lines = ledger.log.read_events(), ledger.files.read(EVENTS_FILE).splitlines()
    _check_chain(ledger, events, lines)
    events_by_trial: dict[str, list[Event]] = {}
    for event in events[1:]:
        if event.trial_id is not None:
            events_by_trial.setdefault(event.trial_id, []).append(event)
    for trial_id, trial_events in events_by_trial.items():
        _check_attempts(trial_id, trial_events)
        if trial_id not in records and not interrupted:
            _require_not_ended(trial_id, trial_events)
    for record in records.values():
        _check_trial(ledger, record, events_by_trial.get(record.id, ()), interrupted=interrupted)
    return _describe_log(events, records, compute_sha256(lines[-1]))


def _check_chain(ledger: Ledger, events: Sequence[Event], lines: Sequence[bytes]) -> None:
    """Check that each line repeats the hash of the one before, and that the first is the plan."""
    previous_lines = [b"", *lines]
    for number, event in enumerate(events, start=1):
        expect_equal(
            EVENTS_FILE,
            f"previous_sha256 in line {number}",
            event.previous_sha256,
            compute_sha256(previous_lines[number - 1]),
            f"line {number - 1}" if number > 1 else "an empty text",
        )
        is_planned = event.kind is EventKind.PLANNED
        expect_equal(
            EVENTS_FILE, f"line {number} is the plan", is_planned, number == 1, "its place"
        )
        is_about_trial = event.kind not in {EventKind.PLANNED, EventKind.REPORTED}
        has_trial = event.trial_id is not None and event.attempt is not None
        expect_equal(
            EVENTS_FILE, f"line {number} names a trial", has_trial, is_about_trial, "its kind"
        )
    if not events:
        raise ConflictError(f"{EVENTS_FILE} is empty", path=EVENTS_FILE)
    fingerprint = ledger.study.fingerprint
    expect_equal(EVENTS_FILE, "digest of the plan", events[0].sha256, fingerprint, "study.json")


def _check_attempts(trial_id: str, events: Sequence[Event]) -> None:
    """Check that attempts are numbered, and that nothing is trained after the end of one."""
    n_started = 0
    for event in events:
        n_started += event.kind is EventKind.STARTED
        quantity = f"attempt of an event of {trial_id}"
        expect_equal(EVENTS_FILE, quantity, event.attempt, n_started, "the starts before it")


def _require_not_ended(trial_id: str, events: Sequence[Event]) -> None:
    name = f"trials/{trial_id}.json"
    for event in events:
        if event.kind in {EventKind.TESTED, EventKind.ENDED}:
            raise ConflictError(
                f"{name} is missing, but {EVENTS_FILE} says that the trial was {event.kind} at "
                f"{event.logged_at}",
                path=name,
                value=event.kind,
            )


def _check_trial(
    ledger: Ledger, record: TrialRecord, events: Sequence[Event], *, interrupted: bool
) -> None:
    """Check that a trial ended once, and that record and test evaluation are those of the log."""
    name = f"trials/{record.id}.json"
    ends = [index for index, event in enumerate(events) if event.kind is EventKind.ENDED]
    if not ends:
        raise ConflictError(
            f"{name} exists, but {EVENTS_FILE} has no end of the trial",
            path=name,
            remedy="if the study was interrupted, resume it",
        )
    # A failed trial may be retried: it has no scores.
    n_repeated = sum(events[index].state is not TrialState.FAILED for index in ends[:-1])
    if not interrupted and n_repeated:
        raise ConflictError(
            f"{EVENTS_FILE}: {record.id} ended {len(ends)} times, so its record was removed and "
            "the trial was repeated",
            path=EVENTS_FILE,
            value=len(ends),
            expected="1",
        )
    end = events[ends[-1]]
    sha256 = compute_sha256(ledger.files.read(name))
    expect_equal(name, "SHA-256", sha256, end.sha256, EVENTS_FILE)
    if record.state is TrialState.COMPLETE and not end.attempt:
        raise ConflictError(f"{EVENTS_FILE} has no start of {record.id}", path=EVENTS_FILE)
    evaluations = [
        event
        for event in events[: ends[-1]]
        if event.kind is EventKind.TESTED and event.attempt == end.attempt
    ]
    quantity, n_expected = (
        f"number of test evaluations of {record.id}",
        int("test" in record.scores),
    )
    expect_equal(EVENTS_FILE, quantity, len(evaluations), n_expected, name)
    for event in evaluations:
        predictions_name = f"predictions/{record.id}.npz"
        expected_sha256 = record.files[predictions_name]
        # Version 3 of the format did not store the digest.
        if event.sha256 is not None:
            quantity = f"digest of the predictions of {record.id}"
            expect_equal(EVENTS_FILE, quantity, event.sha256, expected_sha256, name)


def _describe_log(
    events: Sequence[Event], records: Mapping[str, TrialRecord], head_sha256: str
) -> str:
    counts = Counter(event.trial_id for event in events if event.kind is EventKind.TESTED)
    tested_ids = {record.id for record in records.values() if "test" in record.scores}
    repeated_ids = [str(key) for key, count in counts.items() if count > (key in tested_ids)]
    more_text = f", and more of {', '.join(repeated_ids)}" if repeated_ids else ""
    return (
        f"{format_count(counts.total(), 'test evaluation')}: one for each trial with test "
        f"scores{more_text}; {EVENTS_FILE} has {format_count(len(events), 'event')} that agree "
        f"with plan and records, the last with SHA-256 {head_sha256}"
    )


def check_test_evaluations(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """Check the file that version 3 of the format had instead of a log.

    Each trial with scores on test has one test evaluation, and no other trial has any.

    Args:
        ledger: Ledger of a study of version 3.
        records: Trial records by id.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: The file contradicts a record.
    """
    evaluations = ledger.log.read_test_evaluations()
    for record in records.values():
        name, n_expected = f"trials/{record.id}.json", int("test" in record.scores)
        times = [
            evaluation.evaluated_at
            for evaluation in evaluations
            if evaluation.trial_id == record.id
        ]
        quantity = f"number of test evaluations of {record.id}"
        expect_equal(TEST_EVALUATIONS_FILE, quantity, len(times), n_expected, name)
        if n_expected:
            quantity = f"start of {record.id}"
            expect_equal(TEST_EVALUATIONS_FILE, quantity, times[0], record.started_at, name)
    return (
        f"{format_count(len(evaluations), 'test evaluation')}: one for each trial with test scores"
    )
