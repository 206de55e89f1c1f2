"""The command `bloodstudy`: arguments, messages, exit codes; nothing else.

Modules that import torch, ray or pandas are imported by the command that needs them.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bloodnets.config import BATCH_SIZE, MAX_EPOCHS, PATIENCE
from bloodnets.errors import ConflictError, DataError, StudyError
from study.grid import PUBLISHED

if TYPE_CHECKING:
    from bloodnets.data import BloodCells

app = typer.Typer(
    help="Train image classifiers on blood cells, and learn which of their differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Data(StrEnum):
    """Which images to train on."""

    BLOODMNIST = "bloodmnist"
    RENDERED = "rendered"


Results = Annotated[Path, typer.Option(help="Folder that holds the studies' folders.")]


@app.command()
def grid(
    *,
    config: Annotated[
        list[str] | None,
        typer.Option(
            show_default="all", help="A published configuration, as cnn-config-1; repeatable."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trials a configuration: seeds 0, 1, …")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="At most, each trial.")] = MAX_EPOCHS,
    patience: Annotated[
        int, typer.Option(min=1, help="Epochs without a better val macro F1 before a trial ends.")
    ] = PATIENCE,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = BATCH_SIZE,
    data: Annotated[
        Data, typer.Option(help="rendered: drawn stand-in cells, no download.")
    ] = Data.BLOODMNIST,
    data_file: Annotated[
        Path | None, typer.Option(help="A file in the MedMNIST format, instead of the download.")
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            show_default="~/.medmnist", help="Folder of bloodmnist.npz, also of the download."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(show_default="grid and the time", help="Of the study.")
    ] = None,
    results: Results = Path("results"),
    cpus_per_trial: Annotated[int, typer.Option(min=1, help="Cores a trial.")] = 1,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            show_default=".25 if there is one, else 0", help="GPUs a trial, also a fraction."
        ),
    ] = None,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, show_default="as many as fit", help="Trials at once.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(show_default="Ray on this machine", help="Of a Ray cluster.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the report's path alone.")] = False,
) -> None:
    """Train the eight published configurations and compare them."""
    from study.config import StudyConfig, default_name

    checked = StudyConfig(
        name=default_name("grid") if name is None else name,
        results=results,
        configurations=tuple(PUBLISHED if config is None else dict.fromkeys(config)),
        seeds=seeds,
        max_epochs=epochs,
        patience=patience,
        batch_size=batch_size,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        max_concurrent=max_concurrent,
        address=address,
    )
    if checked.folder.exists():
        raise ConflictError(f"{checked.folder} exists already; choose another --name")
    cells = _load(data, data_file, data_root)
    if dry_run:
        from study.plan import print_plan

        print_plan(checked, cells)
        return
    from study.run import run_study

    if not run_study(checked, cells, command=("bloodstudy", *sys.argv[1:]), quiet=quiet):
        raise typer.Exit(1)


@app.command()
def report(
    study: Annotated[str, typer.Argument(help="A study's name, or the path of its folder.")],
    *,
    results: Results = Path("results"),
) -> None:
    """Make a study's report again, from its ledger alone."""
    from reports.ledger import Ledger

    ledger = Ledger(results / study if (results / study).is_dir() else Path(study))
    from reports.page import write_report  # imports matplotlib, which a wrong name need not await

    typer.echo(write_report(ledger))


def main() -> NoReturn:
    """Entry point: one line and an exit code for everything that can be foreseen."""
    try:
        app()
    except StudyError as error:
        one_line = " ".join(str(error).split())  # a path may hold a line's end
        typer.echo(f"bloodstudy: {one_line}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)


def _load(data: Data, file: Path | None, root: Path | None) -> "BloodCells":
    if data is Data.RENDERED and (file or root):
        raise DataError("--data rendered takes neither --data-file nor --data-root")
    from bloodnets.data import load_file, load_rendered
    from bloodnets.download import official_file

    if data is Data.RENDERED:
        return load_rendered()
    return load_file(official_file(root) if file is None else file)
