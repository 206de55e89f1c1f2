"""A study's files are compared with each other: intact ones pass, and what is changed is named.

What is computed again from predictions and epochs is in `test_scores`, the report in `test_report`.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.records import compute_fingerprint
from reports.verification.verify import DisagreementError, UnplannedTrialError, verify_study
from tests.helpers.forgeries import rewrite_chain, rewrite_log
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.small_studies import (
    SMALL_MATRICES,
    SMALL_MATRIX,
    TRIAL_FILES,
    edit_epochs,
    edit_json,
    get_trial_file,
    list_trial_ids,
)


def find_disagreement(folder: Path) -> DisagreementError:
    with pytest.raises(DisagreementError) as caught:
        list(verify_study(Ledger(folder)))
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    return caught.value


def edit_evaluations(folder: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the test evaluations in the log, with a new chain."""

    def change_events(events: list[dict[str, Any]]) -> None:
        evaluations = [event for event in events if event["kind"] == "tested"]
        others = [event for event in events if event["kind"] != "tested"]
        changed = change(evaluations)
        for event in changed:
            ids = [other["trial_id"] for other in others]
            # Before the end of the trial, which follows its start.
            place = ids.index(event["trial_id"]) + 1 if event["trial_id"] in ids else len(ids)
            others.insert(place, event)
        events[:] = others

    rewrite_chain(folder, change_events)


def remove_trial_files(folder: Path, trial_id: str, kinds: list[str]) -> None:
    for kind in kinds:
        get_trial_file(folder, trial_id, kind).unlink()


def count_checks(lines: list[str]) -> list[int | None]:
    """Return the number at the beginning of each line; None where there is none."""
    numbers = (re.match(r"[\d,]+", line) for line in lines)
    return [int(number[0]) if number else None for number in numbers]


def test_verify_study_of_an_intact_study_has_a_line_for_each_check(small_grid: Path) -> None:
    lines = list(verify_study(Ledger(small_grid)))
    # The plan; trials, files, scores, epochs, test evaluations; no report; the data.
    assert count_checks(lines) == [None, 4, 12, 48, 126, 4, None, None]


def test_verify_study_that_has_not_run_passes_and_names_every_trial(tmp_path: Path) -> None:
    """All eight configurations have the digest of `TrialConfig.compute_digest` in their ids."""
    names = list(make_published_matrices())
    ledger = build_grid(
        tmp_path / "s",
        {name: [SMALL_MATRIX] for name in names},
        missing_trials=[(name, 0) for name in names],
    )
    lines = list(verify_study(ledger))
    assert count_checks(lines[1:3]) == [0, 8]
    assert all(planned.id in lines[2] for planned in ledger.study.trials)


def test_verify_study_with_failed_and_missing_trials_passes(tmp_path: Path) -> None:
    ledger = build_grid(
        tmp_path / "s",
        SMALL_MATRICES,
        failed_trials={("cnn-config-1", 0): "loss is nan"},
        missing_trials=[("mlnn-config-2", 1)],
    )
    lines = list(verify_study(ledger))
    assert count_checks(lines[1:3]) == [3, 1]
    assert ledger.study.trials[3].id in lines[2]


def test_verify_study_with_a_changed_score_raises(grid_copy: Path) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[2], "trials")
    changed = edit_json(path, ("scores", "test", "accuracy"), lambda x: x + 1e-6)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (f"trials/{path.name}", changed)


def test_verify_study_with_a_changed_epoch_raises(grid_copy: Path) -> None:
    name = edit_epochs(
        grid_copy, list_trial_ids(grid_copy)[0], lambda epochs: epochs[3].update(epoch=5)
    )
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (name, 5)


