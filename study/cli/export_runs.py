"""`bloodstudy export-runs`."""

import shlex
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bloodnets.errors import DataError, ResourceError
from study.cli import options
from study.cli.arguments import open_ledger
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger
    from study.trackers.runs import StudyRuns

Tracker = Literal["tensorboard", "mlflow"]


def export_runs(
    study: options.StudyArgument,
    *,
    to: Annotated[
        Tracker,
        typer.Option(help="Tracker whose format is written.", rich_help_panel=options.OUTPUT_PANEL),
    ],
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    output: Annotated[
        Path | None,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            show_default="STUDY-tensorboard or STUDY-mlflow in the current folder",
            help="Folder for the runs. One that this command wrote for the same study and "
            "tracker is replaced.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = None,
) -> None:
    """Write a study's trials as runs for TensorBoard or MLflow.

    A run has the settings of a trial, its loss and scores at each epoch, its final
    scores and its confusion matrices. While a study is running, only what its files
    have so far is written.

    Examples:
      bloodstudy export-runs STUDY --to tensorboard
      bloodstudy export-runs STUDY --to mlflow --output runs
    """
    _require_package(to)
    ledger = open_ledger(storage, study)
    from study.trackers.runs_folder import require_runs_folder

    folder = output or Path(f"{ledger.name}-{to}")
    require_runs_folder(folder, ledger.study, to)
    from study.trackers.runs import read_runs

    with raise_interrupts():
        study_runs = read_runs(ledger, datetime.now(UTC))
        if not study_runs.runs:
            raise DataError(
                f"{ledger.name} has no trial that has started, so it has no run",
                path=str(ledger.location),
                remedy="see 'bloodstudy status'",
            )
        _write_runs(ledger, study_runs, to, folder)
    _print_outcome(study_runs, to, folder)
    if study_runs.problems:
        raise typer.Exit(1)


def _require_package(tracker: Tracker) -> None:
    if find_spec(tracker) is None:
        raise ResourceError(
            f"{tracker} is not installed, which export-runs --to {tracker} requires",
            remedy=f"install the extra '{tracker}': pip install '.[{tracker}]' --constraint "
            "constraints.txt",
        )


def _write_runs(ledger: "Ledger", study_runs: "StudyRuns", tracker: Tracker, folder: Path) -> None:
    from rich.console import Console

    from study.trackers.runs_folder import new_runs_folder

    with (
        Console(stderr=True).status("writing …") as status,
        new_runs_folder(folder, ledger.study, tracker) as new_folder,
    ):

        def show(name: str) -> None:
            status.update(f"writing {name} …")

        if tracker == "tensorboard":
            from study.trackers.tensorboard_runs import write_tensorboard_runs

            write_tensorboard_runs(ledger, study_runs, new_folder, on_run=show)
        else:
            from study.trackers.mlflow_runs import write_mlflow_runs

            write_mlflow_runs(ledger, study_runs, new_folder, folder.resolve(), on_run=show)


def _print_outcome(study_runs: "StudyRuns", tracker: Tracker, folder: Path) -> None:
    """Print the number of runs, the command that shows them, and the folder."""
    from reports.format.units import format_count

    n_open = sum(run.record is None for run in study_runs.runs)
    note = f", {n_open} of which {'has' if n_open == 1 else 'have'} not ended" if n_open else ""
    typer.echo(f"{study_runs.study.name}: {format_count(len(study_runs.runs), 'run')}{note}.")
    if tracker == "tensorboard":
        command = ["tensorboard", "--logdir", str(folder)]
    else:
        database = f"sqlite:///{folder.resolve()}/mlflow.db"
        command = ["mlflow", "server", "--backend-store-uri", database]
    typer.echo(f"Show them with: {shlex.join(command)}")
    typer.echo(folder)
    for problem in study_runs.problems:
        typer.echo(f"bloodstudy: skipped: {problem.trial_id}: {problem.reason}", err=True)
