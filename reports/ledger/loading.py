"""Read the files of a study once, and check each against the hash in its trial's record.

If a file is missing, unreadable or changed, only its trial is left out. The report lists such
trials as problems.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError
from bloodnets.metrics import IntArray
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial, get_replicate_name
from reports.ledger.records import (
    EpochRecord,
    SoftwareChange,
    StudyRecord,
    TestEvaluation,
    TrialRecord,
)
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.ledger.states import TrialState
from reports.ledger.test_predictions import TestPredictions, check_labels, make_test_predictions
from reports.ledger.trial_predictions import TrialPredictions, read_predictions

UNKNOWN_SOFTWARE = (
    "has a software_sha256 that belongs to no software in study.json or software_changes.jsonl"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A trial that was left out because of its files.

    Attributes:
        trial_id: Id of the trial.
        reason: Reason, one line that names the file.
    """

    trial_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSearch:
    """Trials of a search, none of which was evaluated on test.

    Attributes:
        record: Search space and settings.
        proposals: Proposed trials, in order of their number, from 0.
        records: Records of the trials that ended and can be read, by id, in the order of the
            proposals.
        epochs: Epochs of these trials, by id.
        confirmation: End of the search; None if it has not ended.
    """

    record: SearchRecord
    proposals: Sequence[PlannedTrial]
    records: Mapping[str, TrialRecord]
    epochs: Mapping[str, Sequence[EpochRecord]]
    confirmation: Confirmation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStudy:
    """Contents of a study's files, as far as they can be read.

    For a search, `search` has the trials of the search. Every other attribute is about the
    re-trained configurations, which are compared like those of a grid.

    Attributes:
        study: Settings and plan; for a search, `trials` is the plan of the re-training.
        records: Records of the trials that ended and can be read, by id, in the order of the plan.
        epochs: Epochs of these trials, by id.
        test_evaluations: Test evaluations, in the order of the file.
        predictions: Test predictions of the complete trials that were evaluated on test.
        val_predictions: Predictions of the same trials on val, by id. In a cross-validation, each
            fold has other images.
        search: Trials of the search; None for a grid.
        software_changes: Changes of software that the user allowed, the oldest first.
        problems: Trials that were left out, each with the reason.
    """

    study: StudyRecord
    records: Mapping[str, TrialRecord]
    epochs: Mapping[str, Sequence[EpochRecord]]
    test_evaluations: Sequence[TestEvaluation]
    predictions: TestPredictions
    val_predictions: Mapping[str, TrialPredictions]
    search: LoadedSearch | None
    software_changes: tuple[SoftwareChange, ...]
    problems: tuple[Problem, ...]

    @property
    def planned_trials(self) -> list[PlannedTrial]:
        """All planned trials; for a search, the proposals first."""
        proposals = self.search.proposals if self.search else ()
        return [*proposals, *self.study.trials]


@dataclass(slots=True)
class _LoadedTrials:
    """Contents of the trials that have been read so far; see `LoadedStudy`."""

    records: dict[str, TrialRecord] = field(default_factory=dict)
    epochs: dict[str, list[EpochRecord]] = field(default_factory=dict)
    probabilities: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    val_predictions: dict[str, TrialPredictions] = field(default_factory=dict)
    labels: dict[str, IntArray] = field(default_factory=dict)


def read_study_files(ledger: Ledger) -> LoadedStudy:
    """Read a study, leaving out trials whose files are missing, unreadable or changed.

    Raises:
        ConflictError: The changes of software, or the proposals or the end of a search, cannot be
            read.
    """
    problems: list[Problem] = []
    study, search = ledger.study, None
    changes = ledger.read_software_changes()
    known_software = {study.software.sha256, *(change.software.sha256 for change in changes)}
    if study.search is not None:
        proposals, confirmation = ledger.read_proposals(), ledger.read_confirmation()
        proposed_trials = _load_trials(ledger, proposals, known_software, problems)
        search = LoadedSearch(
            record=study.search,
            proposals=proposals,
            records=proposed_trials.records,
            epochs=proposed_trials.epochs,
            confirmation=confirmation,
        )
        study = replace(study, trials=confirmation.trials if confirmation else ())
    loaded_trials = _load_trials(ledger, study.trials, known_software, problems)
    try:
        test_evaluations = ledger.log.read_test_evaluations()
    except ConflictError as error:
        problem = _make_problem(ledger, "test evaluations", error)
        test_evaluations, problems = [], [*problems, problem]
    tested_records = [loaded_trials.records[key] for key in loaded_trials.probabilities]
    return LoadedStudy(
        study=study,
        records=loaded_trials.records,
        epochs=loaded_trials.epochs,
        test_evaluations=test_evaluations,
        predictions=make_test_predictions(
            study, tested_records, loaded_trials.probabilities, loaded_trials.labels.get("test")
        ),
        val_predictions=loaded_trials.val_predictions,
        search=search,
        software_changes=tuple(changes),
        problems=tuple(problems),
    )


