"""The settings and the end of a search: written and read without loss, with their ranges."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.ledger.serialization import from_json, to_json
from reports.ledger.states import EndReason
from tests.helpers.grid_builder import make_config
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, SEARCH_RECORD

CONFIRMATION = Confirmation(
    ended_by=EndReason.TIME_BUDGET,
    duration_s=3600.0,
    concurrency=2,
    best=("trial-3",),
    baselines=("cnn-config-1", "cnn-config-2"),
    trials=(
        PlannedTrial(
            id="trial-3-s1-0a1b2c3d", configuration="trial-3", config=make_config("trial-3", seed=1)
        ),
    ),
)


@pytest.mark.parametrize(
    "record",
    [
        SEARCH_RECORD,
        replace(SEARCH_RECORD, time_budget_s=60.0, target_macro_f1=0.95, precision="bfloat16"),
        RESNET_SEARCH_RECORD,
    ],
)
def test_search_record_written_and_read_is_equal(record: SearchRecord) -> None:
    assert from_json(SearchRecord, to_json(record, indent=2)) == record


def test_search_record_with_another_precision_is_refused() -> None:
    values = json.loads(to_json(SEARCH_RECORD, indent=None)) | {"precision": "float16"}
    with pytest.raises(ValidationError) as caught:
        from_json(SearchRecord, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == ("precision",)


def test_search_record_ranges_are_those_of_its_family() -> None:
    ranges = {"momentum": (0.0, 0.99), "learning_rate": (1e-5, 1e-1), "dropout": (0.0, 0.7)}
    assert SEARCH_RECORD.ranges == ranges
    assert RESNET_SEARCH_RECORD.ranges == ranges | {
        "weight_decay": (1e-3, 1.0),
        "label_smoothing": (0.0, 0.2),
        "width": (16, 56),
    }


def test_confirmation_written_and_read_is_equal() -> None:
    text = to_json(CONFIRMATION, indent=2)
    assert json.loads(text)["ended_by"] == "time_budget"
    assert from_json(Confirmation, text) == CONFIRMATION


def test_confirmation_with_an_unknown_end_is_refused() -> None:
    values = json.loads(to_json(CONFIRMATION, indent=None)) | {"ended_by": "boredom"}
    with pytest.raises(ValidationError) as caught:
        from_json(Confirmation, json.dumps(values).encode())
    assert caught.value.errors()[0]["loc"] == ("ended_by",)
