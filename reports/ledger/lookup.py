"""Find a trial or a configuration by the name that a user gives."""

from collections.abc import Sequence

from bloodnets.errors import MAX_NAMES, DataError, suggest_or_list_names
from reports.ledger.planned_trial import PlannedTrial


def get_trial_name(trial_id: str) -> str:
    """Return a trial's short name: its id without the digest at its end."""
    return trial_id.rpartition("-")[0]


def find_trial(study_name: str, trials: Sequence[PlannedTrial], text: str) -> PlannedTrial:
    """Return the trial that a user means.

    Args:
        study_name: Name of the study, used in messages.
        trials: Planned trials of the study.
        text: Id of a trial, with or without the digest at its end, or name of a configuration
            that has only one trial.

    Raises:
        DataError: No trial has this name, or several have.
    """
    for matches in (
        [trial for trial in trials if trial.id == text],
        [trial for trial in trials if get_trial_name(trial.id) == text],
        [trial for trial in trials if trial.configuration == text],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(get_trial_name(trial.id) for trial in matches[:MAX_NAMES])
            raise DataError(
                f"{text} has {len(matches)} trials", value=text, remedy=f"choose one: {names}"
            )
    raise _make_unknown_error(
        study_name, "trial", text, [get_trial_name(trial.id) for trial in trials]
    )


def require_configuration(study_name: str, names: Sequence[str], text: str) -> None:
    """Check that a configuration exists.

    Args:
        study_name: Name of the study, used in messages.
        names: Names of the configurations.
        text: Name that a user gave.

    Raises:
        DataError: No configuration has this name.
    """
    if text not in names:
        raise _make_unknown_error(study_name, "configuration", text, names)


def _make_unknown_error(
    study_name: str, noun: str, text: str, known_names: Sequence[str]
) -> DataError:
    return DataError(
        f"{study_name} has no {noun} {text!r}",
        value=text,
        remedy=suggest_or_list_names(text, known_names),
    )
