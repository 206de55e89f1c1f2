"""The section on trials that are not in the comparison."""

import pandas as pd

from reports.format.units import BLANK
from reports.sections.study import unfinished
from tests.helpers.report_frames import find_table, read_rows

TRIALS = pd.DataFrame(
    {
        "id": ["a-s0-1", "a-s1-2", "b-s0-3", "b-s1-4"],
        "configuration": ["a", "a", "b", "b"],
        "seed": [0, 1, 0, 1],
        "fold": pd.array([None] * 4, dtype="Int64"),
        "state": ["complete", "failed", "missing", "unreadable"],
        "epochs": [30.0, 3.0, float("nan"), float("nan")],
        "attempts": [1.0, 2.0, float("nan"), float("nan")],
        "error": [None, "loss is nan", None, "x.npz is torn"],
    }
)


def test_unfinished_trials_are_listed_with_their_reason() -> None:
    section = unfinished.make_section(TRIALS)
    assert section is not None
    assert section.key == "unfinished"
    table = find_table(section, "unfinished")
    failed, missing, unreadable = read_rows(table)
    assert failed == {
        "configuration": "a",
        "seed": "1",
        "state": "failed",
        "epochs": "3",
        "attempts": "2",
        "reason": "loss is nan",
    }
    assert [missing["state"], missing["epochs"], missing["attempts"]] == ["missing", BLANK, BLANK]
    assert missing["reason"] not in {BLANK, "", unreadable["reason"]}
    assert unreadable["reason"] == "x.npz is torn"
    assert table.values["id"].tolist() == ["a-s1-2", "b-s0-3", "b-s1-4"]


def test_unfinished_of_complete_trials_is_left_out() -> None:
    assert unfinished.make_section(TRIALS.iloc[:1]) is None


def test_unfinished_trials_of_a_cross_validation_have_their_fold() -> None:
    section = unfinished.make_section(TRIALS.assign(fold=pd.array([0, 1, 0, 1], dtype="Int64")))
    table = find_table(section, "unfinished")
    assert [row["fold"] for row in read_rows(table)] == ["1", "0", "1"]
    assert table.values["fold"].tolist() == [1, 0, 1]
