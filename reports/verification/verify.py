"""Do a study's numbers follow from its stored predictions? Every file is held against the others.

What this shows is that the files agree: scores with predictions, predictions and epochs with their
hashes, the plan with its fingerprint, the report with the ledger. It cannot show that the
predictions came from the weights, or that a training took place. Nothing in the folder proves

- `host`, `attempts` of a complete trial, `started_at` of any other, and the reason of a look;
- the losses and durations of the epochs, if their hash in the record was changed with them;
- what a figure shows: another version of matplotlib draws other bytes;
- without a report, whatever only it repeats: `duration_s`, `parameters`, `operations`, `device` and
  `error` of a record, and in `study.json` the names of the data and classes, the images of train,
  the command, the hardware and the time.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, StudyError
from reports.format.units import plural
from reports.ledger.ledger import FILES, Ledger
from reports.ledger.loading import check_hash
from reports.ledger.records import (
    PlannedTrial,
    Status,
    StopReason,
    StudyRecord,
    TrialRecord,
    fingerprint,
)
from reports.verification.scores import agree, check_epochs, check_predictions
from reports.verification.search import check_proposals, check_search, digest

_STATUS: Mapping[StopReason, Status] = {
    "patience": "complete",
    "max_epochs": "complete",
    "asha": "pruned",
    "diverged": "pruned",
    "time_budget": "pruned",
    "target_f1": "pruned",
    "error": "failed",
}


class DisagreementError(StudyError):
    """Two files of a study contradict each other, or one is missing or unreadable."""

    exit_code = 1


def verify(ledger: Ledger, *, images: NDArray[np.uint8] | None = None) -> Iterator[str]:
    """Check that a study's numbers follow from its stored predictions.

    Args:
        ledger: of the study; nothing in it is changed.
        images: of test, uint8, shape (n, 28, 28, 3), for a report that shows some of them;
            without them that one section of the report is not compared.

    Yields:
        One line for each kind of check that passed.

    Raises:
        DisagreementError: at the first that did not; it names the file, what it says and what
            was found.
        MachineError: there is no room to make the report again.
    """
    search = ledger.study.search
    try:
        lines, records = check_entered(ledger)
        yield from lines
        yield check_predictions(ledger, records)
        yield check_epochs(ledger, records)
        if search is not None:
            yield from check_search(ledger, search, records)
        from reports.verification.report import (
            check_report,  # with matplotlib, which no other check needs
        )

        yield check_report(ledger, images)
    except ConflictError as error:
        raise DisagreementError(str(error)) from error


def check_entered(
    ledger: Ledger, *, interrupted: bool = False
) -> tuple[list[str], dict[str, TrialRecord]]:
    """Check that the files are those that were entered, each of a trial that is planned.

    Args:
        ledger: of the study; nothing in it is changed.
        interrupted: whether a trial may have files without a record, as one has whose entry was
            interrupted.

    Returns:
        One line for each kind of check, and the records by id, in the order of the plan.

    Raises:
        ConflictError: at the first that is not; it names the file.
    """
    study = ledger.study
    lines = [_plan(study)]
    if study.search is not None:
        lines.append(check_proposals(ledger, study.search))
    planned = ledger.planned()
    records = _records(ledger, planned, interrupted=interrupted)
    lines.append(
        f"{plural(len(records), 'trial')}: each record is as planned, with the fingerprint"
    )
    if waiting := [trial.id for trial in planned if trial.id not in records]:
        names = ", ".join(waiting)
        lines.append(f"{plural(len(waiting), 'trial')} not run, and without a trace: {names}")
    lines += [_files(ledger, records), _looks(ledger, records)]
    return lines, records


def _plan(study: StudyRecord) -> str:
    """Settings agree with the trials' ids, and those with the fingerprint."""
    for planned in study.trials:
        what = f"the digest of the settings of {planned.id}"
        found = digest(planned.config)
        agree("study.json", what, planned.id.rpartition("-")[2], found, "their hash")
        for key in ("max_epochs", "patience"):
            value = planned.config.get(key)
            if type(value) is not int or value < 1:
                raise ConflictError(f"study.json says that {key} of {planned.id} is {value!r}")
    ids = [planned.id for planned in study.trials]
    agree("study.json", "the number of trials", len(ids), len(set(ids)), "the count of their ids")
    made = fingerprint(study.data, ids, study.versions, study.search)
    agree("study.json", "its fingerprint", study.fingerprint, made, "what it is made of")
    return "study.json: the fingerprint follows from data, settings, seeds and versions"


