"""Start, end and duration of a study, from its records."""

from dataclasses import replace

import pytest

from reports.ledger.loading import LoadedStudy
from reports.sections.study.timing import list_time_facts
from tests.helpers.grid_builder import make_config
from tests.helpers.planted_study import make_trial_record, plant_study


def make_study(*trials: tuple[str, float, int], created_at: str) -> LoadedStudy:
    """Return a study of trials, each with its start, its duration in seconds and its attempts."""
    record = make_trial_record("t", "cnn-config-1", make_config("cnn-config-1"))
    records = {
        str(i): replace(record, started_at=start, duration_s=duration_s, attempts=attempts)
        for i, (start, duration_s, attempts) in enumerate(trials)
    }
    study = plant_study({})
    return replace(study, study=replace(study.study, created_at=created_at), records=records)


def test_list_time_facts_give_the_end_of_the_trial_that_ended_last() -> None:
    study = make_study(
        ("2026-01-01T11:00:00+00:00", 7200, 1),
        ("2026-01-01T12:30:00+00:00", 60, 1),
        created_at="2026-01-01T11:59:00+01:00",
    )
    assert dict(list_time_facts(study)) == {
        "Started": "2026-01-01 10:59:00 UTC",
        "Last trial ended": "2026-01-01 13:00:00 UTC",
        "Duration": "2 h 01 min with all interruptions; 2 h 01 min of training, summed over the "
        "trials",
    }


def test_list_time_facts_of_a_resumed_trial_give_only_its_last_start() -> None:
    study = make_study(("2026-01-01T11:00:00Z", 90, 2), created_at="2026-01-01T10:00:00Z")
    facts = dict(list_time_facts(study))
    assert facts["Last trial ended"] == "after 2026-01-01 11:00:00 UTC"
    assert facts["Duration"] == "1 min 30 s of training, summed over the trials"


def test_list_time_facts_with_clocks_that_differ_give_no_negative_duration() -> None:
    study = make_study(("2026-01-01T09:00:00", 90, 1), created_at="2026-01-01T10:00:00Z")
    assert dict(list_time_facts(study))["Duration"].startswith("1 min 30 s of training")


@pytest.mark.parametrize("text", ["", "yesterday"])
def test_list_time_facts_show_a_time_that_is_none_as_it_is(text: str) -> None:
    assert list_time_facts(make_study((text, 90, 1), created_at=text)) == [("Started", text)]
