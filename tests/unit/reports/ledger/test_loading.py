"""What cannot be relied on is left out, counted and named; the rest stays."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bloodnets.errors import ConflictError
from reports.analysis import frames
from reports.ledger.ledger import Ledger
from reports.ledger.loading import join_predictions, read_study_files
from tests.helpers import grid_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two configurations with two seeds."""
    matrices = {"cnn-config-1": [ASYMMETRIC] * 2, "cnn-config-2": [ASYMMETRIC] * 2}
    return grid_builder.build_grid(tmp_path / "s", matrices)


def first(ledger: Ledger, kind: str) -> Path:
    """A file of the first trial."""
    name = ledger.study.trials[0].id
    return next((ledger.folder / kind).glob(f"{name}.*"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def of_another_study(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "0" * 64}))


def test_an_intact_study_is_read_whole(ledger: Ledger) -> None:
    loaded_study = read_study_files(ledger)
    assert loaded_study.problems == ()
    assert list(loaded_study.records) == [trial.id for trial in ledger.study.trials]
    assert loaded_study.predictions.probabilities.shape == (4, 360, 8)
    assert loaded_study.predictions.configurations == ["cnn-config-1", "cnn-config-2"]
    assert loaded_study.predictions.trials["seed"].tolist() == [0, 1, 0, 1]
    assert loaded_study.predictions.trials["id"].tolist() == list(loaded_study.records)


@pytest.mark.parametrize(
    ("kind", "damage", "reason"),
    [
        ("trials", cut, "is not readable"),
        ("trials", of_another_study, "belongs to another study"),
        ("trials", Path.unlink, "is missing, but epochs/"),
        ("predictions", Path.unlink, "cannot be read"),
        ("predictions", cut, "is not the file that was entered"),
        ("predictions", flip, "is not the file that was entered"),
        ("epochs", flip, "is not the file that was entered"),
        ("epochs", Path.unlink, "cannot be read"),
    ],
)
def test_a_damaged_trial_is_left_out_and_named(
    ledger: Ledger, kind: str, damage: Callable[[Path], None], reason: str
) -> None:
    path = first(ledger, kind)
    damage(path)
    loaded_study = read_study_files(ledger)
    (problem,) = loaded_study.problems
    assert problem.trial_id == ledger.study.trials[0].id
    assert problem.reason.startswith(f"{kind}/{path.name} {reason}")
    assert len(loaded_study.records) == 3
    assert len(loaded_study.predictions.trials) == 3
    frame = frames.make_trials_frame(loaded_study)
    assert frame["state"].tolist() == ["unreadable", *["complete"] * 3]
    assert frames.make_comparison_frame(loaded_study, None)["unreadable"].tolist() == [1, 0]


def test_a_trial_that_never_ran_is_missing_and_no_problem(ledger: Ledger) -> None:
    for kind in ("trials", "predictions", "epochs", "models"):
        first(ledger, kind).unlink()
    loaded_study = read_study_files(ledger)
    assert loaded_study.problems == ()
    assert frames.make_trials_frame(loaded_study)["state"].tolist() == [
        "missing",
        *["complete"] * 3,
    ]


def test_unreadable_looks_are_a_problem_of_their_own(ledger: Ledger) -> None:
    (ledger.folder / "test_evaluations.jsonl").write_text("{")
    loaded_study = read_study_files(ledger)
    assert [problem.trial_id for problem in loaded_study.problems] == ["looks at test"]
    assert len(loaded_study.records) == 4
    assert loaded_study.test_evaluations == []


def test_other_labels_than_the_trials_before_are_left_out(ledger: Ledger) -> None:
    other = grid_builder.build_grid(
        ledger.folder.with_name("other"), {"cnn-config-1": [ASYMMETRIC.T.copy()] * 2}
    )
    names = [trial.id for trial in ledger.study.trials[:2]]
    for kind in ("trials", "predictions", "epochs"):
        source = next((other.folder / kind).glob(f"{names[1]}.*"))
        text = source.read_bytes().replace(
            other.study.fingerprint.encode(), ledger.study.fingerprint.encode()
        )
        (ledger.folder / kind / source.name).write_bytes(text)
    (problem,) = read_study_files(ledger).problems
    assert "has other labels on test than the trials before it" in problem.reason
    assert problem.trial_id == names[1]


def rewrite(ledger: Ledger, content: bytes) -> None:
    """Put other predictions in the place of the first trial's, hash included."""
    path = first(ledger, "predictions")
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(content)
    record = first(ledger, "trials")
    new = hashlib.sha256(content).hexdigest()
    record.write_text(record.read_text().replace(old, new))


def archive(probabilities: tuple[int, ...], labels: tuple[int, ...], label: int = 0) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        test_probabilities=np.full(probabilities, 0.125, np.float32),
        test_labels=np.full(labels, label, np.uint8),
    )
    return buffer.getvalue()


def bare_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def broken_deflate() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, test_probabilities=np.random.default_rng(0).uniform(size=999))
    content = bytearray(buffer.getvalue())
    content[200:240] = bytes(40)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive((360, 8), (359,)), r"has probabilities \(360, 8\) for labels \(359,\)"),
        (archive((360, 7), (360,)), r"has probabilities \(360, 7\)"),
        (archive((0, 8), (0,)), "no labels on test"),
        (archive((360, 8), (360,), label=8), "labels beyond 7"),
        (bare_array(), "cannot be read"),
        (broken_deflate(), "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_predictions_that_are_none_are_left_out(
    ledger: Ledger, content: bytes, reason: str
) -> None:
    rewrite(ledger, content)
    (problem,) = read_study_files(ledger).problems
    assert re.search(reason, problem.reason)
    assert len(read_study_files(ledger).predictions.trials) == 3


def test_without_a_study_there_is_nothing_to_read(ledger: Ledger) -> None:
    (ledger.folder / "study.json").write_text("{}")
    with pytest.raises(ConflictError, match=r"study\.json is not readable"):
        Ledger(ledger.folder)


def test_studies_are_joined_under_their_own_names(ledger: Ledger) -> None:
    tested = read_study_files(ledger).predictions
    both = join_predictions({"x": tested, "y": tested})
    assert both.configurations == [f"{s}: cnn-config-{c}" for s in "xy" for c in (1, 2)]
    assert both.trials["study"].tolist() == [*"xxxxyyyy"]
    np.testing.assert_array_equal(both.predicted_classes[:4], both.predicted_classes[4:])
