"""The runs that are read from a ledger."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressState
from reports.ledger.states import EventKind
from study.runtime.lock import lock_study
from study.trackers.runs import Run, StudyRuns, read_runs
from tests.helpers.ledger_entries import log_start
from tests.helpers.search_builder import build_search
from tests.helpers.small_studies import VERSION_3_DIR
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial


def read(ledger: Ledger) -> StudyRuns:
    return read_runs(Ledger(ledger.location), datetime.now(UTC))


def read_by_name(ledger: Ledger) -> dict[str, Run]:
    return {run.name: run for run in read(ledger).runs}


def change_record(ledger: Ledger, name: str, **changes: Any) -> None:
    (path,) = (ledger.folder / "trials").glob(f"{name}-*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_read_runs_complete_trial_has_settings_scores_and_epochs(ledger: Ledger) -> None:
    run = read_by_name(ledger)["cnn-config-1-s0"]
    assert run.record is not None
    assert run.state is ProgressState.COMPLETE
    assert run.settings["configuration"] == "cnn-config-1"
    assert run.settings["learning_rate"] == 0.01
    assert run.settings["class_weights"] == "none"
    assert "width" not in run.settings
    assert run.scores["test_macro_f1"] == run.record.scores["test"]["macro_f1"]
    assert run.scores["val_accuracy"] == run.record.scores["val"]["accuracy"]
    assert [epoch.epoch for epoch in run.epochs] == [*range(1, 31)]


def test_read_runs_undefined_score_is_left_out(ledger: Ledger) -> None:
    scores = {"val": {"accuracy": 0.5, "auc": None}}
    change_record(ledger, "cnn-config-1-s0", scores=scores)
    assert read_by_name(ledger)["cnn-config-1-s0"].scores == {"val_accuracy": 0.5}


def test_read_runs_uninterrupted_trial_has_the_times_of_its_record(ledger: Ledger) -> None:
    run = read_by_name(ledger)["cnn-config-1-s0"]
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (run.started_at, run.ended_at) == (start, start + timedelta(seconds=75))
    assert run.list_epoch_ends()[:2] == [start + timedelta(seconds=s) for s in (2.5, 5)]


def test_read_runs_resumed_trial_ends_when_the_log_says(ledger: Ledger) -> None:
    """Its duration includes epochs from before its start."""
    (logged_end, _) = [
        datetime.fromisoformat(event.logged_at)
        for event in ledger.log.read_events()
        if event.kind is EventKind.ENDED
    ]
    start = logged_end - timedelta(seconds=10)
    change_record(ledger, "cnn-config-1-s0", started_at=start.isoformat())
    run = read_by_name(ledger)["cnn-config-1-s0"]
    assert run.ended_at == logged_end
    assert run.list_epoch_ends()[-1] == logged_end
    assert run.started_at == logged_end - timedelta(seconds=75)


def test_read_runs_failed_trial_has_its_error(ledger: Ledger) -> None:
    run = read_by_name(ledger)["mlnn-config-1-s0"]
    assert (run.state, run.facts["error"], run.scores) == (
        ProgressState.FAILED,
        "out of memory",
        {},
    )
    assert len(run.epochs) == 3


def test_read_runs_running_trial_has_the_epochs_of_its_checkpoint(ledger: Ledger) -> None:
    add_checkpoint(ledger, epochs=2)
    log_start(ledger, find_unfinished_trial(ledger).id)
    with lock_study(ledger.location):
        study_runs = read(ledger)
    run = study_runs.runs[-1]
    assert study_runs.is_running
    assert not study_runs.has_ended
    assert (run.name, run.state) == ("cnn-config-2-s0", ProgressState.RUNNING)
    assert len(run.epochs) == 2
    assert run.record is None
    assert run.ended_at is None
    assert run.list_epoch_ends()[-1] <= datetime.now(UTC)


def test_read_runs_trial_of_an_interrupted_study_waits_if_it_has_a_checkpoint(
    ledger: Ledger,
) -> None:
    log_start(ledger, find_unfinished_trial(ledger).id)
    assert "cnn-config-2-s0" not in read_by_name(ledger)
    add_checkpoint(ledger, epochs=2)
    assert read_by_name(ledger)["cnn-config-2-s0"].state is ProgressState.WAITING
    assert not read(ledger).has_ended


def test_read_runs_changed_file_leaves_out_its_trial(ledger: Ledger) -> None:
    (path,) = (ledger.folder / "epochs").glob("cnn-config-1-*")
    path.write_text("")
    study_runs = read(ledger)
    assert [run.name for run in study_runs.runs] == ["mlnn-config-1-s0"]
    assert [problem.trial_id for problem in study_runs.problems] == [path.stem]


@pytest.mark.parametrize("is_running", [True, False])
def test_read_runs_files_without_a_record_are_a_problem_unless_the_trial_runs(
    ledger: Ledger, *, is_running: bool
) -> None:
    """The worker writes predictions before the driver writes the record."""
    trial_id = find_unfinished_trial(ledger).id
    ledger.files.write(f"predictions/{trial_id}.npz", b"")
    log_start(ledger, trial_id)
    if is_running:
        with lock_study(ledger.location):
            study_runs = read(ledger)
    else:
        study_runs = read(ledger)
    assert [problem.trial_id for problem in study_runs.problems] == [trial_id] * (not is_running)
    assert (trial_id in [run.trial.id for run in study_runs.runs]) is is_running


def test_read_runs_search_has_proposals_and_retrained_trials(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s")
    study_runs = read(ledger)
    assert study_runs.has_ended
    assert len(study_runs.runs) == len(ledger.list_planned_trials())
    states = {record.id: ProgressState(record.state) for record in ledger.read_trials()}
    assert ProgressState.PRUNED in states.values()
    assert {run.trial.id: run.state for run in study_runs.runs} == states


def test_read_runs_search_that_still_proposes_has_not_ended(tmp_path: Path) -> None:
    assert not read(build_search(tmp_path / "s", ended_by=None)).has_ended


def test_read_runs_study_without_a_log_has_the_ends_of_its_records(tmp_path: Path) -> None:
    folder = shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")
    (run,) = read_runs(Ledger(folder), datetime.now(UTC)).runs
    assert run.record is not None
    assert run.ended_at is not None
    duration = run.ended_at - datetime.fromisoformat(run.record.started_at)
    assert duration.total_seconds() == pytest.approx(run.record.duration_s, abs=1e-6)
