"""What cannot be relied on is left out, counted and named; the rest stays."""

import io
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets.storage.local import LocalStorage
from reports.analysis import frames
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.records import SoftwareChange
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.small_studies import (
    N_SMALL_IMAGES,
    TRIAL_FILES,
    Arrays,
    edit_json,
    edit_predictions,
    enter_hash,
    get_trial_file,
)


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def get_first_file(ledger: Ledger, kind: str) -> Path:
    return get_trial_file(ledger.folder, ledger.study.trials[0].id, kind)


def cut_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace_by_another_trials(path: Path) -> None:
    """Put the file of another trial in the place of this one: only its hash tells them apart."""
    shutil.copy(max(path.parent.iterdir()), path)


def change_fingerprint(path: Path) -> None:
    edit_json(path, ("fingerprint",), lambda _: "0" * 64)


def change_software(path: Path) -> None:
    edit_json(path, ("software_sha256",), lambda _: "0" * 64)


def test_read_study_files_of_an_intact_study_has_every_trial(ledger: Ledger) -> None:
    loaded_study = read_study_files(ledger)
    assert loaded_study.problems == ()
    assert list(loaded_study.records) == [trial.id for trial in ledger.study.trials]
    assert loaded_study.predictions.probabilities.shape == (4, N_SMALL_IMAGES, 8)
    assert loaded_study.predictions.configurations == ["cnn-config-1", "mlnn-config-2"]
    assert loaded_study.predictions.trials["seed"].tolist() == [0, 1, 0, 1]
    assert loaded_study.predictions.trials["id"].tolist() == list(loaded_study.records)


