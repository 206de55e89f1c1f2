"""The log is compared with the plan and the records."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.verification.entered_files import UnplannedTrialError
from reports.verification.verify import verify_study
from tests.helpers.disagreement import find_disagreement
from tests.helpers.forgeries import edit_evaluations, rewrite_chain, rewrite_log
from tests.helpers.small_studies import (
    edit_epochs,
    edit_json,
    get_trial_file,
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


def change_epochs(folder: Path) -> None:
    edit_epochs(folder, list_trial_ids(folder)[0], lambda epochs: epochs[0].update(train_loss=9.0))


def change_duration(folder: Path) -> None:
    path = get_trial_file(folder, list_trial_ids(folder)[0], "trials")
    edit_json(path, ("duration_s",), lambda _: 1.0)


@pytest.mark.parametrize("forge", [change_epochs, change_duration])
def test_verify_study_with_changed_facts_passes_with_a_new_log_only(
    grid_copy: Path, forge: Callable[[Path], None]
) -> None:
    """The documentation lists both as not found."""
    forge(grid_copy)
    assert str(find_disagreement(grid_copy).path).startswith("trials/")
    rewrite_log(grid_copy)
    assert list(verify_study(Ledger(grid_copy)))


def test_verify_study_with_version_3_instead_of_a_log_passes(grid_copy: Path) -> None:
    """The documentation lists it as not found."""
    evaluations = [
        {"trial_id": record.id, "evaluated_at": record.started_at, "reason": "chosen in advance"}
        for record in Ledger(grid_copy).read_trials()
    ]
    lines = "".join(json.dumps(evaluation) + "\n" for evaluation in evaluations)
    (grid_copy / "test_evaluations.jsonl").write_text(lines)
    (grid_copy / "events.jsonl").unlink()
    edit_json(grid_copy / "study.json", ("schema_version",), lambda _: 3)
    assert list(verify_study(Ledger(grid_copy)))


def test_verify_study_with_a_test_evaluation_removed_from_the_end_of_the_log_passes(
    grid_copy: Path,
) -> None:
    """Only the SHA-256 of the last event, kept somewhere else, shows it."""
    path, ledger = grid_copy / "events.jsonl", Ledger(grid_copy)
    before = path.read_bytes()
    ledger.log.add_test_evaluation(list_trial_ids(grid_copy)[0], reason="again")
    complete = list(verify_study(ledger))
    path.write_bytes(before)
    assert list(verify_study(ledger)) != complete


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log + b"\xff\xfe\n",
        lambda log: log.replace(b"started", b"st\xffrted", 1),
        lambda log: log + b"\n",
        lambda log: b"\xef\xbb\xbf" + log,
        lambda log: log[:-40],
        lambda log: b"".join(sorted(log.splitlines(keepends=True))),
        lambda log: b"".join(log.splitlines(keepends=True)[::-1]),
    ],
)
def test_verify_study_with_a_damaged_log_raises_with_one_line(
    grid_copy: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = grid_copy / "events.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    assert find_disagreement(grid_copy).path in {"events.jsonl", str(path)}


def test_verify_study_with_a_log_with_windows_line_breaks_passes(grid_copy: Path) -> None:
    path = grid_copy / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(verify_study(Ledger(grid_copy)))
