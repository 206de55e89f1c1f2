"""Check that a study's numbers follow from its stored predictions, by comparing all its files.

The check shows that the files agree: scores with predictions, predictions and epochs with their
hashes, the plan with its fingerprint, the log with plan and records, and the report with the
ledger. It shows consistency, not authenticity: someone who changes a value can also compute every
hash again. `study.inference.recompute` shows that the predictions came from the weights. Nothing
here shows that a training took place. `docs/explanation/verification.md` lists what is found at
which level.

In `study.json`, the names of the data and classes, the numbers of training images, the command, the
hardware and the time of creation are only repeated in the report.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, StudyError
from reports.format.units import format_count
from reports.ledger.event_log import EVENTS_FILE
from reports.ledger.event_log_file import TEST_EVALUATIONS_FILE
from reports.ledger.ledger import TRIAL_FILE_SUFFIXES, Ledger
from reports.ledger.loading import UNKNOWN_SOFTWARE, check_hash
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import StudyRecord, TrialRecord, compute_fingerprint
from reports.ledger.states import StopReason, TrialState
from reports.verification.data import check_data
from reports.verification.log import check_log
from reports.verification.scores import check_epochs, check_predictions, expect_equal
from reports.verification.search import check_proposals, check_search, compute_digest

_STATE_BY_STOP_REASON = {
    StopReason.PATIENCE: TrialState.COMPLETE,
    StopReason.MAX_EPOCHS: TrialState.COMPLETE,
    StopReason.ASHA: TrialState.PRUNED,
    StopReason.DIVERGED: TrialState.PRUNED,
    StopReason.TIME_BUDGET: TrialState.PRUNED,
    StopReason.TARGET_MACRO_F1: TrialState.PRUNED,
    StopReason.ERROR: TrialState.FAILED,
}


class DisagreementError(StudyError):
    """Error for files of a study that contradict each other, are missing or are unreadable."""

    exit_code = 1


class UnplannedTrialError(ConflictError):
    """Error for a file, or an entry in a file, of a trial that is not planned."""


def verify_study(ledger: Ledger, *, images: NDArray[np.uint8] | None = None) -> Iterator[str]:
    """Check that a study's numbers follow from its stored predictions.

    Args:
        ledger: Ledger of the study; nothing in it is changed.
        images: Test images, uint8, shape (n, 28, 28, 3); without them, the report's section of test
            images is not compared.

    Yields:
        One line for each kind of check that passed.

    Raises:
        DisagreementError: A check failed; its `path` is the file.
        ResourceError: The new report cannot be written.
    """
    search = ledger.study.search
    with raise_disagreements():
        lines, records = check_entered_files(ledger)
        yield from lines
        yield check_predictions(ledger, records)
        yield check_epochs(ledger, records)
        if search is not None:
            yield from check_search(ledger, search, records)
        yield (
            check_log(ledger, records)
            if ledger.files.has_log
            else _check_test_evaluations(ledger, records)
        )
        from reports.verification.report import (
            check_report,  # imported late: it imports matplotlib, which no other check needs
        )

        yield check_report(ledger, images)
        yield check_data(ledger.study.data)


@contextmanager
def raise_disagreements() -> Iterator[None]:
    """Convert the conflicts that are found in the context to a `DisagreementError`."""
    try:
        yield
    except ConflictError as error:
        raise DisagreementError(
            error.problem,
            path=error.path,
            value=error.value,
            expected=error.expected,
            remedy=error.remedy,
        ) from error


def check_entered_files(
    ledger: Ledger, *, interrupted: bool = False
) -> tuple[list[str], dict[str, TrialRecord]]:
    """Check that every trial file belongs to a planned trial and matches its recorded hash.

    Args:
        ledger: Ledger of the study; nothing in it is changed.
        interrupted: Whether a trial may have files without a record, left by an interruption.

    Returns:
        One line for each kind of check, and the records by id, in the order of the plan.

    Raises:
        UnplannedTrialError: There is a file of a trial that is not planned.
        ConflictError: Another check failed; the error's `path` names the file.
    """
    study = ledger.study
    lines = [_check_plan(study)]
    if study.search is not None:
        lines.append(check_proposals(ledger, study.search))
    planned = ledger.list_planned_trials()
    records = _check_records(ledger, planned, interrupted=interrupted)
    lines.append(
        f"{format_count(len(records), 'trial')}: each record matches the plan, the fingerprint and "
        "the software"
    )
    if unfinished := [trial.id for trial in planned if trial.id not in records]:
        names = ", ".join(unfinished)
        lines.append(
            f"{format_count(len(unfinished), 'trial')} without a record or other files: {names}"
        )
    lines.append(_check_hashes(ledger, records))
    return lines, records


def _check_plan(study: StudyRecord) -> str:
    """Check that settings agree with the trials' ids, and ids with the fingerprint."""
    for planned in study.trials:
        quantity = f"digest in the id {planned.id}"
        expected_digest = compute_digest(planned.config)
        expect_equal(
            "study.json", quantity, planned.id.rpartition("-")[2], expected_digest, "its settings"
        )
        for key in ("max_epochs", "patience"):
            value = planned.config[key]
            if type(value) is not int or value < 1:
                raise ConflictError(
                    f"study.json: {key} of {planned.id} is {value!r}",
                    path="study.json",
                    value=value,
                    expected="a whole number, at least 1",
                )
    ids = [planned.id for planned in study.trials]
    expect_equal(
        "study.json", "number of trials", len(ids), len(set(ids)), "the number of different ids"
    )
    expected_fingerprint = compute_fingerprint(study.data, ids, study.software, study.search)
    expect_equal(
        "study.json",
        "fingerprint",
        study.fingerprint,
        expected_fingerprint,
        "data, settings, seeds and software",
    )
    return (
        f"study.json: the digest of the plan, {study.fingerprint}, follows from data, settings, "
        "seeds and software"
    )