def _load_trials(
    ledger: Ledger,
    planned_trials: Sequence[PlannedTrial],
    known_software: Collection[str],
    problems: list[Problem],
) -> _LoadedTrials:
    """Read the planned trials; those that must be left out are added to `problems`."""
    loaded_trials = _LoadedTrials()
    for planned in planned_trials:
        try:
            record = ledger.read_trial(planned)
            if record is None:
                _require_no_files(ledger, planned.id)
                continue
            if record.software_sha256 not in known_software:
                name = f"trials/{planned.id}.json"
                raise ConflictError(f"{name} {UNKNOWN_SOFTWARE}", path=name)
            contents = {
                name: check_hash(ledger, record, name)
                for name in record.files
                if not name.startswith("models/")  # large, and not used here
            }
            epochs_content = contents.get(f"epochs/{record.id}.jsonl")
            epochs = ledger.read_epochs(record.id, content=epochs_content)
            if record.state is TrialState.COMPLETE and "test" in record.scores:
                content = contents.get(f"predictions/{record.id}.npz")
                _add_predictions(ledger, record, content, loaded_trials)
        except ConflictError as error:
            problems.append(_make_problem(ledger, planned.id, error))
            continue
        loaded_trials.records[record.id], loaded_trials.epochs[record.id] = record, epochs
    return loaded_trials


def _add_predictions(
    ledger: Ledger, record: TrialRecord, content: bytes | None, loaded_trials: _LoadedTrials
) -> None:
    """Read a trial's predictions on val and test."""
    name, n_classes = f"predictions/{record.id}.npz", len(ledger.study.data.class_names)
    val, test = (
        read_predictions(ledger, record.id, split, content=content) for split in ("val", "test")
    )
    # In a cross-validation, each replicate has other images on val.
    val_key = f"val of {get_replicate_name(record.config)}" if "fold" in record.config else "val"
    labels_by_key = {
        key: check_labels(
            loaded_trials.labels.get(key),
            predictions.labels.astype(np.int64),
            predictions.probabilities,
            name,
            n_classes,
        )
        for key, predictions in {val_key: val, "test": test}.items()
    }
    loaded_trials.labels |= labels_by_key
    loaded_trials.probabilities[record.id] = test.probabilities
    loaded_trials.val_predictions[record.id] = val


def _require_no_files(ledger: Ledger, trial_id: str) -> None:
    """Check that a trial without a record has no other files, which would mean a lost record."""
    if partial_files := ledger.list_partial_files(trial_id):
        name = f"trials/{trial_id}.json"
        raise ConflictError(f"{name} is missing, but {partial_files[0]} exists", path=name)


def _make_problem(ledger: Ledger, trial_id: str, error: ConflictError) -> Problem:
    # Without the location, the report stays the same when the folder is moved.
    return Problem(trial_id=trial_id, reason=str(error).replace(f"{ledger.location}/", ""))


def check_hash(ledger: Ledger, record: TrialRecord, name: str) -> bytes:
    """Return the bytes of one of a trial's files, after checking its hash.

    Args:
        ledger: Ledger of the study.
        record: Record of the trial.
        name: Path of the file in the study's folder, a key of `record.files`.

    Raises:
        ConflictError: The file is missing, unreadable or changed.
    """
    content = ledger.files.read(name)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != record.files[name]:
        path = str(ledger.location / name)
        raise ConflictError(
            f"{path} was changed: its SHA-256 begins with {sha256[:12]}, in the record with "
            f"{record.files[name][:12]}",
            path=path,
            value=sha256,
        )
    return content


def select_trials(loaded_study: LoadedStudy, trial_ids: Collection[str]) -> LoadedStudy:
    """Return a study with only some of its planned trials.

    Args:
        loaded_study: Files of the study.
        trial_ids: Ids of the trials that are kept.
    """
    kept_ids, predictions = set(trial_ids), loaded_study.predictions
    is_kept = predictions.trials["id"].isin(kept_ids).to_numpy()
    return replace(
        loaded_study,
        study=replace(
            loaded_study.study,
            trials=tuple(trial for trial in loaded_study.study.trials if trial.id in kept_ids),
        ),
        records={key: value for key, value in loaded_study.records.items() if key in kept_ids},
        epochs={key: value for key, value in loaded_study.epochs.items() if key in kept_ids},
        predictions=replace(
            predictions,
            trials=predictions.trials[is_kept].reset_index(drop=True),
            probabilities=predictions.probabilities[is_kept],
        ),
        val_predictions={
            key: val for key, val in loaded_study.val_predictions.items() if key in kept_ids
        },
    )
