"""Plan, records and hashes of files are compared with each other."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.records import compute_fingerprint
from reports.verification.entered_files import UnplannedTrialError
from reports.verification.verify import verify_study
from tests.helpers.disagreement import find_disagreement
from tests.helpers.forgeries import edit_evaluations
from tests.helpers.grid_builder import build_grid
from tests.helpers.small_studies import (
    SMALL_MATRICES,
    SMALL_MATRIX,
    TRIAL_FILES,
    edit_json,
    get_trial_file,
    list_trial_ids,
)


def remove_trial_files(folder: Path, trial_id: str, kinds: list[str]) -> None:
    for kind in kinds:
        get_trial_file(folder, trial_id, kind).unlink()


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


def test_verify_study_with_added_class_weights_raises_with_them(grid_copy: Path) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], "trials")
    edit_json(path, ("config",), lambda config: {**config, "class_weights": "balanced"})
    error = find_disagreement(grid_copy)
    assert (error.path, error.value) == (f"trials/{path.name}", "'balanced'")


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
