"""Check the files of a study before it is resumed, and repair what an interruption left."""

from collections.abc import Iterator

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR, get_checkpoint_name
from reports.ledger.ledger import TRIAL_FILE_SUFFIXES, Ledger
from reports.ledger.log_repair import repair_log
from reports.ledger.planned_trial import PlannedTrial
from reports.verification.entered_files import UnplannedTrialError, check_entered_files
from reports.verification.log import check_log

RESTORE_HINT = "restore the file from a backup"


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
            ledger.study.data.shape,
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
