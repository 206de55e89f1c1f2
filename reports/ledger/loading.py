"""What the report rests on: a study's files read once, each checked against the hash entered.

A file that is missing, unreadable or not the one that was entered takes its trial out of the
report, not the report down: the trial is counted as a problem, named, and shown.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.constants import NUM_CLASSES
from bloodnets.errors import ConflictError
from bloodnets.metrics import IntArray
from reports.ledger.ledger import Ledger
from reports.ledger.records import (
    Confirmation,
    EpochRecord,
    Look,
    PlannedTrial,
    SearchRecord,
    StudyRecord,
    TrialRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A trial that had to be left out of the report.

    Attributes:
        trial: its id.
        reason: one line that names the file.
    """

    trial: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Predictions of several trials on the same test images.

    Attributes:
        trials: one row a trial, in the order of the arrays: `study`, `id`, `name` (of the
            configuration; with the study before it where there are several), `family`, `loss`,
            `optimizer`, `seed`.
        labels: true classes, int64, shape (n,).
        probabilities: float32, shape (trials, n, 8).
    """

    trials: pd.DataFrame
    labels: IntArray
    probabilities: NDArray[np.float32]

    @property
    def predicted(self) -> IntArray:
        """Predicted classes, int64, shape (trials, n)."""
        return np.asarray(self.probabilities.argmax(axis=2), dtype=np.int64)

    @property
    def names(self) -> list[str]:
        """The configurations that have a trial here, in order."""
        return [str(name) for name in self.trials["name"].unique()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The trials of a search, none of which saw the test split.

    Attributes:
        record: what it draws from, and how.
        proposals: every one so far; its number is its place.
        records: of those that ended and can be read, by id, in the order of the proposals.
        epochs: of each of `records`.
        end: how the search ended; None if it did not.
    """

    record: SearchRecord
    proposals: Sequence[PlannedTrial]
    records: Mapping[str, TrialRecord]
    epochs: Mapping[str, Sequence[EpochRecord]]
    end: Confirmation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A study's files, as far as they can be read.

    Of a search, what is not in `search` is of its confirmation: the configurations trained again,
    which are compared as those of a grid are.

    Attributes:
        study: what it is; of a search, `trials` is the plan of its confirmation.
        records: of the trials that ended and can be read, by id, in the order of the plan.
        epochs: of each of `records`.
        looks: at test.
        tested: predictions on test of the complete trials that were looked at.
        search: the search itself; None of a grid.
        problems: trials left out.
    """

    study: StudyRecord
    records: Mapping[str, TrialRecord]
    epochs: Mapping[str, Sequence[EpochRecord]]
    looks: Sequence[Look]
    tested: Tested
    search: Search | None
    problems: tuple[Problem, ...]

    @property
    def planned(self) -> list[PlannedTrial]:
        """Every trial, of a search its proposals first."""
        proposals = self.search.proposals if self.search else ()
        return [*proposals, *self.study.trials]


@dataclass(slots=True)
class _Read:
    """What was read of some trials so far; see `Evidence`."""

    records: dict[str, TrialRecord] = field(default_factory=dict)
    epochs: dict[str, list[EpochRecord]] = field(default_factory=dict)
    tested: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    labels: IntArray | None = None


def read(ledger: Ledger) -> Evidence:
    """Read a study, leaving out the trials whose files cannot be relied on.

    Raises:
        ConflictError: it cannot be read which trials a search proposed, or how it ended.
    """
    problems: list[Problem] = []
    study, search = ledger.study, None
    if study.search is not None:
        proposals, end = ledger.proposals(), ledger.confirmation()
        own = _trials(ledger, proposals, problems)
        search = Search(
            record=study.search,
            proposals=proposals,
            records=own.records,
            epochs=own.epochs,
            end=end,
        )
        study = replace(study, trials=end.trials if end else ())
    found = _trials(ledger, study.trials, problems)
    try:
        looks = ledger.looks()
    except ConflictError as error:
        looks, problems = [], [*problems, _problem(ledger, "looks at test", error)]
    tested = [found.records[key] for key in found.tested]
    return Evidence(
        study=study,
        records=found.records,
        epochs=found.epochs,
        looks=looks,
        tested=_tested(study, tested, found.tested, found.labels),
        search=search,
        problems=tuple(problems),
    )


def _trials(ledger: Ledger, plan: Sequence[PlannedTrial], problems: list[Problem]) -> _Read:
    """Read the planned trials; those that cannot be relied on are added to `problems`."""
    found = _Read()
    for planned in plan:
        try:
            record = ledger.trial(planned)
            if record is None:
                _no_trace(ledger, planned.id)
                continue
            for name in record.files:
                if not name.startswith("models/"):  # large, and nothing here reads them
                    check_hash(ledger, record, name)
            own = ledger.epochs(record.id)
            if record.status == "complete" and "test" in record.scores:
                probabilities, truth = ledger.predictions(record.id, "test")
                name = f"predictions/{record.id}.npz"
                found.labels = _checked(found.labels, truth.astype(np.int64), probabilities, name)
                found.tested[record.id] = probabilities
        except ConflictError as error:
            problems.append(_problem(ledger, planned.id, error))
            continue
        found.records[record.id], found.epochs[record.id] = record, own
    return found


def _no_trace(ledger: Ledger, trial: str) -> None:
    """A trial that has not run has no files; one whose record was lost has."""
    if traces := ledger.traces(trial):
        raise ConflictError(f"trials/{trial}.json is missing, but {traces[0]} is there")


def _problem(ledger: Ledger, trial: str, error: ConflictError) -> Problem:
    # A folder that was moved has the same report.
    return Problem(trial=trial, reason=str(error).replace(f"{ledger.place}/", ""))


def check_hash(ledger: Ledger, record: TrialRecord, name: str) -> None:
    """Check that one of a trial's files is the one that was entered.

    Args:
        ledger: of the study.
        record: of the trial.
        name: of the file within the study's folder, a key of `record.files`.

    Raises:
        ConflictError: the file is missing, unreadable or another.
    """
    found = hashlib.sha256(ledger.content(name)).hexdigest()
    if found != record.files[name]:
        raise ConflictError(
            f"{ledger.place / name} is not the file that was entered: its SHA-256 begins with "
            f"{found[:12]}, the record says {record.files[name][:12]}"
        )


def join(several: Mapping[str, Tested]) -> Tested:
    """Put trials of several studies of the same data side by side.

    Args:
        several: by the studies' names; the same labels in each.
    """
    frames = [
        each.trials.assign(study=study, name=[f"{study}: {name}" for name in each.trials["name"]])
        for study, each in several.items()
    ]
    return Tested(
        trials=pd.concat(frames, ignore_index=True),
        labels=next(iter(several.values())).labels,
        probabilities=np.concatenate([each.probabilities for each in several.values()]),
    )


def _checked(
    before: IntArray | None, labels: IntArray, probabilities: NDArray[np.float32], name: str
) -> IntArray:
    """The labels, if they are of eight classes, one an image, and as in the trials before."""
    if labels.ndim != 1 or probabilities.shape != (labels.size, NUM_CLASSES):
        raise ConflictError(
            f"{name} has probabilities {probabilities.shape} for labels {labels.shape}"
        )
    if not labels.size > 0 or labels.max() >= NUM_CLASSES:
        raise ConflictError(f"{name} has no labels on test, or labels beyond {NUM_CLASSES - 1}")
    if before is not None and not np.array_equal(before, labels):
        raise ConflictError(f"{name} has other labels on test than the trials before it")
    return labels


def _tested(
    study: StudyRecord,
    records: Sequence[TrialRecord],
    probabilities: Mapping[str, NDArray[np.float32]],
    labels: IntArray | None,
) -> Tested:
    columns = ["study", "id", "name", "family", "loss", "optimizer", "seed"]
    rows = [
        {"study": study.name, "id": record.id, "name": record.configuration}
        | {key: record.config.get(key) for key in columns[3:]}
        for record in records
    ]
    return Tested(
        trials=pd.DataFrame(rows, columns=columns),
        labels=np.empty(0, np.int64) if labels is None else labels,
        probabilities=np.stack([probabilities[record.id] for record in records])
        if records
        else np.empty((0, 0, 8), np.float32),
    )
