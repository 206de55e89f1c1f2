"""Open a study to resume it: verify its files and that the requested settings match."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import count

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR, get_checkpoint_name
from bloodnets.storage.location import StudyPath
from reports.format.text import list_software_differences
from reports.ledger.creation import StudyExistsError, create_study
from reports.ledger.ledger import TRIAL_FILE_SUFFIXES, Ledger
from reports.ledger.log_repair import repair_log
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import SoftwareChange, StudyRecord, TrialRecord, compute_fingerprint
from reports.verification.entered_files import UnplannedTrialError, check_entered_files
from reports.verification.log import check_log
from study.lifecycle.status import is_unfinished
from study.runtime.lock import lock_study

_DROPPED_WORDS = {True: "dropped", False: "kept"}

RESTORE_HINT = "restore the file from a backup"


@contextmanager
def open_study(
    location: StudyPath,
    requested: StudyRecord,
    *,
    resume: bool,
    allow_code_change: bool = False,
    has_default_name: bool = False,
) -> Iterator[Ledger]:
    """Create a study or reopen one, and lock it.

    Args:
        location: Folder or address of the study.
        requested: Record of the study to create, or that the existing one must match.
        resume: Whether to resume an existing study.
        allow_code_change: Whether a study may be resumed with software that differs from the
            software it was created with. The change is recorded.
        has_default_name: Whether a new study gets another name if one exists at `location`.

    Raises:
        ConflictError: The study does not exist or already exists, was created with other data,
            settings or software, or is running in another process.
        ResourceError: The location cannot be written.
    """
    if resume:
        ledger = Ledger(location)
    else:
        create = _create_numbered if has_default_name else create_study
        ledger = create(location, requested)
    with lock_study(ledger.location):
        if resume:
            ledger = Ledger(location)  # read again: another process may have just changed it
            require_same_study(ledger, requested, allow_code_change=allow_code_change)
        yield ledger


def _create_numbered(location: StudyPath, requested: StudyRecord) -> Ledger:
    """Create a study; append the first number to its name with which no study exists."""
    name, numbers = location.name, count(2)
    while True:
        try:
            return create_study(location.parent / name, replace(requested, name=name))
        except StudyExistsError:
            name = f"{location.name}-{next(numbers)}"


def require_same_study(
    ledger: Ledger, requested: StudyRecord, *, allow_code_change: bool = False
) -> None:
    """Raise if a study was created with other data or settings, or trained with other software.

    A change of the software that the user allows is recorded in the ledger.

    Args:
        ledger: Ledger of the study.
        requested: Record of the study that the user requests.
        allow_code_change: Whether the software may differ.

    Raises:
        ConflictError: The data, settings or software differ; the message names the differences.
    """
    study = ledger.study
    same_software = replace(requested, software=study.software)
    reasons = list_differences(study, same_software)
    if not reasons and study.fingerprint != _compute_fingerprint(same_software):
        reasons = ["study.json was modified after the study was created"]
    if reasons:
        raise ConflictError(
            f"{ledger.location} was created with different settings: {'; '.join(reasons)}",
            path=str(ledger.location),
            remedy="pass the original settings, or choose another --name",
        )
    changes = list_software_differences(ledger.current_software, requested.software)
    if not changes or not is_unfinished(ledger):
        return  # a finished study trains nothing
    if not allow_code_change:
        raise ConflictError(
            f"{ledger.location} was trained with different software: {'; '.join(changes)}",
            path=str(ledger.location),
            remedy="restore that software, choose another --name, or pass --allow-code-change to "
            "accept that trials may differ",
        )
    ledger.add_software_change(
        SoftwareChange(
            changed_at=datetime.now(UTC).isoformat(timespec="seconds"), software=requested.software
        )
    )
    # Each trial is trained by a single version of the code, so unfinished trials restart.
    ledger.files.remove(CHECKPOINT_DIR)


def _compute_fingerprint(study: StudyRecord) -> str:
    return compute_fingerprint(
        study.data, [trial.id for trial in study.trials], study.software, study.search
    )


def list_differences(existing: StudyRecord, requested: StudyRecord) -> list[str]:
    """Return the differences between two studies, in words.

    Args:
        existing: Record of the existing study.
        requested: Record of the study that the user requests.
    """
    reasons = []
    if existing.kind != requested.kind:
        return [f"it is a {existing.kind}, not a {requested.kind}"]
    if existing.data.sha256 != requested.data.sha256:
        names = (
            f"{data.name} (SHA-256 {data.sha256[:12]}…)" for data in (existing.data, requested.data)
        )
        reasons.append("the data were {}, now {}".format(*names))
    was_dropped, now_dropped = (
        data.dropped is not None for data in (existing.data, requested.data)
    )
    if was_dropped != now_dropped:
        reasons.append(
            f"duplicates were {_DROPPED_WORDS[was_dropped]}, now {_DROPPED_WORDS[now_dropped]}"
        )
    was_search, now_search = (asdict(r.search) if r.search else {} for r in (existing, requested))
    for name, was in was_search.items():
        if was != now_search.get(name):
            reasons.append(
                f"{name} was {_format_value(was)}, now {_format_value(now_search.get(name))}"
            )
    if [trial.id for trial in existing.trials] != [trial.id for trial in requested.trials]:
        reasons += _list_plan_differences(existing.trials, requested.trials)
    return reasons


def _list_plan_differences(
    existing: Sequence[PlannedTrial], requested: Sequence[PlannedTrial]
) -> Iterator[str]:
    """Yield the differences between two grids, in words."""
    plans = (existing, requested)
    for label, value_lists in (
        ("configurations", [[trial.configuration for trial in plan] for plan in plans]),
        ("seeds", [[trial.config["seed"] for trial in plan] for plan in plans]),
    ):
        before, now = (_format_value(list(dict.fromkeys(values))) for values in value_lists)
        if before != now:
            yield f"the {label} were {before}, now {now}"
    requested_configs: dict[tuple[str, int], Mapping[str, object]] = {
        (trial.configuration, trial.config["seed"]): trial.config for trial in requested
    }
    config_pairs: list[tuple[Mapping[str, object], Mapping[str, object] | None]] = [
        (t.config, requested_configs.get((t.configuration, t.config["seed"]))) for t in existing
    ]
    for key in existing[0].config:
        values = [(was[key], now[key]) for was, now in config_pairs if now]
        changed = [(was, now) for was, now in values if was != now]
        if changed:
            yield f"{key} was {changed[0][0]}, now {changed[0][1]}"


def _format_value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def check_study_files(ledger: Ledger) -> list[str]:
    """Verify the files of a study before it is resumed, and repair what an interruption left.

    Partially written files are removed, and missing entries are added to the log.

    Args:
        ledger: Ledger of the study.

    Returns:
        Notes for the user, one line per unfinished trial that has a checkpoint or other files.

    Raises:
        ConflictError: A file is damaged or missing; the error has its path and a remedy.
        DataError: The checkpoint of a trial is invalid.
    """
    for partial_file in ledger.folder.rglob(".*.part"):
        partial_file.unlink()
    try:
        repair_log(ledger)
        _, records = check_entered_files(ledger, interrupted=True)
        if ledger.files.has_log:
            check_log(ledger, records, interrupted=True)
    except ConflictError as error:
        raise _add_remedy(ledger, error) from error
    confirmation = ledger.read_confirmation()
    for planned in ledger.read_proposals() if confirmation else ():
        if planned.id not in records:
            name = f"trials/{planned.id}.json"
            raise ConflictError(
                f"{ledger.location}: {name} is missing, but the search has ended",
                path=name,
                remedy=RESTORE_HINT,
            )
    unfinished = {
        trial.id: trial for trial in ledger.list_planned_trials() if trial.id not in records
    }
    for name in sorted(ledger.files.list_files(CHECKPOINT_DIR)):
        trial_id = name.split("/")[1]
        if trial_id in records:  # interrupted between recording the trial and this removal
            ledger.remove_checkpoint(trial_id)
        elif trial_id not in unfinished:
            path = str(ledger.location / name)
            unplanned = UnplannedTrialError(
                f"{path} does not belong to any planned trial", path=path
            )
            raise _add_remedy(ledger, unplanned)
    return [note for trial in unfinished.values() for note in _describe_unfinished(ledger, trial)]


def _add_remedy(ledger: Ledger, error: ConflictError) -> ConflictError:
    """Return a copy of a file's error with a remedy."""
    if isinstance(error, UnplannedTrialError):
        if ledger.study.search is None:
            return error.with_remedy(RESTORE_HINT)
        return error.with_remedy(
            f"proposals.jsonl or confirmation.json does not list it; {RESTORE_HINT}"
        )
    name = (error.path or "").removeprefix(f"{ledger.location}/")
    if name.partition("/")[0] in {"trials", *TRIAL_FILE_SUFFIXES}:
        return error.with_remedy(
            f"{RESTORE_HINT}, or remove the trial's file in trials/ to re-train it, which is logged"
        )
    return error.with_remedy(RESTORE_HINT)