def _check_records(
    ledger: Ledger, planned_trials: Sequence[PlannedTrial], *, interrupted: bool
) -> dict[str, TrialRecord]:
    """Return the records by id, after checking them and that no trial file is left over."""
    unclaimed_files, log_name = _list_trial_files(ledger), _get_log_name(ledger)
    tested_ids = {evaluation.trial_id for evaluation in ledger.log.read_test_evaluations()}
    records, known_software = {}, ledger.list_software_hashes()
    for planned in planned_trials:
        name = f"trials/{planned.id}.json"
        partial_files = set(ledger.list_partial_files(planned.id))
        record = ledger.read_trial(planned)
        if record is not None:
            _check_as_planned(record, planned)
            if record.software_sha256 not in known_software:
                raise ConflictError(f"{name} {UNKNOWN_SOFTWARE}", path=name)
            records[planned.id] = record
        elif not interrupted and (partial_files or planned.id in tested_ids):
            partial_file = min(partial_files, default=log_name)
            raise ConflictError(
                f"{name} is missing, but {partial_file} has data of that trial", path=name
            )
        unclaimed_files -= {name, *partial_files}
        if record is not None and (unlisted := partial_files - record.files.keys()):
            extra = min(unlisted)
            raise ConflictError(f"{extra} exists, but {name} does not list it", path=extra)
    if unclaimed_files:
        extra = min(unclaimed_files)
        raise UnplannedTrialError(f"{extra} does not belong to a planned trial", path=extra)
    logged_ids = {
        event.trial_id for event in ledger.log.read_events() if event.trial_id is not None
    }
    if unknown := (logged_ids | tested_ids) - {planned.id for planned in planned_trials}:
        raise UnplannedTrialError(
            f"{log_name} names {min(unknown)}, which is not a planned trial",
            path=log_name,
            value=min(unknown),
        )
    return records


def _get_log_name(ledger: Ledger) -> str:
    return EVENTS_FILE if ledger.files.has_log else TEST_EVALUATIONS_FILE


def _list_trial_files(ledger: Ledger) -> set[str]:
    """Return the names of all trial files."""
    return set().union(
        *(ledger.files.list_files(folder) for folder in ("trials", *TRIAL_FILE_SUFFIXES))
    )


def _check_as_planned(record: TrialRecord, planned: PlannedTrial) -> None:
    name = f"trials/{record.id}.json"
    expect_equal(name, "configuration", record.configuration, planned.configuration, "study.json")
    stored: Mapping[str, object] = record.config
    for key, expected in planned.config.items():
        expect_equal(name, key, repr(stored[key]), repr(expected), "study.json")
    complete = record.state is TrialState.COMPLETE
    kinds = TRIAL_FILE_SUFFIXES if complete else ("epochs",)
    expected_files = sorted(f"{kind}/{record.id}.{TRIAL_FILE_SUFFIXES[kind]}" for kind in kinds)
    expect_equal(
        name, "list of files", sorted(record.files), expected_files, f"its state {record.state}"
    )
    has_error = record.stop_reason in {StopReason.ERROR, StopReason.DIVERGED}
    if record.state != _STATE_BY_STOP_REASON[record.stop_reason] or has_error != (
        record.error is not None
    ):
        raise ConflictError(
            f"{name}: state {record.state}, stop_reason {record.stop_reason} and error "
            f"{record.error!r} contradict each other",
            path=name,
        )
    splits = tuple(sorted(record.scores))
    if splits not in ({("val",), ("test", "val")} if complete else {()}):
        raise ConflictError(
            f"{name}: scores are of splits {splits}, but the state is {record.state}",
            path=name,
            value=splits,
        )
    never_started = (
        record.stop_reason
        in {
            StopReason.TIME_BUDGET,
            StopReason.TARGET_MACRO_F1,
        }
        and not record.epochs
    )
    if record.attempts < (0 if never_started else 1):
        raise ConflictError(
            f"{name}: attempts is {record.attempts}",
            path=name,
            value=record.attempts,
            expected="0 or more" if never_started else "1 or more",
        )


def _check_hashes(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    count = 0
    for record in records.values():
        for name in record.files:
            check_hash(ledger, record, name)
            count += 1
    return f"{format_count(count, 'file')}: each matches the SHA-256 in its trial's record"


def _check_test_evaluations(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """Check the file that version 3 of the format had instead of a log.

    Each trial with scores on test has one test evaluation, and no other trial has any.
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