class CountingStorage(LocalStorage):
    """Counts how often each file is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.n_reads = Counter[str]()

    def read(self, name: str) -> bytes:
        self.n_reads[name] += 1
        return super().read(name)


@pytest.mark.parametrize("copied_study", ["grid_copy", "search_copy"])
def test_read_study_files_reads_each_file_once(
    copied_study: str, request: pytest.FixtureRequest
) -> None:
    ledger = Ledger(request.getfixturevalue(copied_study))
    software = replace(ledger.study.software, commit="f" * 40)
    ledger.add_software_change(SoftwareChange(changed_at="2026-01-02", software=software))
    storage = ledger.files.storage = CountingStorage(ledger.folder)
    read_study_files(ledger)
    ledger_files = storage.list_files("") - {"study.json"}  # read with the ledger
    expected = {name for name in ledger_files if not name.startswith("models/")}
    assert storage.n_reads == dict.fromkeys(expected, 1)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("trials", cut_end),
        ("trials", change_fingerprint),
        ("trials", change_software),
        ("trials", Path.unlink),
        ("predictions", Path.unlink),
        ("predictions", cut_end),
        ("predictions", flip_bit),
        ("predictions", replace_by_another_trials),
        ("epochs", flip_bit),
        ("epochs", replace_by_another_trials),
        ("epochs", Path.unlink),
    ],
)
def test_read_study_files_with_a_damaged_trial_leaves_it_out_and_names_the_file(
    ledger: Ledger, kind: str, damage: Callable[[Path], None]
) -> None:
    path = get_first_file(ledger, kind)
    damage(path)
    loaded_study = read_study_files(ledger)
    (problem,) = loaded_study.problems
    assert problem.trial_id == ledger.study.trials[0].id
    assert problem.reason.startswith(f"{kind}/{path.name} ")
    assert len(loaded_study.records) == 3
    assert len(loaded_study.predictions.trials) == 3
    frame = frames.make_trials_frame(loaded_study)
    assert frame["state"].tolist() == ["unreadable", *["complete"] * 3]
    assert frames.make_comparison_frame(loaded_study, None)["unreadable"].tolist() == [1, 0]


def test_read_study_files_with_a_trial_that_never_ran_has_no_problem(ledger: Ledger) -> None:
    for kind in TRIAL_FILES:
        get_first_file(ledger, kind).unlink()
    loaded_study = read_study_files(ledger)
    assert loaded_study.problems == ()
    states = frames.make_trials_frame(loaded_study)["state"].tolist()
    assert states == ["missing", *["complete"] * 3]


def test_read_study_files_with_unreadable_test_evaluations_has_a_problem_and_all_trials(
    ledger: Ledger,
) -> None:
    (ledger.folder / "events.jsonl").write_text("{")
    loaded_study = read_study_files(ledger)
    (problem,) = loaded_study.problems
    assert problem.reason.startswith("events.jsonl ")
    assert len(loaded_study.records) == 4
    assert loaded_study.test_evaluations == []


def test_read_study_files_with_other_labels_than_before_leaves_the_trial_out(
    ledger: Ledger,
) -> None:
    trial_id = ledger.study.trials[1].id
    name = edit_predictions(ledger.folder, trial_id, _rotate_test_labels)
    loaded_study = read_study_files(ledger)
    (problem,) = loaded_study.problems
    assert problem.trial_id == trial_id
    assert problem.reason.startswith(f"{name} ")
    assert len(loaded_study.predictions.trials) == 3


def _rotate_test_labels(arrays: Arrays) -> None:
    arrays["test_labels"] = np.roll(arrays["test_labels"], 1)


def test_read_study_files_has_the_predictions_on_val(ledger: Ledger) -> None:
    loaded_study = read_study_files(ledger)
    assert [*loaded_study.val_predictions] == loaded_study.predictions.trials["id"].tolist()
    for trial_id, val in loaded_study.val_predictions.items():
        accuracy = float((val.probabilities.argmax(axis=1) == val.labels).mean())
        assert accuracy == pytest.approx(loaded_study.records[trial_id].scores["val"]["accuracy"])


def test_read_study_files_with_other_labels_on_val_leaves_the_trial_out(ledger: Ledger) -> None:
    trial_id = ledger.study.trials[1].id
    edit_predictions(ledger.folder, trial_id, _rotate_val_labels)
    (problem,) = read_study_files(ledger).problems
    assert problem.trial_id == trial_id


def test_read_study_files_of_a_cross_validation_allows_other_labels_on_val(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * 2}, folds=2)
    edit_predictions(ledger.folder, ledger.study.trials[1].id, _rotate_val_labels)
    loaded_study = read_study_files(ledger)
    assert loaded_study.problems == ()
    assert len(loaded_study.val_predictions) == 2


def _rotate_val_labels(arrays: Arrays) -> None:
    arrays["val_labels"] = np.roll(arrays["val_labels"], 1)


def make_npz(probabilities: tuple[int, ...], labels: tuple[int, ...], label: int = 0) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        val_probabilities=np.full((180, 8), 0.125, np.float32),
        val_labels=np.zeros(180, np.uint8),
        test_probabilities=np.full(probabilities, 0.125, np.float32),
        test_labels=np.full(labels, label, np.uint8),
    )
    return buffer.getvalue()


def make_npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def make_broken_deflate() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, test_probabilities=np.random.default_rng(0).uniform(size=999))
    content = bytearray(buffer.getvalue())
    content[200:240] = bytes(40)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        make_npz((360, 8), (359,)),
        make_npz((360, 7), (360,)),
        make_npz((0, 8), (0,)),
        make_npz((360, 8), (360,), label=8),
        make_npy(),
        make_broken_deflate(),
        b"",
    ],
    ids=["lengths", "classes", "empty", "label", "npy", "deflate", "nothing"],
)
def test_read_study_files_with_impossible_predictions_leaves_the_trial_out(
    ledger: Ledger, content: bytes
) -> None:
    path = get_first_file(ledger, "predictions")
    path.write_bytes(content)
    enter_hash(path)
    loaded_study = read_study_files(ledger)
    (problem,) = loaded_study.problems
    assert problem.reason.startswith(f"predictions/{path.name} ")
    assert len(loaded_study.predictions.trials) == 3
