"""The values of the enums, which stand in the files of every study."""

import json
from enum import StrEnum

import pytest

from reports.ledger.serialization import from_json, to_json
from reports.ledger.states import DataKind, EndReason, StopReason, StudyKind, TrialState

VALUES = [
    (StudyKind, ["grid", "search"]),
    (DataKind, ["official", "medmnist", "file", "synthetic"]),
    (TrialState, ["complete", "pruned", "failed"]),
    (
        StopReason,
        [
            "patience",
            "max_epochs",
            "error",
            "asha",
            "diverged",
            "time_budget",
            "target_macro_f1",
        ],
    ),
    (EndReason, ["trials", "time_budget", "target_macro_f1"]),
]


@pytest.mark.parametrize(("enum", "values"), VALUES)
def test_enum_values_are_those_of_the_file_format(enum: type[StrEnum], values: list[str]) -> None:
    assert [json.loads(to_json(member, indent=None)) for member in enum] == values
    assert [from_json(enum, json.dumps(value).encode()) for value in values] == list(enum)


def test_stop_reasons_include_every_end_of_a_search_that_cuts_trials_short() -> None:
    ends = {reason.value for reason in EndReason if reason is not EndReason.TRIALS}
    assert ends == {StopReason(value) for value in ends}
