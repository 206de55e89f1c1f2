"""Rewrite the files of a study that an older version of the file format wrote."""

from bloodnets.storage.location import STUDY_FILE
from reports.ledger.event_log import begin_log
from reports.ledger.ledger import Ledger
from reports.ledger.records import SCHEMA_VERSION
from reports.ledger.states import EventKind


def upgrade_study(ledger: Ledger) -> None:
    """Rewrite the files of a study in the current version of the format, before trials are added.

    A study without a log gets one, made from the records and the test evaluations. `study.json` is
    rewritten last: until then, the records are still migrated when read. It is replaced, so a lock
    on the file is lost.

    Args:
        ledger: Ledger of the study, of any version that can be read.

    Raises:
        ConflictError: A file is unreadable.
        ResourceError: The folder cannot be written.
    """
    files = ledger.files
    if files.is_current:
        return
    if not files.has_log:
        _write_log(ledger)
    files.write_record(STUDY_FILE, ledger.study)
    files.schema_version = SCHEMA_VERSION


def _write_log(ledger: Ledger) -> None:
    """Rewrite the records of the trials, and write a log that agrees with them."""
    files = ledger.files
    log = begin_log(ledger.study.fingerprint)
    evaluations = ledger.log.read_test_evaluations()
    for planned in ledger.list_planned_trials():
        record = ledger.read_trial(planned)
        own_evaluations = [entry for entry in evaluations if entry.trial_id == planned.id]
        if record is not None or own_evaluations:
            log.append(EventKind.STARTED, trial_id=planned.id)
        for evaluation in own_evaluations:  # more than one is a mismatch that must remain
            log.append(EventKind.TESTED, trial_id=planned.id, reason=evaluation.reason)
        if record is not None:
            log.append_end(record, files.write_record(f"trials/{record.id}.json", record))
    ledger.log.write(log)