def _describe_unfinished(ledger: Ledger, trial: PlannedTrial) -> Iterator[str]:
    """Yield the epoch that a started trial resumes after, or the reason why it is re-trained."""
    name, config = get_checkpoint_name(trial.id), TrialConfig.from_dict(trial.config)
    if ledger.files.exists(name):
        import torch

        from bloodnets.training.checkpoint import load_checkpoint

        # The worker loads it again; loading it here reports a bad checkpoint before Ray starts.
        checkpoint = load_checkpoint(
            ledger.files.read(name),
            str(ledger.location / name),
            config,
            study_fingerprint=ledger.study.fingerprint,
            device=torch.device("cpu"),
        )
        yield f"{trial.id}: resumes after epoch {len(checkpoint.epochs)}"
    elif (ledger.folder / name).parent.exists():  # object storage has no empty folders
        yield (
            f"{trial.id}: {CHECKPOINT_DIR}/{trial.id} holds no checkpoint; the trial restarts from "
            f"its first epoch"
        )
    elif partial_files := ledger.list_partial_files(trial.id):
        yield (
            f"{trial.id}: {partial_files[0]} exists without a trial record; the trial is re-trained"
        )


def compute_elapsed_search_s(records: Sequence[TrialRecord]) -> float:
    """Return the duration of a search in seconds, without its breaks.

    Args:
        records: Records of its trials. Time during which none of them ran does not count.
    """
    spans = sorted(
        (
            start_s := datetime.fromisoformat(record.started_at).timestamp(),
            start_s + record.duration_s,
        )
        for record in records
    )
    total_s, last_end_s = 0.0, float("-inf")
    for span_start_s, span_end_s in spans:
        total_s += max(0.0, span_end_s - max(span_start_s, last_end_s))
        last_end_s = max(last_end_s, span_end_s)
    return total_s
