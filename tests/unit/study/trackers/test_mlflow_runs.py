"""The MLflow database, as its client reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from study.runtime.lock import lock_study
from study.trackers import mlflow_runs
from study.trackers.mlflow_runs import DATABASE_FILE, write_mlflow_runs
from study.trackers.runs import EPOCH_METRICS, StudyRuns, read_runs
from tests.helpers.ledger_entries import log_start
from tests.helpers.open_grid import build_open_grid
from tests.helpers.search_builder import build_search
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial

REPORT = b"<p>The report"


def write(ledger: Ledger, folder: Path) -> StudyRuns:
    """Write the runs to a folder and move it, as the command does."""
    study_runs = read_runs(ledger, datetime.now(UTC))
    names: list[str] = []
    new_folder = folder.with_name("new")
    new_folder.mkdir()
    write_mlflow_runs(ledger, study_runs, new_folder, folder, on_run=names.append)
    new_folder.rename(folder)
    assert names == [run.name for run in study_runs.runs]
    return study_runs


def connect(folder: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{folder / DATABASE_FILE}")


def load(client: MlflowClient) -> Mapping[str, MlflowRun]:
    (experiment,) = (e for e in client.search_experiments() if e.name != "Default")
    runs = client.search_runs([experiment.experiment_id])
    return {run.info.run_name: run for run in runs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Runs that were written once, with the client and the runs that it reads."""

    study_runs: StudyRuns
    client: MlflowClient
    runs: Mapping[str, MlflowRun]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Return the runs of an interrupted study with a report and a checkpoint."""
    folder = tmp_path_factory.mktemp("mlflow")
    ledger = build_open_grid(folder / "s")
    ledger.files.write("report/index.html", REPORT)
    add_checkpoint(ledger, epochs=2)
    study_runs = write(ledger, folder / "out")
    client = connect(folder / "out")
    return Export(study_runs=study_runs, client=client, runs=load(client))


def test_write_mlflow_runs_complete_trial_has_metrics_params_tags_and_times(export: Export) -> None:
    run, client = export.study_runs.runs[0], export.client
    loaded = export.runs[run.name]
    assert run.ended_at is not None
    for name in EPOCH_METRICS:
        history = client.get_metric_history(loaded.info.run_id, f"epoch/{name}")
        assert [(m.step, m.value, m.timestamp) for m in history] == [
            (epoch.epoch, getattr(epoch, name), round(end.timestamp() * 1000))
            for epoch, end in zip(run.epochs, run.list_epoch_ends(), strict=True)
        ]
    scores = {name: v for name, v in loaded.data.metrics.items() if name.startswith("score/")}
    assert scores == {f"score/{name}": value for name, value in run.scores.items()}
    assert loaded.data.params == {name: str(value) for name, value in run.settings.items()}
    assert "SYNTHETIC" in loaded.data.tags["data"]
    assert loaded.data.tags["trial_id"] == run.trial.id
    assert loaded.info.status == "FINISHED"
    assert loaded.info.start_time == run.started_at.timestamp() * 1000
    assert loaded.info.end_time == run.ended_at.timestamp() * 1000


def test_write_mlflow_runs_artifacts_are_found_in_the_final_folder(export: Export) -> None:
    run_id = export.runs["cnn-config-1-s0"].info.run_id
    paths = [file.path for file in export.client.list_artifacts(run_id)]
    assert sorted(paths) == ["confusion_test.png", "confusion_val.png"]
    for path in paths:
        assert Path(export.client.download_artifacts(run_id, path)).read_bytes()[1:4] == b"PNG"
    report = export.client.download_artifacts(export.runs["s"].info.run_id, "report.html")
    assert Path(report).read_bytes() == REPORT


def test_write_mlflow_runs_failed_and_interrupted_trials_have_their_statuses(
    export: Export,
) -> None:
    assert {name: run.info.status for name, run in export.runs.items()} == {
        "s": "SCHEDULED",
        "cnn-config-1-s0": "FINISHED",
        "mlnn-config-1-s0": "FAILED",
        "cnn-config-2-s0": "SCHEDULED",
    }
    assert export.runs["mlnn-config-1-s0"].data.tags["error"] == "out of memory"
    assert export.runs["cnn-config-2-s0"].info.end_time is None


def test_write_mlflow_runs_running_study_and_trial_are_running(
    ledger: Ledger, tmp_path: Path
) -> None:
    log_start(ledger, find_unfinished_trial(ledger).id)
    with lock_study(ledger.location):
        write(ledger, tmp_path / "out")
    client = connect(tmp_path / "out")
    runs = load(client)
    assert client.list_artifacts(runs["s"].info.run_id) == []  # there is no report
    assert {runs[name].info.status for name in ("s", "cnn-config-2-s0")} == {"RUNNING"}


def test_write_mlflow_runs_ended_search_marks_pruned_trials_as_killed(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s")
    study_runs = write(ledger, tmp_path / "out")
    runs = load(connect(tmp_path / "out"))
    expected = {"complete": "FINISHED", "pruned": "KILLED"}
    assert {run.name: runs[run.name].info.status for run in study_runs.runs} == {
        run.name: expected[run.state] for run in study_runs.runs
    }
    assert runs["s"].info.status == "FINISHED"
    assert runs["s"].info.end_time == max(
        run.info.end_time for name, run in runs.items() if name != "s"
    )


def test_write_mlflow_runs_more_epochs_than_a_batch_are_all_written(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_runs, "MAX_METRICS", 7)
    run = write(ledger, tmp_path / "out").runs[0]
    client = connect(tmp_path / "out")
    run_id = load(client)[run.name].info.run_id
    assert len(client.get_metric_history(run_id, "epoch/val_loss")) == len(run.epochs)


def test_write_mlflow_runs_study_named_default_has_an_experiment(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.study = replace(ledger.study, name="Default")
    write(ledger, tmp_path / "out")
    assert "Default" in load(connect(tmp_path / "out"))


def test_write_mlflow_runs_database_that_cannot_be_written_raises(
    ledger: Ledger, tmp_path: Path
) -> None:
    study_runs = read_runs(ledger, datetime.now(UTC))
    (tmp_path / DATABASE_FILE).write_text("no database, but longer than its header" * 9)
    with pytest.raises(ResourceError) as caught:
        write_mlflow_runs(ledger, study_runs, tmp_path, tmp_path, on_run=lambda _: None)
    assert "\n" not in str(caught.value)
