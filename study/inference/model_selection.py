"""Select the model of a study to predict with or to export.

Selection uses val and never test. A wrong trial name is rejected before PyTorch is imported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from reports.format.units import format_count, format_number
from reports.ledger.ledger import Ledger
from reports.ledger.lookup import get_trial_name
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.states import TrialState
from study.inference.trial_lookup import find_complete_trial

if TYPE_CHECKING:
    from torch import nn

    from reports.analysis.temperature import Temperature


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedModel:
    """Selected trial with its model.

    Attributes:
        record: Record of the trial.
        config: Configuration of the trial.
        model: Model with the weights of the best epoch, on the CPU, in evaluation mode.
        reason: Reason for the selection, in words that can follow the trial's name and a colon.
        temperature: Temperature that calibrates its probabilities, fitted on val.
        problems: Problems of trials that would have been preferred but have unusable files.
    """

    record: TrialRecord
    config: TrialConfig
    model: "nn.Module"
    reason: str
    temperature: "Temperature"
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the trial: its id without the digest."""
        return get_trial_name(self.record.id)

    @property
    def members(self) -> tuple["SelectedModel", ...]:
        """This model, as the only member of a vote."""
        return (self,)


def select_model(ledger: Ledger, trial: str | None) -> SelectedModel:
    """Return the named trial with its model, or the study's best.

    The best is the complete trial with the highest macro F1 on val. For a search with a
    confirmation, it is a trial of the winner, as in the report: of the first re-trained
    configuration, the replicate with the highest macro F1 on val.

    Args:
        ledger: Ledger of a grid or a search.
        trial: Name of the trial, as in `find_trial`; None for the best.

    Raises:
        DataError: There is no such trial, or no complete trial.
        ConflictError: A file of the named trial, or of every trial, is missing or differs from its
            record.
    """
    if trial is not None:
        record = find_complete_trial(ledger, trial)
        return load_selected_model(ledger, record, "selected by name", ())
    problems: list[str] = []
    for trials, reason_template in _list_candidate_groups(ledger):
        complete_records = _load_complete_records(ledger, trials, problems)
        rank_text = reason_template.format(format_count(len(complete_records), "complete trial"))
        for record in sorted(complete_records, key=lambda record: -_get_val_macro_f1(record)):
            macro_f1_text = format_number(_get_val_macro_f1(record), "percent")
            reason = f"macro F1 {macro_f1_text}% on val, {rank_text}"
            try:
                return load_selected_model(ledger, record, reason, tuple(problems))
            except ConflictError as error:
                problems.append(str(error))
    if problems:
        raise ConflictError(
            f"{ledger.name} has no usable model: {problems[0]}",
            path=str(ledger.location),
        )
    raise DataError(
        f"{ledger.name} has no complete trial, so it has no model", path=str(ledger.location)
    )


def _list_candidate_groups(ledger: Ledger) -> Iterator[tuple[Sequence[PlannedTrial], str]]:
    """Yield groups of trials to select from, the preferred first, with the reason's text."""
    confirmation = ledger.read_confirmation()
    if confirmation is None or not confirmation.trials:
        yield ledger.list_planned_trials(), "the highest of {}"
        return
    for name in confirmation.best:
        retrained_trials = [trial for trial in confirmation.trials if trial.configuration == name]
        yield retrained_trials, f"the highest of the {{}} that re-trained {name}"
    yield ledger.read_proposals(), "the highest of {} of the search, not confirmed"


def _load_complete_records(
    ledger: Ledger, trials: Sequence[PlannedTrial], problems: list[str]
) -> list[TrialRecord]:
    records = []
    for planned in trials:
        try:
            record = ledger.read_trial(planned)
        except ConflictError as error:
            problems.append(str(error))
            continue
        if record is not None and record.state is TrialState.COMPLETE:
            records.append(record)
    return records


def _get_val_macro_f1(record: TrialRecord) -> float:
    value = record.scores.get("val", {}).get("macro_f1")
    return -1.0 if value is None else value


def load_selected_model(
    ledger: Ledger, record: TrialRecord, reason: str, problems: tuple[str, ...]
) -> SelectedModel:
    """Return a complete trial with its model, after checking the hashes of its files.

    Raises:
        ConflictError: A file is missing or differs from the record.
    """
    from bloodnets.training.checkpoint import load_model
    from reports.analysis.temperature import read_temperature
    from reports.ledger.loading import check_hash

    model_name = f"models/{record.id}.safetensors"
    if model_name not in record.files:
        raise ConflictError(
            f"{ledger.location}: {record.id} has no model", path=str(ledger.location / model_name)
        )
    for file_name in record.files:
        check_hash(ledger, record, file_name)
    try:
        config = TrialConfig.from_dict(record.config)
    except (TypeError, ValueError) as error:
        raise ConflictError(
            f"{ledger.location}: {record.id}: {error}",
            path=str(ledger.location / f"trials/{record.id}.json"),
        ) from error
    return SelectedModel(
        record=record,
        config=config,
        model=load_model(
            ledger.files.read(model_name),
            str(ledger.location / model_name),
            config,
            ledger.study.data.shape,
        ),
        reason=reason,
        temperature=read_temperature(ledger, [record]),
        problems=problems,
    )
