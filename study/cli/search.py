"""`bloodstudy search`."""

from typing import Annotated

import typer

from bloodnets.config import BATCH_SIZE
from bloodnets.storage.backends import place
from study.cli import arguments, options
from study.cli.launch import DataSource, launch
from study.cli.options import Data, Device, Precision
from study.configs.presets import RESNET
from study.configs.search_space import (
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
    from study.configs.study_config import SearchConfig, resnet_start

    families = FAMILIES[arguments.one_of("--family", family, FAMILIES)]
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
        name=arguments.name("search", name, goes_on=resume),
        results=place(results),
        search=SearchRecord(
            trials=trials,
            families=families,
            optimizers=arguments.optimizers(optimizer, family),
            learning_rate=learning_rate,
            dropout=dropout,
            momentum=momentum,
            sampler=arguments.one_of("--sampler", sampler, SAMPLERS),
            seed=seed,
            max_epochs=max_epochs,
            grace=grace,
            reduction=reduction,
            batch_size=batch,
            precision=precision.value,
            confirm=confirm,
            confirm_seeds=confirm_seeds,
            time_budget_s=arguments.seconds("--time-budget", time_budget)
            if time_budget is not None
            else None,
            target_f1=target_f1,
            resnet=resnet,
        ),
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=arguments.gpus(device, gpus_per_trial),
        max_concurrent=max_concurrent,
        address=None if address == "local" else address,
    )
    launch(
        checked,
        DataSource(kind=data, file=data_file, root=data_root),
        goes_on=resume,
        dry_run=dry_run,
        quiet=quiet,
    )
