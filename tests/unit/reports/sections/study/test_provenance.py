"""The section on what was run: facts, settings, images of each class."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from bloodnets.constants import CLASS_NAMES
from reports.analysis import frames
from reports.analysis.search_trials import SearchAnalysis
from reports.format.data_warnings import describe_duplicates, describe_groups
from reports.ledger.data_record import GroupsRecord
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import SoftwareChange
from reports.ledger.states import DataKind
from reports.ledger.test_predictions import TestPredictions
from reports.sections.elements import Section
from reports.sections.study import provenance
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import (
    OFFICIAL,
    ReportedStudy,
    find_table,
    read_column,
    read_rows,
)
from tests.helpers.search_frames import make_search_analysis

PLANNED = [
    PlannedTrial(
        id=f"cnn-config-1-s{seed}-0",
        configuration="cnn-config-1",
        config=grid_builder.make_config("cnn-config-1", seed=seed),
    )
    for seed in (4, 7)
]
STUDY = LoadedStudy(
    study=grid_builder.make_grid_record(
        "mine", DataKind.OFFICIAL, CLASS_NAMES, ASYMMETRIC, PLANNED
    ),
    records={},
    epochs={},
    test_evaluations=(),
    predictions=TestPredictions(
        trials=pd.DataFrame({"configuration": []}),
        labels=ASYMMETRIC[0],
        probabilities=ASYMMETRIC.astype("float32"),
    ),
    val_predictions={},
    search=None,
    software_changes=(),
    problems=(),
)


def make_section(
    loaded_study: LoadedStudy = STUDY,
    *,
    search: SearchAnalysis | None = None,
    **trial_columns: Any,
) -> Section:
    trials = frames.make_trials_frame(loaded_study).assign(**trial_columns)
    return provenance.make_section(
        loaded_study=loaded_study,
        trials=trials,
        settings=frames.make_settings_frame(loaded_study.study),
        class_counts=frames.make_class_counts_frame(loaded_study),
        search=search,
        data=OFFICIAL,
    )


def test_provenance_facts_of_a_grid_name_data_seeds_and_settings() -> None:
    section = make_section(device="cpu", test_evaluations=1)
    facts = dict(section.facts)
    assert section.key == "provenance"
    assert facts["Study"] == "mine"
    assert section.code_blocks[0].text == "bloodstudy grid --name mine"
    assert facts["Data"] == OFFICIAL.full
    assert facts["Images"] == "train 11,959, val 180, test 360"
    assert [facts[name] for name in ("Seeds", "Batch size")] == ["4, 7", "64"]
    assert facts["Plan (SHA-256)"] == STUDY.study.fingerprint
    assert any(value.split()[0] == "10" for name, value in section.facts if "Patience" in name)


def test_provenance_counts_of_test_evaluations_name_repeated_ones() -> None:
    once, twice, never = (
        " ".join(
            value
            for name, value in make_section(test_evaluations=n).facts
            if "test" in name.lower()
        )
        for n in ([1, 1], [1, 2], [0, 0])
    )
    assert once.startswith("2,")
    assert twice.startswith("3;")
    assert PLANNED[1].id in twice
    assert PLANNED[0].id not in twice
    assert never == "0"


def test_provenance_change_of_software_without_a_trial_is_no_fact() -> None:
    software = replace(grid_builder.SOFTWARE, versions={"torch": "9"})
    change = SoftwareChange(changed_at="2026-01-03T00:00:00Z", software=software)
    assert len(make_section(replace(STUDY, software_changes=(change,))).facts) == len(
        make_section().facts
    )


def test_provenance_facts_of_a_search_name_what_it_drew_from() -> None:
    search = make_search_analysis()
    search = replace(
        search, record=replace(search.record, learning_rate=(1e-5, 5e-4), sampler="cmaes", seed=3)
    )
    facts = dict(make_section(search=search).facts)
    grid_facts = dict(make_section().facts)
    assert facts["Learning rate"].startswith("1e-05 to 0.0005")
    assert facts["Sampler"].startswith("cmaes")
    assert facts["Seeds"].split()[0] == "3"
    assert "4, 7" in facts["Seeds"]
    assert "Patience" not in facts
    assert {"Learning rate", "Sampler", "Rungs"}.isdisjoint(grid_facts)


def test_provenance_of_a_search_without_a_confirmation_has_no_settings_table() -> None:
    study = replace(STUDY, study=replace(STUDY.study, trials=()))
    section = make_section(study, search=make_search_analysis())
    facts = dict(section.facts)
    assert [table.name for table in section.tables] == ["class-counts"]
    assert [facts[name] for name in ("Seeds", "Batch size")] == ["0", "64"]


def test_provenance_states_the_identical_images() -> None:
    facts = dict(make_section().facts)
    assert facts["Identical images"] == describe_duplicates(STUDY.study.data)


def test_provenance_states_the_groups_only_if_the_data_have_them() -> None:
    assert "Groups" not in dict(make_section().facts)
    groups = GroupsRecord(count=17, across_splits=2, test_images=3)
    data = replace(STUDY.study.data, groups=groups)
    section = make_section(replace(STUDY, study=replace(STUDY.study, data=data)))
    assert dict(section.facts)["Groups"] == describe_groups(data)


def test_provenance_tables_show_settings_and_class_counts() -> None:
    section = make_section()
    assert [table.name for table in section.tables] == ["settings", "class-counts"]
    (row,) = read_rows(find_table(section, "settings"))
    assert row == {
        "configuration": "cnn-config-1",
        "family": "CNN",
        "loss": "CrossEntropy",
        "optimizer": "SGD",
        "learning_rate": "0.01",
        "momentum": "0.9",
        "dropout": "0.2",
    }
    classes = find_table(section, "class-counts")
    assert read_rows(classes)[1] == {
        "class_label": "1 eosinophil",
        "train": "2,181",
        "val": "50",
        "test": "100",
    }
    assert classes.values["class_name"].tolist() == list(CLASS_NAMES)


@pytest.mark.parametrize("name", ["resnet", "cnn"])
def test_provenance_further_settings_have_a_table_and_names_stay(name: str) -> None:
    config = grid_builder.make_config("x") | {
        "family": "resnet",
        "optimizer": "adamw",
        "weight_decay": 0.05,
        "label_smoothing": 0.1,
        "dihedral_augmentation": True,
        "max_shift": 2,
        "schedule": "one_cycle",
        "width": 64,
    }
    planned = [*PLANNED, PlannedTrial(id="x", configuration=name, config=config)]
    study = replace(STUDY, study=replace(STUDY.study, trials=tuple(planned)))
    section = make_section(study)
    row = read_rows(find_table(section, "settings"))[1]
    assert [row[key] for key in ("configuration", "family", "optimizer")] == [
        name, "ResNet", "AdamW"
    ]  # fmt: skip
    further = find_table(section, "settings-further")
    assert read_rows(further)[1] == {
        "configuration": name,
        "width": "64",
        "weight_decay": "0.05",
        "label_smoothing": "0.1",
        "dihedral_augmentation": "yes",
        "max_shift": "2",
        "schedule": "one-cycle",
    }
    assert read_column(further, "dihedral_augmentation") == ["no", "yes"]


def test_provenance_of_a_cross_validation_has_its_folds(reported_folds: ReportedStudy) -> None:
    facts = dict(make_section(reported_folds.analysis.study.loaded_study).facts)
    assert facts["Seeds"] == "0"
    assert facts["Folds"].startswith("3,")
    assert "Folds" not in dict(make_section().facts)
