"""Write the runs of a study as an MLflow database with its artifacts."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME
from sqlalchemy.exc import SQLAlchemyError

from bloodnets.errors import ResourceError
from reports.ledger.ledger import Ledger
from reports.ledger.progress import ProgressState
from study.lifecycle.status import REPORT_FILE
from study.trackers.confusion_images import draw_confusions
from study.trackers.runs import EPOCH_METRICS, Run, StudyRuns

DATABASE_FILE = "mlflow.db"
ARTIFACTS_FOLDER = "artifacts"

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Tag with which MLflow shows its pages for training instead of those for language models."""

SOURCE = "bloodstudy"
"""Name of the program in MLflow's column "Source"."""

MAX_METRICS = 1000
"""Maximum number of metrics that MLflow accepts at a time."""

_STATUSES = {
    ProgressState.WAITING: "SCHEDULED",
    ProgressState.RUNNING: "RUNNING",
    ProgressState.COMPLETE: "FINISHED",
    ProgressState.PRUNED: "KILLED",  # so that a filter by FINISHED gives comparable trials
    ProgressState.FAILED: "FAILED",
}


def write_mlflow_runs(
    ledger: Ledger,
    study_runs: StudyRuns,
    folder: Path,
    final_folder: Path,
    *,
    on_run: Callable[[str], None],
) -> None:
    """Write an experiment with a run for the study, which has the report, and one for each trial.

    Args:
        ledger: Ledger of the study.
        study_runs: Runs of the study.
        folder: Existing, empty folder.
        final_folder: Absolute path to which the folder is moved. The database has the absolute
            paths of the artifacts.
        on_run: Function that is called with the name of each run before it is written.

    Raises:
        ConflictError: The report, or the predictions of a trial, are unreadable.
        OSError: The folder cannot be written.
        ResourceError: MLflow cannot write its database.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it logs that it creates tables
    try:
        client = MlflowClient(tracking_uri=f"sqlite:///{folder / DATABASE_FILE}")
        # A study may have the name of MLflow's own experiment, `Default`.
        experiment_id = client.create_experiment(
            f"bloodstudy/{study_runs.study.name}",
            artifact_location=(final_folder / ARTIFACTS_FOLDER).as_uri(),
            tags=EXPERIMENT_TAGS,
        )
        _write_study(client, experiment_id, ledger, study_runs, folder)
        for run in study_runs.runs:
            on_run(run.name)
            run_id = _write_run(client, experiment_id, run, {**study_runs.facts, **run.facts})
            for split, png in draw_confusions(ledger, run):
                _write_artifact(folder, run_id, f"confusion_{split}.png", png)
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).partition("\n")[0]
        raise ResourceError(f"MLflow cannot write its database: {reason}", path=folder) from error


def _write_study(
    client: MlflowClient, experiment_id: str, ledger: Ledger, study_runs: StudyRuns, folder: Path
) -> None:
    """Write the run of the study, with its report if there is one."""
    run_id = client.create_run(
        experiment_id,
        start_time=_to_ms(datetime.fromisoformat(study_runs.study.created_at)),
        tags={MLFLOW_SOURCE_NAME: SOURCE, **study_runs.facts},
        run_name=study_runs.study.name,
    ).info.run_id
    if ledger.files.exists(REPORT_FILE):
        _write_artifact(folder, run_id, "report.html", ledger.files.read(REPORT_FILE))
    ends = [run.ended_at for run in study_runs.runs if run.ended_at is not None]
    if study_runs.has_ended:
        client.set_terminated(run_id, "FINISHED", _to_ms(max(ends)) if ends else None)
    elif not study_runs.is_running:
        client.update_run(run_id, _STATUSES[ProgressState.WAITING])


def _write_run(client: MlflowClient, experiment_id: str, run: Run, tags: Mapping[str, str]) -> str:
    """Write the run of a trial without artifacts, and return its id."""
    run_id: str = client.create_run(
        experiment_id,
        start_time=_to_ms(run.started_at),
        tags={MLFLOW_SOURCE_NAME: SOURCE, **tags},
        run_name=run.name,
    ).info.run_id
    metrics = _list_metrics(run)
    params = [Param(name, str(value)) for name, value in run.settings.items()]
    client.log_batch(run_id, params=params)
    for start in range(0, len(metrics), MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + MAX_METRICS])
    if run.ended_at is None:
        client.update_run(run_id, _STATUSES[run.state])
    else:
        client.set_terminated(run_id, _STATUSES[run.state], _to_ms(run.ended_at))
    return run_id


def _list_metrics(run: Run) -> list[Metric]:
    """Return the metrics of each epoch, and the scores at the best epoch."""
    metrics = [
        Metric(f"epoch/{name}", getattr(epoch, name), _to_ms(ended_at), epoch.epoch)
        for epoch, ended_at in zip(run.epochs, run.list_epoch_ends(), strict=True)
        for name in EPOCH_METRICS
    ]
    if run.record is not None and run.ended_at is not None:
        time_ms, step = _to_ms(run.ended_at), run.record.best_epoch or 0
        metrics += [
            Metric(f"score/{name}", value, time_ms, step) for name, value in run.scores.items()
        ]
    return metrics


def _write_artifact(folder: Path, run_id: str, name: str, content: bytes) -> None:
    """Write a file where MLflow expects it after `folder` was moved."""
    path = folder / ARTIFACTS_FOLDER / run_id / "artifacts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _to_ms(time: datetime) -> int:
    """Return a time as MLflow stores it, in milliseconds."""
    return round(time.timestamp() * 1000)
