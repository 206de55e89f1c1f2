"""The section on importances: groups of trials, settings, intervals."""

import pandas as pd

from reports.sections.search import importances
from tests.helpers.report_frames import OFFICIAL, find_table, read_column, read_rows

COLUMNS = ["rung", "family", "optimizer", "trials", "setting", "importance"]
IMPORTANCES = pd.DataFrame(
    [
        (3, None, None, 20, "optimizer", 0.1),
        (3, None, None, 20, "learning_rate", 0.9),
        (1, "cnn", "sgd", 12, "learning_rate", 0.7),
        (1, "cnn", "sgd", 12, "momentum", 0.3),
    ],
    columns=COLUMNS,
).assign(importance_low=0.05, importance_high=0.95, importance_null=0.3)


def test_importances_table_shows_group_rung_and_interval() -> None:
    section = importances.make_section(IMPORTANCES, data=OFFICIAL)
    assert section is not None
    assert section.key == "importances"
    table = find_table(section, "importances")
    first = read_rows(table)[0]
    assert {key: first[key] for key in first if key != "trial_group"} == {
        "rung": "3",
        "trials": "20",
        "setting_text": "Optimizer",
        "importance": "10.0",
        "importance_interval": "[5.0, 95.0]",
        "importance_null": "30.0",
    }
    groups = read_column(table, "trial_group")
    assert len(set(groups)) == 2
    assert groups[2] == "CNN, SGD"
    assert read_column(table, "setting_text")[1:3] == ["Learning rate", "Learning rate"]
    assert table.values is IMPORTANCES
    assert [figure.name for figure in section.figures] == ["importances"]


def test_importances_outcome_names_the_most_important_setting_of_each_group() -> None:
    section = importances.make_section(IMPORTANCES, data=OFFICIAL)
    assert section is not None
    of_all, of_sgd = section.paragraphs
    assert all(part in of_all for part in ("learning rate", "90.0%", "3 epochs"))
    assert all(part in of_sgd for part in ("CNN, SGD", "70.0%", "1 epoch"))
    without_effect = importances.make_section(
        IMPORTANCES.assign(importance_null=0.95), data=OFFICIAL
    )
    assert without_effect is not None
    assert not any("%" in paragraph for paragraph in without_effect.paragraphs)


def test_importances_of_too_few_trials_are_left_out() -> None:
    assert importances.make_section(IMPORTANCES.iloc[:0], data=OFFICIAL) is None