@pytest.mark.parametrize(
    ("keys", "value", "found"),
    [
        (("configuration",), "cnn-config-3", "cnn-config-3"),
        (("config", "learning_rate"), 0.02, "0.02"),
        (("config", "seed"), 1, "1"),
        (("stop_reason",), "max_epochs", "max_epochs"),
        (("stop_reason",), "error", None),
        (("error",), "no room", None),
        (("attempts",), 0, 0),
        (("epochs",), 31, 31),
        (("best_epoch",), 19, 19),
        (("scores",), {}, ()),
        (("files",), {}, []),
    ],
)
def test_verify_study_with_a_changed_record_raises_with_what_it_says(
    grid_copy: Path, keys: tuple[str, ...], value: object, found: object
) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], "trials")
    edit_json(path, keys, lambda _: value)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (f"trials/{path.name}", found)


@pytest.mark.parametrize(("key", "value"), [("id", "other"), ("fingerprint", "0" * 64)])
def test_verify_study_with_a_record_of_another_study_raises(
    grid_copy: Path, key: str, value: str
) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], "trials")
    edit_json(path, (key,), lambda _: value)
    assert find_disagreement(grid_copy).path == str(path)


def test_verify_study_with_a_complete_trial_called_failed_raises_with_its_files(
    grid_copy: Path,
) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    path = get_trial_file(grid_copy, trial_id, "trials")
    edit_json(path, ("state",), lambda _: "failed")
    error = find_disagreement(grid_copy)
    files = [
        f"{kind}/{trial_id}.{TRIAL_FILES[kind]}" for kind in ("epochs", "models", "predictions")
    ]
    assert (error.path, error.value) == (f"trials/{path.name}", files)


@pytest.mark.parametrize(
    ("key", "value"), [("started_at", "2027"), ("duration_s", 1.5), ("host", "x"), ("device", "x")]
)
def test_verify_study_with_a_changed_fact_raises_with_the_hash_of_the_record(
    grid_copy: Path, key: str, value: object
) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], "trials")
    edit_json(path, (key,), lambda _: value)
    error = find_disagreement(grid_copy)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (error.path, error.value) == (f"trials/{path.name}", digest)


@pytest.mark.parametrize(
    ("setting", "value"), [("learning_rate", 0.02), ("seed", 7), ("patience", 0)]
)
def test_verify_study_with_a_changed_planned_setting_raises_with_the_digest(
    grid_copy: Path, setting: str, value: object
) -> None:
    digest = list_trial_ids(grid_copy)[1].rpartition("-")[2]
    edit_json(grid_copy / "study.json", ("trials", 1, "config", setting), lambda _: value)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("study.json", digest)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("software", "versions", "torch"), "2.14.0"),
        (("data", "sha256"), "f" * 64),
        (("fingerprint",), "f" * 64),
    ],
)
def test_verify_study_with_changed_software_data_or_fingerprint_raises_with_the_fingerprint(
    grid_copy: Path, keys: tuple[str, ...], value: str
) -> None:
    edit_json(grid_copy / "study.json", keys, lambda _: value)
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("study.json", Ledger(grid_copy).study.fingerprint)


@pytest.mark.parametrize("split", ["val", "test"])
def test_verify_study_with_a_changed_class_count_raises_with_the_counts(
    grid_copy: Path, split: str
) -> None:
    edit_json(grid_copy / "study.json", ("data", "class_counts", split, 2), lambda _: 9)
    error = find_disagreement(grid_copy)
    counts = Ledger(grid_copy).study.data.class_counts[split]
    assert (error.path, error.value) == ("study.json", counts)


def test_verify_study_with_a_patience_of_0_raises_where_id_and_fingerprint_fit(
    tmp_path: Path,
) -> None:
    ledger = build_grid(tmp_path / "s", {"x": [SMALL_MATRIX]}, missing_trials=[("x", 0)])
    config = {**ledger.study.trials[0].config, "patience": 0}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    trial_id = f"x-s0-{digest}"
    fingerprint = compute_fingerprint(ledger.study.data, [trial_id], ledger.study.software, None)
    path = ledger.folder / "study.json"
    edit_json(path, ("trials", 0, "config"), lambda _: config)
    edit_json(path, ("trials", 0, "id"), lambda _: trial_id)
    edit_json(path, ("fingerprint",), lambda _: fingerprint)
    error = find_disagreement(ledger.folder)
    assert (error.path, error.value) == ("study.json", 0)


