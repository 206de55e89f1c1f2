"""Write the title of a report in words."""

from collections.abc import Sequence

from reports.format.units import format_count
from reports.ledger.data_record import DataRecord
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind

_NUMBER_WORDS = (
    *("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"),
    *("Eleven", "Twelve"),
)


def make_title(study: StudyRecord) -> str:
    """Return the title of a study's report, e.g. `Eight classifiers on BloodMNIST, 3 seeds`.

    A cross-validation also has its folds, e.g. `Two classifiers on BloodMNIST, 1 seed, 5 folds`.
    """
    data_name = _get_data_name(study.data)
    if study.search is not None:
        return f"Search over {format_count(study.search.n_trials, 'trial')} on {data_name}"
    n_configurations = len({trial.configuration for trial in study.trials})
    n_seeds = len({trial.config["seed"] for trial in study.trials})
    noun = "classifier" if n_configurations == 1 else "classifiers"
    title = f"{_format_number_word(n_configurations)} {noun} on {data_name}"
    title += f", {format_count(n_seeds, 'seed')}"
    if study.grid is None or study.grid.folds is None:
        return title
    return f"{title}, {study.grid.folds} folds"


def make_multi_study_title(studies: Sequence[StudyRecord]) -> str:
    """Return the title of a report of several studies, e.g. `Two studies on BloodMNIST`."""
    data_names = dict.fromkeys(_get_data_name(study.data) for study in studies)
    return f"{_format_number_word(len(studies))} studies on {' and '.join(data_names)}"


def _get_data_name(data: DataRecord) -> str:
    if data.medmnist_file is not None:
        return data.medmnist_file.title
    return "synthetic cells" if data.kind is DataKind.SYNTHETIC else data.name


def _format_number_word(number: int) -> str:
    """Return a number as a word at the start of a title, or in digits above twelve."""
    return _NUMBER_WORDS[number] if number < len(_NUMBER_WORDS) else f"{number:,}"
