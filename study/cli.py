"""The command `bloodstudy`: arguments, messages, exit codes; nothing else.

Modules that import torch, ray or pandas are imported by the command that needs them.
"""

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bloodnets.config import BATCH_SIZE, MAX_EPOCHS, PATIENCE
from bloodnets.errors import StudyError
from bloodnets.storage.backends import place
from study import options
from study.grid import RESNET
from study.interrupts import end_before_it_begins
from study.options import Data, Device, Precision
from study.reading import doctor, replay, report, status
from study.space import (
    DROPOUT,
    FAMILIES,
    LABEL_SMOOTHING,
    LEARNING_RATE,
    MOMENTUM,
    OPTIMIZERS,
    SAMPLERS,
    WEIGHT_DECAY,
    WIDTH,
)
from study.using import export, predict

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
            show_default="the published eight",
            help="A configuration, as cnn-config-1, or resnet, which goes beyond; repeatable.",
        ),
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="resnet, and resnet without each of its ingredients.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Trials a configuration: seeds 0, 1, …")] = 1,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=f"{MAX_EPOCHS}; of resnet {RESNET['max_epochs']}",
            help="At most, each trial.",
        ),
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            min=1, help="Epochs without a better val macro F1 before a trial ends; not of resnet."
        ),
    ] = PATIENCE,
    width: Annotated[
        int | None,
        typer.Option(
            min=1, show_default=str(RESNET["width"]), help="Channels of resnet's first stage."
        ),
    ] = None,
    batch_size: options.BatchSize = None,
    precision: options.PrecisionKind = Precision.FLOAT32,
    data: options.DataKind = Data.BLOODMNIST,
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    name: Annotated[
        str | None, typer.Option(show_default="grid and the time", help="Of the study.")
    ] = None,
    results: options.Results = "results",
    cpus_per_trial: options.CpusPerTrial = 1,
    device: options.DeviceKind = Device.AUTO,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.ClusterAddress = None,
    resume: options.Resume = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Train the eight published configurations, or others, and compare them."""
    from study.config import GridConfig

    checked = GridConfig(
        name=options.name("grid", name, goes_on=resume),
        results=place(results),
        configurations=options.configurations(config, ablation=ablation),
        seeds=seeds,
        max_epochs=epochs,
        patience=patience,
        width=width,
        batch_size=batch_size,
        precision=precision.value,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=options.gpus(device, gpus_per_trial),
        max_concurrent=max_concurrent,
        address=None if address == "local" else address,
    )
    options.check_place(checked.place, goes_on=resume)
    options.check_machine(checked)
    cells = options.load(data, data_file, data_root)
    if dry_run:
        from study.plan import print_plan

        print_plan(checked, cells)
        return
    from study.run import run_grid

    words = ("bloodstudy", *sys.argv[1:])
    if not run_grid(checked, cells, command=words, goes_on=resume, quiet=quiet):
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
    weight_decay: Annotated[
        tuple[float, float], typer.Option(help="Likewise, log-uniformly, for resnet.")
    ] = WEIGHT_DECAY,
    label_smoothing: Annotated[
        tuple[float, float], typer.Option(help="Likewise, uniformly, for resnet.")
    ] = LABEL_SMOOTHING,
    width: Annotated[
        tuple[int, int], typer.Option(help="Channels of the first stage, for resnet; in eights.")
    ] = WIDTH,
    sampler: Annotated[str, typer.Option(metavar="|".join(SAMPLERS), help="Optuna's.")] = "tpe",
    seed: Annotated[int, typer.Option(help="Of the sampler, and of every trial.")] = 0,
    max_epochs: Annotated[int, typer.Option(min=1, help="Of a trial that ASHA lets finish.")] = 20,
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
    batch_size: options.BatchSize = None,
    precision: options.PrecisionKind = Precision.FLOAT32,
    data: options.DataKind = Data.BLOODMNIST,
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    name: Annotated[
        str | None, typer.Option(show_default="search and the time", help="Of the study.")
    ] = None,
    results: options.Results = "results",
    cpus_per_trial: options.CpusPerTrial = 1,
    device: options.DeviceKind = Device.AUTO,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.ClusterAddress = None,
    resume: options.Resume = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Search better settings than the published ones, and confirm the best with fresh seeds."""
    from reports.ledger.records import ResnetSpace, SearchRecord
    from study.config import SearchConfig, resnet_start

    families = FAMILIES[options.one_of("--family", family, FAMILIES)]
    batch = batch_size or (RESNET["batch_size"] if family == "resnet" else BATCH_SIZE)
    resnet = None
    if family == "resnet":
        resnet = ResnetSpace(
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
            width=width,
            start=resnet_start(
                max_epochs=max_epochs, batch_size=batch, precision=precision.value, seed=seed
            ),
        )
    checked = SearchConfig(
        name=options.name("search", name, goes_on=resume),
        results=place(results),
        search=SearchRecord(
            trials=trials,
            families=families,
            optimizers=options.optimizers(optimizer, family),
            learning_rate=learning_rate,
            dropout=dropout,
            momentum=momentum,
            sampler=options.one_of("--sampler", sampler, SAMPLERS),
            seed=seed,
            max_epochs=max_epochs,
            grace=grace,
            reduction=reduction,
            batch_size=batch,
            precision=precision.value,
            confirm=confirm,
            confirm_seeds=confirm_seeds,
            time_budget_s=options.seconds("--time-budget", time_budget)
            if time_budget is not None
            else None,
            target_f1=target_f1,
            resnet=resnet,
        ),
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=options.gpus(device, gpus_per_trial),
        max_concurrent=max_concurrent,
        address=None if address == "local" else address,
    )
    options.check_place(checked.place, goes_on=resume)
    options.check_machine(checked)
    cells = options.load(data, data_file, data_root)
    if dry_run:
        from study.plan import print_search

        print_search(checked, cells)
        return
    from study.run import run_search

    words = ("bloodstudy", *sys.argv[1:])
    if not run_search(checked, cells, command=words, goes_on=resume, quiet=quiet):
        raise typer.Exit(1)


@app.command()
def resume(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.Results = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
    device: options.DeviceKind = Device.AUTO,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.ClusterAddress = None,
    quiet: options.Quiet = False,
) -> None:
    """Go on with a study that was interrupted, with the options that it began with."""
    from study.reading import place_of, words_to_resume

    words = words_to_resume(place_of(results, study), address)
    for option, value in (
        ("--data-file", data_file),
        ("--device", None if device is Device.AUTO else device.value),
        ("--gpus-per-trial", gpus_per_trial),
        ("--max-concurrent", max_concurrent),
    ):
        words += [] if value is None else [option, str(value)]
    app([*words, *(["--quiet"] if quiet else [])])


for command in (status, report, predict, export, replay, doctor):
    app.command()(command)


def main() -> NoReturn:
    """Entry point: one line and an exit code for everything that can be foreseen."""
    signal.signal(signal.SIGINT, end_before_it_begins)
    try:
        app()
    except StudyError as error:
        one_line = " ".join(str(error).split())  # a path may hold a line's end
        typer.echo(f"bloodstudy: {one_line}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)
