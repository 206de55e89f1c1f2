"""The command `bloodstudy`: arguments, messages, exit codes; nothing else.

Modules that import torch, ray or pandas are imported by the command that needs them.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bloodnets.config import BATCH_SIZE, MAX_EPOCHS, PATIENCE
from bloodnets.errors import DataError, StudyError
from study import options
from study.grid import PUBLISHED
from study.options import Data
from study.space import DROPOUT, FAMILIES, LEARNING_RATE, MOMENTUM, OPTIMIZERS, SAMPLERS

if TYPE_CHECKING:
    from reports.ledger import Ledger


app = typer.Typer(
    help="Train image classifiers on blood cells, and learn which of their differences are real.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
    batch_size: options.BatchSize = BATCH_SIZE,
    data: options.DataKind = Data.BLOODMNIST,
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    name: Annotated[
        str | None, typer.Option(show_default="grid and the time", help="Of the study.")
    ] = None,
    results: options.Results = Path("results"),
    cpus_per_trial: options.CpusPerTrial = 1,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.Address = None,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Train the eight published configurations and compare them."""
    from study.config import GridConfig, default_name

    checked = GridConfig(
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
    options.refuse_existing(checked.folder)
    cells = options.load(data, data_file, data_root)
    if dry_run:
        from study.plan import print_plan

        print_plan(checked, cells)
        return
    from study.run import run_grid

    if not run_grid(checked, cells, command=("bloodstudy", *sys.argv[1:]), quiet=quiet):
        raise typer.Exit(1)


@app.command()
def search(
    *,
    trials: Annotated[int, typer.Option(help="Proposals, the published ones first.")] = 50,
    family: Annotated[str, typer.Option(metavar="|".join(FAMILIES), help="Of networks.")] = "cnn",
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(OPTIMIZERS), show_default="both are searched", help="Fixes it."
        ),
    ] = None,
    learning_rate: Annotated[
        tuple[float, float], typer.Option(help="Lowest and highest; drawn log-uniformly.")
    ] = LEARNING_RATE,
    dropout: Annotated[
        tuple[float, float], typer.Option(help="Lowest and highest; drawn uniformly.")
    ] = DROPOUT,
    momentum: Annotated[
        tuple[float, float], typer.Option(help="Lowest and highest; drawn uniformly, for SGD.")
    ] = MOMENTUM,
    sampler: Annotated[str, typer.Option(metavar="|".join(SAMPLERS), help="Optuna's.")] = "tpe",
    seed: Annotated[int, typer.Option(help="Of the sampler, and of every trial.")] = 0,
    max_epochs: Annotated[int, typer.Option(help="Of a trial that ASHA lets finish.")] = 20,
    grace: Annotated[int, typer.Option(help="Epochs before ASHA may stop a trial.")] = 1,
    reduction: Annotated[
        int, typer.Option(help="ASHA lets one in this many go on, at each rung.")
    ] = 2,
    confirm: Annotated[
        int, typer.Option(help="Best configurations to train again and test; 0 for none.")
    ] = 3,
    confirm_seeds: Annotated[int, typer.Option(help="How often, each with a fresh seed.")] = 3,
    time_budget: Annotated[
        str | None,
        typer.Option(
            show_default="none",
            help="Ends the search after 30m, or 1h30m; the confirmation comes after.",
        ),
    ] = None,
    target_f1: Annotated[
        float | None,
        typer.Option(show_default="none", help="Ends the search at this val macro F1, as .93."),
    ] = None,
    batch_size: options.BatchSize = BATCH_SIZE,
    data: options.DataKind = Data.BLOODMNIST,
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    name: Annotated[
        str | None, typer.Option(show_default="search and the time", help="Of the study.")
    ] = None,
    results: options.Results = Path("results"),
    cpus_per_trial: options.CpusPerTrial = 1,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.Address = None,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Search better settings than the published ones, and confirm the best with fresh seeds."""
    from reports.records import SearchRecord
    from study.config import SearchConfig, default_name

    checked = SearchConfig(
        name=default_name("search") if name is None else name,
        results=results,
        search=SearchRecord(
            trials=trials,
            families=FAMILIES[options.one_of("--family", family, FAMILIES)],
            optimizers=OPTIMIZERS
            if optimizer is None
            else (options.one_of("--optimizer", optimizer, OPTIMIZERS),),
            learning_rate=learning_rate,
            dropout=dropout,
            momentum=momentum,
            sampler=options.one_of("--sampler", sampler, SAMPLERS),
            seed=seed,
            max_epochs=max_epochs,
            grace=grace,
            reduction=reduction,
            batch_size=batch_size,
            confirm=confirm,
            confirm_seeds=confirm_seeds,
            time_budget_s=options.seconds("--time-budget", time_budget)
            if time_budget is not None
            else None,
            target_f1=target_f1,
        ),
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        max_concurrent=max_concurrent,
        address=address,
    )
    options.refuse_existing(checked.folder)
    cells = options.load(data, data_file, data_root)
    if dry_run:
        from study.plan import print_search

        print_search(checked, cells)
        return
    from study.run import run_search

    if not run_search(checked, cells, command=("bloodstudy", *sys.argv[1:]), quiet=quiet):
        raise typer.Exit(1)


@app.command()
def replay(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    trial: Annotated[str, typer.Argument(help="Its name, as in the report: trial-17.")],
    *,
    results: options.Results = Path("results"),
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
) -> None:
    """Train one trial of a study again, and say how far it comes out otherwise."""
    from rich.console import Console

    from reports.ledger import Ledger
    from study.replay import find_cells, lines
    from study.replay import replay as train_again

    ledger = Ledger(_folder(results, study))
    cells = find_cells(ledger.study, data_file)
    with Console(stderr=True).status(f"{trial}: the first epoch") as status:
        found = train_again(ledger, trial, cells, on_epoch=status.update)
    for line in lines(found):
        typer.echo(line)


@app.command()
def report(
    studies: Annotated[
        list[str],
        typer.Argument(help="A study's name, or the path of its folder; several are compared."),
    ],
    *,
    results: options.Results = Path("results"),
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

    folders = [_folder(results, study) for study in studies]
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


def _folder(results: Path, study: str) -> Path:
    """Of a study that is named, or whose folder is."""
    return results / study if (results / study).is_dir() else Path(study)
