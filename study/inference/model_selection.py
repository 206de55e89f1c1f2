"""Which model of a study is used on other images, or handed on: a good one whose files are whole.

Val chooses, as everywhere; test has no say.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.training.checkpoint import load_model
from reports.format.units import number, plural
from reports.ledger.ledger import Ledger
from reports.ledger.loading import check_hash
from reports.ledger.records import PlannedTrial, TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
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
    model: nn.Module
    reason: str
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the trial: its id without the digest."""
        return self.record.id.rpartition("-")[0]


def choose(ledger: Ledger, trial: str | None) -> Chosen:
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
        planned = find_trial(ledger, trial)
        record = ledger.trial(planned)
        if record is None or record.status != "complete":
            state = "has not ended" if record is None else f"is {record.status}"
            raise DataError(f"{planned.id} {state}: it left no model; name a complete trial")
        return _load(ledger, record, "as asked for", ())
    problems: list[str] = []
    for trials, words in _groups(ledger):
        complete = _complete(ledger, trials, problems)
        highest = words.format(plural(len(complete), "complete trial"))
        for record in sorted(complete, key=lambda each: -_value(each)):
            reason = f"macro F1 {number(_value(record), 'percent')} % on val, {highest}"
            try:
                return _load(ledger, record, reason, tuple(problems))
            except ConflictError as error:
                problems.append(str(error))
    if problems:
        raise ConflictError(f"{ledger.name} has no model that can be relied on: {problems[0]}")
    raise DataError(f"{ledger.name} has no complete trial, so it has no model")


def _groups(ledger: Ledger) -> Iterator[tuple[Sequence[PlannedTrial], str]]:
    """Trials among which val chooses, with words for the choice; the first that has any counts."""
    end = ledger.confirmation()
    if end is None or not end.trials:
        yield ledger.planned(), "the highest of {}"
        return
    for name in end.best:
        own = [trial for trial in end.trials if trial.configuration == name]
        yield own, f"the highest of the {{}} in which {name} was trained again"
    yield ledger.proposals(), "the highest of {} of the search, not confirmed"


def _complete(
    ledger: Ledger, trials: Sequence[PlannedTrial], problems: list[str]
) -> list[TrialRecord]:
    found = []
    for planned in trials:
        try:
            record = ledger.trial(planned)
        except ConflictError as error:
            problems.append(str(error))
            continue
        if record is not None and record.status == "complete":
            found.append(record)
    return found


def _value(record: TrialRecord) -> float:
    value = record.scores.get("val", {}).get("macro_f1")
    return -1.0 if value is None else value


def _load(ledger: Ledger, record: TrialRecord, reason: str, problems: tuple[str, ...]) -> Chosen:
    name = f"models/{record.id}.safetensors"
    if name not in record.files:
        raise ConflictError(f"{ledger.place}: {record.id} has no model")
    for each in record.files:
        check_hash(ledger, record, each)
    try:
        config = TrialConfig.from_dict(record.config)
    except (TypeError, ValueError) as error:
        raise ConflictError(f"{ledger.place}: {record.id}: {error}") from error
    return Chosen(
        record=record,
        config=config,
        model=load_model(ledger.content(name), str(ledger.place / name), config),
        reason=reason,
        problems=problems,
    )


def find_trial(ledger: Ledger, text: str) -> PlannedTrial:
    """The trial that a user means.

    Args:
        ledger: of the study.
        text: its id, with or without the digest at its end; or the name of a configuration
            that has one trial.

    Raises:
        DataError: none, or several.
    """
    every = ledger.planned()
    for own in (
        [trial for trial in every if trial.id == text],
        [trial for trial in every if _name(trial) == text],
        [trial for trial in every if trial.configuration == text],
    ):
        if len(own) == 1:
            return own[0]
        if own:
            which = ", ".join(_name(trial) for trial in own[:6])
            raise DataError(f"{text} has {len(own)} trials; name one: {which}")
    close = difflib.get_close_matches(text, [_name(trial) for trial in every], n=3)
    hint = f"; close to it: {', '.join(close)}" if close else ""
    raise DataError(f"{ledger.study.name} has no trial {text!r}{hint}")


def _name(trial: PlannedTrial | TrialRecord) -> str:
    """Its id without the digest."""
    return trial.id.rpartition("-")[0]