def test_verify_study_with_a_trial_planned_twice_raises_with_their_number(grid_copy: Path) -> None:
    edit_json(grid_copy / "study.json", ("trials",), lambda trials: [*trials, trials[0]])
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == ("study.json", 5)


def test_verify_study_with_swapped_predictions_raises_with_the_hash(grid_copy: Path) -> None:
    trial_ids = list_trial_ids(grid_copy)[:2]
    first, second = (get_trial_file(grid_copy, key, "predictions") for key in trial_ids)
    content, other_content = first.read_bytes(), second.read_bytes()
    first.write_bytes(other_content)
    second.write_bytes(content)
    error = find_disagreement(grid_copy)
    assert error.path == str(first)
    assert error.value == hashlib.sha256(other_content).hexdigest()


@pytest.mark.parametrize("kind", [kind for kind in TRIAL_FILES if kind != "trials"])
def test_verify_study_without_a_trials_file_raises_with_its_path(
    grid_copy: Path, kind: str
) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[1], kind)
    path.unlink()
    assert find_disagreement(grid_copy).path == str(path)


@pytest.mark.parametrize(
    "kinds", [["trials"], ["trials", "epochs", "predictions"], list(TRIAL_FILES)]
)
def test_verify_study_without_a_record_but_a_trace_of_it_raises_with_the_records_path(
    grid_copy: Path, kinds: list[str]
) -> None:
    """The last trace is a test evaluation."""
    trial_id = list_trial_ids(grid_copy)[1]
    remove_trial_files(grid_copy, trial_id, kinds)
    error = find_disagreement(grid_copy)
    assert error.path == f"trials/{trial_id}.json"
    assert not isinstance(error.__cause__, UnplannedTrialError)


def test_verify_study_without_a_record_and_test_evaluation_but_a_model_raises(
    grid_copy: Path,
) -> None:
    trial_id = list_trial_ids(grid_copy)[1]
    remove_trial_files(grid_copy, trial_id, ["trials", "epochs", "predictions"])
    edit_evaluations(grid_copy, lambda events: [events[0], *events[2:]])
    error = find_disagreement(grid_copy)
    assert error.path == f"trials/{trial_id}.json"
    assert f"models/{trial_id}.safetensors" in error.problem


@pytest.mark.parametrize("kind", TRIAL_FILES)
def test_verify_study_with_a_file_of_no_planned_trial_raises(grid_copy: Path, kind: str) -> None:
    path = get_trial_file(grid_copy, "cnn-config-9-s0-00000000", kind)
    shutil.copy(get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], kind), path)
    error = find_disagreement(grid_copy)
    assert error.path == f"{kind}/{path.name}"
    assert isinstance(error.__cause__, UnplannedTrialError)


def test_verify_study_with_a_part_of_an_interrupted_write_passes(grid_copy: Path) -> None:
    (grid_copy / "models" / ".x.safetensors.123.part").write_bytes(b"half")
    assert len(list(verify_study(Ledger(grid_copy)))) == 8


def test_verify_study_with_a_file_that_its_record_does_not_name_raises(tmp_path: Path) -> None:
    failed = {("cnn-config-1", 0): "loss is nan"}
    folder = build_grid(tmp_path / "s", SMALL_MATRICES, failed_trials=failed).folder
    path = get_trial_file(folder, list_trial_ids(folder)[0], "models")
    path.write_bytes(b"weights")
    assert find_disagreement(folder).path == f"models/{path.name}"


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
    assert find_disagreement(grid_copy).path.startswith("trials/")
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
    ledger.add_test_evaluation(list_trial_ids(grid_copy)[0], reason="again")
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
