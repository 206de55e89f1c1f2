"""The duration of a search, without its breaks."""

from dataclasses import replace

from reports.ledger.records import TrialRecord
from study.lifecycle.search_duration import compute_elapsed_search_s
from tests.helpers.grid_builder import make_config
from tests.helpers.planted_study import make_trial_record


def ran(started_at: str, duration_s: float) -> TrialRecord:
    record = make_trial_record("cnn-config-1-s0", "cnn-config-1", make_config("cnn-config-1"))
    return replace(record, started_at=f"2026-11-25T{started_at}+00:00", duration_s=duration_s)


def test_compute_elapsed_search_s_excludes_breaks() -> None:
    assert compute_elapsed_search_s([]) == 0
    records = [
        ran("10:00:00", 60),
        ran("10:00:30", 60),  # beside the first
        ran("10:00:40", 5),  # within both
        ran("12:00:00", 10),  # after a break
    ]
    assert compute_elapsed_search_s(records) == 90 + 10
    assert compute_elapsed_search_s(records[::-1]) == 100
