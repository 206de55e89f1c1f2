"""`bloodstudy grid`."""

from typing import Annotated

import typer

from bloodnets.config import MAX_EPOCHS, PATIENCE
from bloodnets.storage.backends import place
from study.cli import arguments, options
from study.cli.launch import DataSource, launch
from study.cli.options import Data, Device, Precision
from study.configs.presets import RESNET


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
    from study.configs.study_config import GridConfig

    checked = GridConfig(
        name=arguments.name("grid", name, goes_on=resume),
        results=place(results),
        configurations=arguments.configurations(config, ablation=ablation),
        seeds=seeds,
        max_epochs=epochs,
        patience=patience,
        width=width,
        batch_size=batch_size,
        precision=precision.value,
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
