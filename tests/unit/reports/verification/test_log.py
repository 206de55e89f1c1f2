"""The log is compared with the plan and the records."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.verification.entered_files import UnplannedTrialError
from tests.helpers.disagreement import find_disagreement
from tests.helpers.forgeries import edit_evaluations, rewrite_chain
from tests.helpers.small_studies import (
    list_trial_ids,
)


@pytest.mark.parametrize(
    ("change", "count"), [(lambda events: [*events, events[2]], 2), (lambda events: events[1:], 0)]
)
def test_verify_study_with_another_number_of_test_evaluations_raises_with_it(
    grid_copy: Path, change: Callable[[list[Any]], list[Any]], count: int
) -> None:
    edit_evaluations(grid_copy, change)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("events.jsonl", count)


def test_verify_study_with_a_test_evaluation_of_no_planned_trial_raises(grid_copy: Path) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    unknown = trial_id.replace("cnn-config-1", "cnn-config-8")
    edit_evaluations(grid_copy, lambda events: [*events, events[0] | {"trial_id": unknown}])
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("events.jsonl", unknown)
    assert isinstance(error.__cause__, UnplannedTrialError)


def test_verify_study_with_half_a_test_evaluation_raises(grid_copy: Path) -> None:
    path = grid_copy / "events.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:20])
    assert find_disagreement(grid_copy).path == str(path)


@pytest.mark.parametrize("index", range(5))
def test_verify_study_with_a_removed_event_raises(grid_copy: Path, index: int) -> None:
    path = grid_copy / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
    assert find_disagreement(grid_copy).path in {"events.jsonl", str(path)}


def test_verify_study_without_its_last_event_raises_with_the_record(grid_copy: Path) -> None:
    path = grid_copy / "events.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    error = find_disagreement(grid_copy)
    assert error.path == f"trials/{list_trial_ids(grid_copy)[-1]}.json"
    assert "resume" in (error.remedy or "")


def test_verify_study_without_a_log_raises_with_its_path(grid_copy: Path) -> None:
    (grid_copy / "events.jsonl").unlink()
    assert find_disagreement(grid_copy).path == str(grid_copy / "events.jsonl")


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (lambda events: events[0].update(sha256="f" * 64), "f" * 64),
        (lambda events: events[1].update(attempt=2), 2),
        (lambda events: events[2].update(sha256="f" * 64), "f" * 64),
        (lambda events: events.append(events[3]), 2),
        (lambda events: events.append(events[0]), True),
        (lambda events: events[1].update(trial_id=None), False),
    ],
)
def test_verify_study_with_a_changed_event_in_a_new_chain_raises_with_what_it_says(
    grid_copy: Path, change: Callable[[list[Any]], None], value: object
) -> None:
    rewrite_chain(grid_copy, change)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("events.jsonl", value)
