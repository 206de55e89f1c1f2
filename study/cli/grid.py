"""`bloodstudy grid`."""

from typing import Annotated

import typer

from bloodnets.config import DEFAULT_MAX_EPOCHS, DEFAULT_PATIENCE
from bloodnets.storage.location import parse_location
from study.cli import arguments, options
from study.cli.launch import DataSource, launch
from study.cli.options import DataChoice, DeviceChoice, PrecisionChoice
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
    max_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=f"{DEFAULT_MAX_EPOCHS}; of resnet {RESNET['max_epochs']}",
            help="At most, each trial.",
        ),
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            min=1, help="Epochs without a better val macro F1 before a trial ends; not of resnet."
        ),
    ] = DEFAULT_PATIENCE,
    width: Annotated[
        int | None,
        typer.Option(
            min=1, show_default=str(RESNET["width"]), help="Channels of resnet's first stage."
        ),
    ] = None,
    batch_size: options.BatchSizeOption = None,
    precision: options.PrecisionOption = PrecisionChoice.FLOAT32,
    data: options.DataOption = DataChoice.BLOODMNIST,
    data_file: options.DataFileOption = None,
    data_root: options.DataRootOption = None,
    name: Annotated[
        str | None, typer.Option(show_default="grid and the time", help="Of the study.")
    ] = None,
    storage: options.StorageOption = "results",
    cpus_per_trial: options.CpusPerTrialOption = 1,
    device: options.DeviceOption = DeviceChoice.AUTO,
    gpus_per_trial: options.GpusPerTrialOption = None,
    max_concurrent: options.MaxConcurrentOption = None,
    address: options.AddressOption = None,
    resume: options.ResumeOption = False,
    allow_code_change: options.AllowCodeChangeOption = False,
    dry_run: options.DryRunOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train the eight published configurations, or others, and compare them."""
    from study.configs.study_config import GridConfig

    study_config = GridConfig(
        name=arguments.resolve_study_name("grid", name, resume=resume),
        storage_root=parse_location(storage),
        configurations=arguments.resolve_configurations(config, ablation=ablation),
        seeds=seeds,
        max_epochs=max_epochs,
        patience=patience,
        width=width,
        batch_size=batch_size,
        precision=precision.value,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=arguments.resolve_gpus_per_trial(device, gpus_per_trial),
        max_concurrent=max_concurrent,
        address=None if address == "local" else address,
    )
    launch(
        study_config,
        DataSource(kind=data, file=data_file, root=data_root).load,
        resume=resume,
        allow_code_change=allow_code_change,
        dry_run=dry_run,
        quiet=quiet,
    )
