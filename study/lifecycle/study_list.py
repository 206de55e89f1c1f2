"""List the studies of a folder or an address, each with its progress and its best score.

Only records are read, not the predictions, so scores have a standard deviation over replicates but
no confidence interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, stdev

from bloodnets.errors import ResourceError
from bloodnets.storage.location import STUDY_FILE, StudyPath
from bloodnets.storage.remote import open_storage
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.ledger.states import DataKind, StudyKind, TrialState
from reports.ledger.study_files import get_access_hint
from study.runtime.lock import is_locked


@dataclass(frozen=True, slots=True, kw_only=True)
class BestScore:
    """Score of the best configuration of a study.

    Attributes:
        configuration: Name of the configuration.
        split: Split of the score: `test`, or `val` for a search without re-trained trials.
        macro_f1: Macro F1, 0 to 1, mean over the replicates.
        macro_f1_sd: Standard deviation over the replicates; None for one.
        replicates: Number of replicates, at least 1.
    """

    configuration: str
    split: str
    macro_f1: float
    macro_f1_sd: float | None
    replicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedStudy:
    """A study as `bloodstudy list` shows it.

    Attributes:
        name: Name of its folder.
        location: Folder or address.
        kind: Kind of the study.
        data: Name of the data file; `synthetic` for synthetic cells.
        data_title: Name of the data set of MedMNIST with its side; for other data, that of `data`.
        data_kind: Source of the images.
        data_sha256: SHA-256 of the data. Studies with the same one can be compared.
        created_at: Time of creation, ISO 8601, UTC.
        changed_at: Time of the last entry in its log, ISO 8601, UTC.
        planned: Number of planned trials; for a search that has not ended, of those it may propose.
        ended: Number of trials that ended.
        failed: Number of trials that failed.
        is_running: Whether a process on this host runs it; None for an address.
        best: Best configuration; None if no trial is complete.
    """

    name: str
    location: str
    kind: StudyKind
    data: str
    data_title: str
    data_kind: DataKind
    data_sha256: str
    created_at: str
    changed_at: str
    planned: int
    ended: int
    failed: int
    is_running: bool | None
    best: BestScore | None


def list_study_names(storage_root: StudyPath) -> list[str]:
    """Return the names of the studies in a folder or at an address, sorted.

    Args:
        storage_root: Folder or address that holds the studies. A missing one holds none.

    Raises:
        DataError: pyarrow does not support this kind of address.
        ResourceError: The folder or the address cannot be read.
    """
    try:
        storage = open_storage(storage_root, retry_timeout_s=0)
        folders = sorted(storage.list_folders())
        return [folder for folder in folders if storage.exists(f"{folder}/{STUDY_FILE}")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResourceError(
            f"cannot list the studies: {error}",
            path=str(storage_root),
            remedy=get_access_hint(storage_root),
        ) from error


def describe_study(ledger: Ledger) -> ListedStudy:
    """Return what `bloodstudy list` shows of a study.

    Raises:
        ConflictError: A file cannot be read.
    """
    study, confirmation = ledger.study, ledger.read_confirmation()
    records = ledger.read_trials()
    is_searching = study.search is not None and confirmation is None
    file = study.data.medmnist_file
    return ListedStudy(
        name=ledger.name,
        location=str(ledger.location),
        kind=study.kind,
        data=study.data.name,
        data_title=study.data.name if file is None else file.title,
        data_kind=study.data.kind,
        data_sha256=study.data.sha256,
        created_at=study.created_at,
        changed_at=_find_last_change(ledger, records),
        planned=study.search.n_trials
        if study.search is not None and is_searching
        else len(ledger.list_planned_trials()),
        ended=len(records),
        failed=sum(record.state is TrialState.FAILED for record in records),
        # Whether a process renews the lease at an address is known only after seconds.
        is_running=is_locked(ledger.location) if isinstance(ledger.location, Path) else None,
        best=_find_best_score(records, confirmation.best if confirmation else None),
    )


def _find_last_change(ledger: Ledger, records: Iterable[TrialRecord]) -> str:
    """Return the time of the last event; for version 3 of the format, of the last trial's end."""
    if ledger.files.has_log:
        return ledger.log.read_events()[-1].logged_at
    ends = [
        datetime.fromisoformat(record.started_at) + timedelta(seconds=record.duration_s)
        for record in records
    ]
    created_at = datetime.fromisoformat(ledger.study.created_at)
    return max([created_at, *ends]).astimezone(UTC).isoformat(timespec="seconds")


def _find_best_score(
    records: Sequence[TrialRecord], confirmed: Sequence[str] | None
) -> BestScore | None:
    """Return the score of the configuration that is best on val, on test if it was evaluated.

    Args:
        records: Records of the trials that ended.
        confirmed: For a search that has ended, its best configurations, best first; otherwise None.
    """
    complete = [record for record in records if record.state is TrialState.COMPLETE]
    tested = [record for record in complete if "test" in record.scores]
    if confirmed:
        tested = [record for record in tested if record.configuration == confirmed[0]]
    split, candidates = ("test", tested) if tested else ("val", complete)
    names = dict.fromkeys(record.configuration for record in candidates)
    if not names:
        return None
    best = max(names, key=lambda name: fmean(_list_scores(candidates, name, "val")))
    scores = _list_scores(candidates, best, split)
    return BestScore(
        configuration=best,
        split=split,
        macro_f1=fmean(scores),
        macro_f1_sd=stdev(scores) if len(scores) > 1 else None,
        replicates=len(scores),
    )


def _list_scores(records: Iterable[TrialRecord], configuration: str, split: str) -> list[float]:
    """Return the macro F1 of a configuration's trials on a split; 0 for an undefined one."""
    return [
        record.scores[split]["macro_f1"] or 0.0
        for record in records
        if record.configuration == configuration
    ]
