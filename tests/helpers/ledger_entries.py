"""Write entries to a ledger as a study that runs does."""

from collections.abc import Iterable

from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import EventKind


def log_start(ledger: Ledger, trial_id: str) -> None:
    """Log the start of an attempt at a trial."""
    ledger.log.append([lambda log: log.append(EventKind.STARTED, trial_id=trial_id)])


def add_trial(
    ledger: Ledger,
    record: TrialRecord,
    *,
    epochs: Iterable[EpochRecord],
    test_reason: str | None,
) -> TrialRecord:
    """Add a trial that has ended, and return its record as written."""
    saved_record, content = ledger.write_trial(record, epochs=epochs)
    ledger.log.append([lambda log: log.append_end(saved_record, content, test_reason=test_reason)])
    return saved_record
