"""Which model of a study is used on other images, or handed on: a good one whose files are whole.

Val chooses, as everywhere; test has no say. A wrong name is refused before PyTorch is imported.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedModel:
    """A trial with its model.

    Attributes:
        record: of the trial.
        config: its configuration.
        model: with the weights of its best epoch, on the CPU, ready to predict.
        reason: why this one, in words that follow its name.
        problems: what is wrong with the files of trials that would have come first.
    """

    record: TrialRecord
    config: TrialConfig
    model: "nn.Module"
    reason: str
    problems: tuple[str, ...]

    @property
    def trial_name(self) -> str:
        """Of the trial: its id without the digest."""
        return get_trial_name(self.record.id)


def select_model(ledger: Ledger, trial: str | None) -> SelectedModel:
    """The trial that is named, or the study's best.

    The best has the highest macro F1 on val of all complete trials. Of a search with a
    confirmation it is, as in its report, a trial of the winner: of the first of the configurations
    trained again, the seed with the highest macro F1 on val.

    Args:
        ledger: of any study.
        trial: as in `find_trial`; None for the best.

    Raises:
        DataError: no such trial, or none that is complete.
        ConflictError: of the trial that is named, or of all, a file is not what it was.
    """
    if trial is not None:
        record = find_complete_trial(ledger, trial)
        return _load_selected_model(ledger, record, "as asked for", ())
    problems: list[str] = []
    for trials, reason_template in _list_candidate_groups(ledger):
        complete_records = _load_complete_records(ledger, trials, problems)
        rank_text = reason_template.format(format_count(len(complete_records), "complete trial"))
        for record in sorted(complete_records, key=lambda record: -_get_val_macro_f1(record)):
            macro_f1_text = format_number(_get_val_macro_f1(record), "percent")
            reason = f"macro F1 {macro_f1_text} % on val, {rank_text}"
            try:
                return _load_selected_model(ledger, record, reason, tuple(problems))
            except ConflictError as error:
                problems.append(str(error))
    if problems:
        raise ConflictError(
            f"{ledger.name} has no model that can be relied on: {problems[0]}",
            path=str(ledger.location),
        )
    raise DataError(
        f"{ledger.name} has no complete trial, so it has no model", path=str(ledger.location)
    )


def _list_candidate_groups(ledger: Ledger) -> Iterator[tuple[Sequence[PlannedTrial], str]]:
    """Trials among which val chooses, with words for the choice; the first that has any counts."""
    confirmation = ledger.read_confirmation()
    if confirmation is None or not confirmation.trials:
        yield ledger.list_planned_trials(), "the highest of {}"
        return
    for name in confirmation.best:
        retrained_trials = [trial for trial in confirmation.trials if trial.configuration == name]
        yield retrained_trials, f"the highest of the {{}} in which {name} was trained again"
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


def _load_selected_model(
    ledger: Ledger, record: TrialRecord, reason: str, problems: tuple[str, ...]
) -> SelectedModel:
    from bloodnets.training.checkpoint import load_model
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
        model=load_model(ledger.read_bytes(model_name), str(ledger.location / model_name), config),
        reason=reason,
        problems=problems,
    )
