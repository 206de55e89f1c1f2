"""Check that the records of a study follow its plan, and that its files match their hashes."""

from collections.abc import Mapping, Sequence

from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger.event_log import EVENTS_FILE
from reports.ledger.event_log_file import TEST_EVALUATIONS_FILE
from reports.ledger.ledger import TRIAL_FILE_SUFFIXES, Ledger
from reports.ledger.loading import UNKNOWN_SOFTWARE, check_hash
from reports.ledger.planned_trial import PlannedTrial, fill_settings
from reports.ledger.records import StudyRecord, TrialRecord, compute_fingerprint
from reports.ledger.states import StopReason, TrialState
from reports.verification.agreement import expect_equal
from reports.verification.configurations import compute_digest
from reports.verification.proposals import check_proposals

_STATE_BY_STOP_REASON = {
    StopReason.PATIENCE: TrialState.COMPLETE,
    StopReason.MAX_EPOCHS: TrialState.COMPLETE,
    StopReason.ASHA: TrialState.PRUNED,
    StopReason.DIVERGED: TrialState.PRUNED,
    StopReason.TIME_BUDGET: TrialState.PRUNED,
    StopReason.TARGET_MACRO_F1: TrialState.PRUNED,
    StopReason.ERROR: TrialState.FAILED,
}


class UnplannedTrialError(ConflictError):
    """Error for a file, or an entry in a file, of a trial that is not planned."""


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
            _check_end(record)
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
    """Check that a record has the settings of the plan, and the files of its state."""
    name = f"trials/{record.id}.json"
    expect_equal(name, "configuration", record.configuration, planned.configuration, "study.json")
    stored = fill_settings(record.config)
    for key, expected in fill_settings(planned.config).items():
        expect_equal(name, key, repr(stored[key]), repr(expected), "study.json")
    complete = record.state is TrialState.COMPLETE
    kinds = TRIAL_FILE_SUFFIXES if complete else ("epochs",)
    expected_files = sorted(f"{kind}/{record.id}.{TRIAL_FILE_SUFFIXES[kind]}" for kind in kinds)
    expect_equal(
        name, "list of files", sorted(record.files), expected_files, f"its state {record.state}"
    )


def _check_end(record: TrialRecord) -> None:
    """Check that state, reason, error, scores and attempts of a trial fit together."""
    name = f"trials/{record.id}.json"
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
    complete = record.state is TrialState.COMPLETE
    if splits not in ({("val",), ("test", "val")} if complete else {()}):
        raise ConflictError(
            f"{name}: scores are of splits {splits}, but the state is {record.state}",
            path=name,
            value=splits,
        )
    never_started = not record.epochs and record.stop_reason in {
        StopReason.TIME_BUDGET,
        StopReason.TARGET_MACRO_F1,
    }
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
