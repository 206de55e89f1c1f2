"""Titles of reports."""

from dataclasses import replace
from typing import Any

import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import parse_option
from reports.format.titles import make_multi_study_title, make_title
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import SEARCH_RECORD

SEARCH = replace(SEARCH_RECORD, n_trials=50)


def make_study(n_configurations: int = 2, n_seeds: int = 3, **changes: Any) -> StudyRecord:
    trials = tuple(
        PlannedTrial(
            id=f"c{i}-s{seed}",
            configuration=f"c{i}",
            config=grid_builder.make_config(f"cnn-config-{i + 1}", seed=seed),
        )
        for i in range(n_configurations)
        for seed in range(n_seeds)
    )
    kind = changes.pop("kind", DataKind.OFFICIAL)
    study = grid_builder.make_grid_record("s", kind, CLASS_NAMES, ASYMMETRIC, [])
    return replace(study, trials=trials, **changes)


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        (make_study(8, 3), "Eight classifiers on BloodMNIST, 3 seeds"),
        (make_study(1, 1), "One classifier on BloodMNIST, 1 seed"),
        (
            make_study(2, 1, grid=replace(grid_builder.GRID_RECORD, folds=5)),
            "Two classifiers on BloodMNIST, 1 seed, 5 folds",
        ),
        (make_study(13, 2), "13 classifiers on BloodMNIST, 2 seeds"),
        (make_study(kind=DataKind.SYNTHETIC), "Two classifiers on synthetic cells, 3 seeds"),
        (
            make_study(search=replace(SEARCH_RECORD, n_trials=50)),
            "Search over 50 trials on BloodMNIST",
        ),
    ],
)
def test_make_title_says_what_was_trained_on_which_data(study: StudyRecord, expected: str) -> None:
    assert make_title(study) == expected


@pytest.mark.parametrize(
    ("option", "title"), [("dermamnist:64", "DermaMNIST (64 x 64)"), ("octmnist", "OCTMNIST")]
)
def test_make_title_of_medmnist_names_data_set_and_side(option: str, title: str) -> None:
    study = make_study(8, 1)
    study = replace(study, data=grid_builder.to_medmnist(study.data, parse_option(option)))
    assert make_title(study) == f"Eight classifiers on {title}, 1 seed"


def test_make_title_of_a_file_names_it() -> None:
    study = make_study(kind=DataKind.FILE)
    assert study.data.name in make_title(study)


def test_make_multi_study_title_names_each_data_set_once() -> None:
    studies = [make_study(), make_study(), make_study(kind=DataKind.SYNTHETIC)]
    assert make_multi_study_title(studies) == "Three studies on BloodMNIST and synthetic cells"
