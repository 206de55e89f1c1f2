"""Scores and epochs are computed again: intact ones pass, and whatever is changed is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.verification.scores import check_epochs, check_predictions
from tests.helpers.grid_builder import build_grid
from tests.helpers.small_studies import (
    SMALL_MATRIX,
    Arrays,
    edit_epochs,
    edit_json,
    edit_predictions,
    get_trial_file,
    list_trial_ids,
)

SCORES = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")

Epochs = list[dict[str, Any]]


def read_records(ledger: Ledger, *trial_ids: str) -> dict[str, TrialRecord]:
    """Return the records of some trials, or of all."""
    records = {record.id: record for record in ledger.read_trials()}
    return {trial_id: records[trial_id] for trial_id in trial_ids or records}


def find_wrong_predictions(folder: Path, *trial_ids: str) -> ConflictError:
    ledger = Ledger(folder)
    with pytest.raises(ConflictError) as caught:
        check_predictions(ledger, read_records(ledger, *trial_ids))
    return caught.value


def find_wrong_epochs(folder: Path, trial_id: str) -> ConflictError:
    ledger = Ledger(folder)
    with pytest.raises(ConflictError) as caught:
        check_epochs(ledger, read_records(ledger, trial_id))
    return caught.value


def test_checks_of_an_intact_study_count_scores_and_epochs(small_grid: Path) -> None:
    ledger = Ledger(small_grid)
    records = read_records(ledger)
    assert check_predictions(ledger, records).startswith("48 ")  # 4 trials, 2 splits, 6 scores
    assert check_epochs(ledger, records).startswith("126 ")


def test_check_predictions_with_an_undefined_score_passes(tmp_path: Path) -> None:
    matrix = SMALL_MATRIX.copy()
    matrix[7, 7] = 1  # so that val has no image of the class, and no AUC
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [matrix]})
    records = read_records(ledger)
    (record,) = records.values()
    assert record.scores["val"]["auc"] is None
    assert check_predictions(ledger, records).startswith("12 ")


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("score", SCORES)
def test_check_predictions_with_a_changed_score_raises(
    grid_copy: Path, split: str, score: str
) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[2], "trials")
    changed = edit_json(path, ("scores", split, score), lambda x: x + 1e-6)
    error = find_wrong_predictions(grid_copy, path.stem)
    assert (error.path, error.value) == (f"trials/{path.name}", changed)


def test_check_predictions_with_a_score_removed_raises(grid_copy: Path) -> None:
    path = get_trial_file(grid_copy, list_trial_ids(grid_copy)[0], "trials")
    edit_json(path, ("scores", "test", "auc"), lambda _: None)
    error = find_wrong_predictions(grid_copy, path.stem)
    assert (error.path, error.value) == (f"trials/{path.name}", None)


def test_check_predictions_with_swapped_files_raises(grid_copy: Path) -> None:
    paths = [get_trial_file(grid_copy, key, "predictions") for key in list_trial_ids(grid_copy)]
    first, second = (path.read_bytes() for path in paths[:2])
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    record = next(iter(read_records(Ledger(grid_copy)).values()))
    error = find_wrong_predictions(grid_copy)
    assert error.path == f"trials/{record.id}.json"
    assert error.value == record.scores["val"]["accuracy"]


def set_first_test_label(arrays: Arrays) -> None:
    arrays["test_labels"][0] = 1


def test_check_predictions_with_a_changed_label_raises(grid_copy: Path) -> None:
    edit_predictions(grid_copy, list_trial_ids(grid_copy)[1], set_first_test_label)
    error = find_wrong_predictions(grid_copy)
    counts = Ledger(grid_copy).study.data.class_counts["test"]
    assert (error.path, error.value) == ("study.json", counts)


def test_check_predictions_with_two_labels_swapped_raises(grid_copy: Path) -> None:
    def swap(arrays: Arrays) -> None:
        arrays["val_labels"][[0, -1]] = arrays["val_labels"][[-1, 0]]

    name = edit_predictions(grid_copy, list_trial_ids(grid_copy)[1], swap)
    assert find_wrong_predictions(grid_copy).path == name


def test_check_predictions_with_the_same_label_changed_everywhere_raises_for_a_score(
    grid_copy: Path,
) -> None:
    trial_ids = list_trial_ids(grid_copy)
    for trial_id in trial_ids:
        edit_predictions(grid_copy, trial_id, set_first_test_label)
    edit_json(grid_copy / "study.json", ("data", "class_counts", "test", 0), lambda n: n - 1)
    edit_json(grid_copy / "study.json", ("data", "class_counts", "test", 1), lambda n: n + 1)
    record = read_records(Ledger(grid_copy))[trial_ids[0]]
    error = find_wrong_predictions(grid_copy)
    assert error.path == f"trials/{record.id}.json"
    assert error.value == record.scores["test"]["accuracy"]


def scale_row(factor: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays["test_probabilities"][5] *= np.float32(factor)

    return change


def make_negative(arrays: Arrays) -> None:
    """Leave the sum at 1, and the same prediction as before."""
    row = arrays["test_probabilities"][5]
    least = row.argmin()
    row[row.argmax()] += row[least] + np.float32(0.1)
    row[least] = -0.1


@pytest.mark.parametrize(
    ("change", "total"),
    [(scale_row(1.001), 1.001), (scale_row(float("nan")), float("nan")), (make_negative, 1.0)],
)
def test_check_predictions_with_impossible_probabilities_raises_with_their_sum(
    grid_copy: Path, change: Callable[[Arrays], None], total: float
) -> None:
    trial_id = list_trial_ids(grid_copy)[3]
    name = edit_predictions(grid_copy, trial_id, change)
    error = find_wrong_predictions(grid_copy, trial_id)
    assert error.path == name
    assert error.value == pytest.approx(total, nan_ok=True)
    assert error.expected is not None


def drop_last_probabilities(arrays: Arrays) -> None:
    arrays["test_probabilities"] = arrays["test_probabilities"][:-1]


def drop_all(arrays: Arrays) -> None:
    for part in ("probabilities", "labels"):
        arrays[f"test_{part}"] = arrays[f"test_{part}"][:0]


def make_labels_a_column(arrays: Arrays) -> None:
    arrays["test_labels"] = arrays["test_labels"][:, None]


def make_float64(arrays: Arrays) -> None:
    arrays["test_probabilities"] = arrays["test_probabilities"].astype(np.float64)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (drop_last_probabilities, None),
        (drop_all, None),
        (make_labels_a_column, None),
        (make_float64, "float64 and uint8"),
    ],
)
def test_check_predictions_with_arrays_of_another_shape_or_type_raises(
    grid_copy: Path, change: Callable[[Arrays], None], value: object
) -> None:
    trial_id = list_trial_ids(grid_copy)[3]
    name = edit_predictions(grid_copy, trial_id, change)
    error = find_wrong_predictions(grid_copy, trial_id)
    assert (error.path, error.value) == (name, value)


def test_check_predictions_with_further_arrays_raises(grid_copy: Path) -> None:
    def add(arrays: Arrays) -> None:
        arrays["train_labels"] = arrays["val_labels"]

    trial_id = list_trial_ids(grid_copy)[0]
    name = edit_predictions(grid_copy, trial_id, add)
    error = find_wrong_predictions(grid_copy, trial_id)
    assert error.path == name
    assert "train_labels.npy" in str(error.value)


def equal_best(epochs: Epochs) -> None:
    """Make the epoch before the best as good: the first of equals is kept."""
    epochs[18]["val_macro_f1"] = epochs[19]["val_macro_f1"]


@pytest.mark.parametrize(
    ("change", "kind", "get_value"),
    [
        (
            lambda epochs: epochs[19].update(val_accuracy=0.1),
            "trials/{}.json",
            lambda record: record.scores["val"]["accuracy"],
        ),
        (
            lambda epochs: epochs[19].update(val_macro_f1=0.99),
            "trials/{}.json",
            lambda record: record.scores["val"]["macro_f1"],
        ),
        (equal_best, "trials/{}.json", lambda _: 20),
        (lambda epochs: epochs[3].update(epoch=5), "epochs/{}.jsonl", lambda _: 5),
        (lambda epochs: epochs.pop(), "trials/{}.json", lambda _: 30),
    ],
    ids=["accuracy", "macro F1", "best epoch", "number", "count"],
)
def test_check_epochs_with_changed_epochs_raises_with_what_the_file_says(
    grid_copy: Path,
    change: Callable[[Epochs], object],
    kind: str,
    get_value: Callable[[TrialRecord], object],
) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    edit_epochs(grid_copy, trial_id, change)
    error = find_wrong_epochs(grid_copy, trial_id)
    assert error.path == kind.format(trial_id)
    assert error.value == get_value(read_records(Ledger(grid_copy))[trial_id])


def test_check_epochs_of_a_training_that_continued_too_long_raises(grid_copy: Path) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    name = edit_epochs(
        grid_copy, trial_id, lambda epochs: epochs.append(epochs[-1] | {"epoch": 31})
    )
    edit_json(get_trial_file(grid_copy, trial_id, "trials"), ("epochs",), lambda n: n + 1)
    error = find_wrong_epochs(grid_copy, trial_id)
    assert (error.path, error.value) == (name, 31)


def test_check_epochs_of_a_training_that_ended_early_raises(grid_copy: Path) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    edit_epochs(grid_copy, trial_id, lambda epochs: epochs.pop())
    edit_json(get_trial_file(grid_copy, trial_id, "trials"), ("epochs",), lambda n: n - 1)
    error = find_wrong_epochs(grid_copy, trial_id)
    assert (error.path, error.value) == (f"trials/{trial_id}.json", "patience")


@pytest.mark.parametrize(("max_epochs", "passes"), [(25, True), (24, False)])
def test_check_epochs_beyond_the_maximum_raises(
    tmp_path: Path, max_epochs: int, passes: bool
) -> None:
    settings = {"x": {"max_epochs": max_epochs, "patience": 5}}
    ledger = build_grid(tmp_path / "s", {"x": [SMALL_MATRIX]}, config_overrides=settings)
    if passes:
        assert check_epochs(ledger, read_records(ledger)).startswith("25 ")
    else:
        trial_id = ledger.study.trials[0].id
        error = find_wrong_epochs(ledger.folder, trial_id)
        assert (error.path, error.value) == (f"epochs/{trial_id}.jsonl", 25)