def _records(
    ledger: Ledger, plan: Sequence[PlannedTrial], *, interrupted: bool
) -> dict[str, TrialRecord]:
    """The records by id, each as planned; every file of a trial belongs to one."""
    present = _present(ledger)
    looked_at = {look.trial for look in ledger.looks()}
    records = {}
    for planned in plan:
        name = f"trials/{planned.id}.json"
        own = set(ledger.traces(planned.id))
        record = ledger.trial(planned)
        if record is not None:
            _as_planned(record, planned)
            records[planned.id] = record
        elif interrupted:
            looked_at.discard(planned.id)
        elif own or planned.id in looked_at:
            trace = min(own, default="looks.jsonl")
            raise ConflictError(f"{name} is missing, but {trace} is of that trial")
        present -= {name, *own}
        if record is not None and (unnamed := own - record.files.keys()):
            raise ConflictError(f"{min(unnamed)} is there, but {name} does not name it")
    if present:
        raise ConflictError(f"{min(present)} belongs to no trial that is planned")
    if unknown := looked_at - records.keys():
        raise ConflictError(f"looks.jsonl names {min(unknown)}, a trial that is not planned")
    return records


def _present(ledger: Ledger) -> set[str]:
    """Names of the trials' files."""
    return set().union(*(ledger.files.names(kind) for kind in ("trials", *FILES)))


def _as_planned(record: TrialRecord, planned: PlannedTrial) -> None:
    name = f"trials/{record.id}.json"
    agree(name, "the configuration", record.configuration, planned.configuration, "study.json")
    for key in sorted(record.config.keys() | planned.config.keys()):
        says, found = (repr(each.config.get(key)) for each in (record, planned))
        agree(name, key, says, found, "study.json")
    complete = record.status == "complete"
    kinds = FILES if complete else ("epochs",)
    needed = sorted(f"{kind}/{record.id}.{FILES[kind]}" for kind in kinds)
    agree(name, "the list of files", sorted(record.files), needed, f"status {record.status}")
    broke = record.stop_reason in {"error", "diverged"}
    if record.status != _STATUS[record.stop_reason] or broke != (record.error is not None):
        raise ConflictError(
            f"{name} says that the status is {record.status}, the reason to stop "
            f"{record.stop_reason} and the error {record.error!r}"
        )
    splits = tuple(sorted(record.scores))
    if splits not in ({("val",), ("test", "val")} if complete else {()}):
        raise ConflictError(f"{name} has scores on {splits}, with status {record.status}")
    forestalled = record.stop_reason in {"time_budget", "target_f1"} and not record.epochs
    if record.attempts < (0 if forestalled else 1):
        raise ConflictError(f"{name} says that there were {record.attempts} attempts")


def _files(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    count = 0
    for record in records.values():
        for name in record.files:
            check_hash(ledger, record, name)
            count += 1
    return f"{plural(count, 'file')}: each is the one that was entered, by its SHA-256"


def _looks(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """One look at test for each trial with scores on test, and no other."""
    looks = ledger.looks()
    for record in records.values():
        name, tested = f"trials/{record.id}.json", int("test" in record.scores)
        times = [look.at for look in looks if look.trial == record.id]
        what = f"the number of looks at test by {record.id}"
        agree("looks.jsonl", what, len(times), tested, name)
        if tested:
            what = f"the start of {record.id}"
            agree("looks.jsonl", what, times[0], record.started_at, name)
    return f"{plural(len(looks), 'look')} at test: one for each trial with scores on test"
