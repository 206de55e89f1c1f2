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
    from reports.ledger import Ledger

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
    studies: Annotated[
        list[str],
        typer.Argument(help="A study's name, or the path of its folder; several are compared."),
    ],
    *,
    results: Results = Path("results"),
    output: Annotated[
        Path | None,
        typer.Option(
            show_default="report, in the study's folder; of several, their names in --results",
            help="Folder of the report.",
        ),
    ] = None,
    data_file: Annotated[
        Path | None,
        typer.Option(
            show_default="where the study had it",
            help="The study's data, to show the images that were most often wrong.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check every number against the predictions; write nothing."),
    ] = False,
) -> None:
    """Make a study's report again, from what is stored, or one report of several studies."""
    from reports.ledger import Ledger

    folders = [results / study if (results / study).is_dir() else Path(study) for study in studies]
    ledgers = [Ledger(folder) for folder in folders]
    if verify:
        if output is not None:
            raise DataError("--verify writes nothing; leave --output out")
        _verify(ledgers, data_file)
    elif len(ledgers) == 1:
        _report(ledgers[0], output, data_file)
    elif data_file is not None:
        raise DataError("--data-file belongs to one study; leave it out, or name one study")
    else:
        from reports.several import compare

        names = "+".join(folder.resolve().name for folder in folders)[:100]
        typer.echo(compare(ledgers, place=output or results / names))


def _report(ledger: "Ledger", output: Path | None, data_file: Path | None) -> None:
    """Write one study's report; exit code 1 if something had to be left out of it."""
    from reports.evidence import read
    from reports.page import write_report  # imports matplotlib, which a wrong name need not await
    from study.images import find_images

    images = find_images(ledger.study, data_file)
    typer.echo(write_report(ledger, place=output, images=images))
    problems = read(ledger).problems
    for problem in problems:
        typer.echo(f"bloodstudy: left out: {problem.trial}: {problem.reason}", err=True)
    if problems:
        raise typer.Exit(1)


def _verify(ledgers: "list[Ledger]", data_file: Path | None) -> None:
    from reports.verify import verify
    from study.images import find_images

    for ledger in ledgers:
        for line in verify(ledger, images=find_images(ledger.study, data_file)):
            typer.echo(f"{ledger.study.name}: {line}" if len(ledgers) > 1 else line)


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
