"""Select the models of a vote: all complete trials of one configuration.

A wrong name is rejected before PyTorch is imported.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bloodnets.errors import DataError
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.lookup import require_configuration
from reports.ledger.planned_trial import get_replicate_name
from reports.ledger.records import TrialRecord
from reports.ledger.states import TrialState
from study.inference.model_selection import SelectedModel, load_selected_model, select_model
from study.inference.trial_lookup import find_complete_trial

if TYPE_CHECKING:
    from reports.analysis.temperature import Temperature


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedVote:
    """Models whose mean probabilities are the prediction.

    Attributes:
        configuration: Name of the configuration.
        members: Complete trials of the configuration with their models, at least two.
        temperature: Temperature that calibrates their mean probabilities; those of the members are
            not used.
    """

    configuration: str
    members: tuple[SelectedModel, ...]
    temperature: "Temperature"

    @property
    def name(self) -> str:
        """Name of the vote, e.g. `cnn-config-1-vote`, which can be part of a file name."""
        first = self.members[0]
        return f"{first.name.removesuffix(f'-{get_replicate_name(first.record.config)}')}-vote"

    @property
    def reason(self) -> str:
        """Reason for the selection, in words that can follow the name and a colon."""
        return f"the mean probabilities of {len(self.members)} models, selected by name"

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of trials that would have been preferred; a vote has none."""
        return ()


Selection = SelectedModel | SelectedVote
"""What predicts: one model or a vote of several."""


def check_selection(ledger: Ledger, trial: str | None, vote: str | None) -> None:
    """Check the names that a user gave, without reading a model.

    Args:
        ledger: Ledger of a grid or a search.
        trial: Name of the trial, as in `find_trial`; None for none.
        vote: Name of the configuration whose trials vote; None for no vote.

    Raises:
        DataError: Both are given, or there is no such complete trial or vote.
    """
    if trial is not None and vote is not None:
        raise DataError("--trial cannot be combined with --vote", remedy="omit one of them")
    if trial is not None:
        find_complete_trial(ledger, trial)
    if vote is not None:
        _find_members(ledger, vote)


def select(
    ledger: Ledger, trial: str | None, vote: str | None, *, orientations: bool = False
) -> Selection:
    """Return the named trial or vote with its models, or the study's best model.

    Args:
        ledger: Ledger of a grid or a search.
        trial: Name of the trial, as in `find_trial`; None for none.
        vote: Name of the configuration whose trials vote; None for no vote.
        orientations: Whether to average over orientations even if the study did not.

    Raises:
        DataError: There is no such complete trial or vote, or no complete trial.
        ConflictError: A file of a model is missing or differs from its record.
    """
    selected = select_model(ledger, trial) if vote is None else _select_vote(ledger, vote)
    return _add_orientations(selected) if orientations else selected


def _select_vote(ledger: Ledger, configuration: str) -> SelectedVote:
    from reports.analysis.temperature import read_temperature

    records = _find_members(ledger, configuration)
    members = (load_selected_model(ledger, r, "member of the vote", ()) for r in records)
    return SelectedVote(
        configuration=configuration,
        members=tuple(members),
        temperature=read_temperature(ledger, records),
    )


def _add_orientations(selected: Selection) -> Selection:
    """Return what predicts means over orientations; its temperature is 1 if the study did not."""
    from reports.analysis.temperature import Temperature, TemperatureState

    if selected.members[0].config.orientations:
        return selected
    temperature = Temperature(1.0, TemperatureState.OTHER_VIEWS, 0)
    members = [
        replace(member, config=replace(member.config, orientations=True), temperature=temperature)
        for member in selected.members
    ]
    if isinstance(selected, SelectedVote):
        return replace(selected, members=tuple(members), temperature=temperature)
    return members[0]


def _find_members(ledger: Ledger, configuration: str) -> list[TrialRecord]:
    """Return the complete trials of a configuration; for a search, of a re-trained one."""
    confirmation = ledger.read_confirmation()
    planned_trials = confirmation.trials if confirmation else ledger.study.trials
    names = list(dict.fromkeys(planned.configuration for planned in planned_trials))
    require_configuration(ledger.study.name, names, configuration)
    records = [
        ledger.read_trial(planned)
        for planned in planned_trials
        if planned.configuration == configuration
    ]
    complete = [r for r in records if r is not None and r.state is TrialState.COMPLETE]
    if len(complete) < 2:
        raise DataError(
            f"{configuration} has {format_count(len(complete), 'complete trial')}, but a vote "
            "needs two",
            value=configuration,
            remedy="choose a configuration with several complete trials",
        )
    return complete
