"""`bloodstudy search`."""

from typing import Annotated

import typer

from bloodnets.config import DEFAULT_BATCH_SIZE
from bloodnets.storage.location import parse_location
from study.cli import arguments, options
from study.cli.launch import DataSource, launch
from study.cli.options import DataChoice, DeviceChoice, PrecisionChoice
from study.configs.presets import RESNET
from study.configs.search_space import (
    DROPOUT_RANGE,
    FAMILIES,
    LABEL_SMOOTHING_RANGE,
    LEARNING_RATE_RANGE,
    MOMENTUM_RANGE,
    OPTIMIZERS,
    SAMPLERS,
    WEIGHT_DECAY_RANGE,
    WIDTH_RANGE,
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
    ] = LEARNING_RATE_RANGE,
    dropout: Annotated[
        tuple[float, float], typer.Option(help="Lowest and highest; drawn uniformly.")
    ] = DROPOUT_RANGE,
    momentum: Annotated[
        tuple[float, float], typer.Option(help="Lowest and highest; drawn uniformly, for SGD.")
    ] = MOMENTUM_RANGE,
    weight_decay: Annotated[
        tuple[float, float], typer.Option(help="Likewise, log-uniformly, for resnet.")
    ] = WEIGHT_DECAY_RANGE,
    label_smoothing: Annotated[
        tuple[float, float], typer.Option(help="Likewise, uniformly, for resnet.")
    ] = LABEL_SMOOTHING_RANGE,
    width: Annotated[
        tuple[int, int], typer.Option(help="Channels of the first stage, for resnet; in eights.")
    ] = WIDTH_RANGE,
    sampler: Annotated[str, typer.Option(metavar="|".join(SAMPLERS), help="Optuna's.")] = "tpe",
    seed: Annotated[int, typer.Option(help="Of the sampler, and of every trial.")] = 0,
    max_epochs: Annotated[int, typer.Option(min=1, help="Of a trial that ASHA lets finish.")] = 20,
    grace_period: Annotated[int, typer.Option(help="Epochs before ASHA may stop a trial.")] = 1,
    reduction_factor: Annotated[
        int, typer.Option(help="ASHA lets one in this many go on, at each rung.")
    ] = 2,
    retrain_top: Annotated[
        int, typer.Option(help="Best configurations to train again and test; 0 for none.")
    ] = 3,
    retrain_seeds: Annotated[int, typer.Option(help="How often, each with a fresh seed.")] = 3,
    time_budget: Annotated[
        str | None,
        typer.Option(
            show_default="none",
            help="Ends the search after 30m, or 1h30m; the confirmation comes after.",
        ),
    ] = None,
    target_macro_f1: Annotated[
        float | None,
        typer.Option(show_default="none", help="Ends the search at this val macro F1, as .93."),
    ] = None,
    batch_size: options.BatchSizeOption = None,
    precision: options.PrecisionOption = PrecisionChoice.FLOAT32,
    data: options.DataOption = DataChoice.BLOODMNIST,
    data_file: options.DataFileOption = None,
    data_root: options.DataRootOption = None,
    name: Annotated[
        str | None, typer.Option(show_default="search and the time", help="Of the study.")
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
    """Search better settings than the published ones, and confirm the best with fresh seeds."""
    from reports.ledger.search_record import ResNetSpace, SearchRecord
    from study.configs.study_config import SearchConfig, make_resnet_baseline
    from study.tuning.asha import make_tripling_rungs

    families = FAMILIES[arguments.require_one_of("--family", family, FAMILIES)]
    actual_batch_size = batch_size or (
        RESNET["batch_size"] if family == "resnet" else DEFAULT_BATCH_SIZE
    )
    resnet_space = None
    if family == "resnet":
        resnet_space = ResNetSpace(
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
            width=width,
            baseline_config=make_resnet_baseline(
                max_epochs=max_epochs,
                batch_size=actual_batch_size,
                precision=precision.value,
                seed=seed,
            ),
        )
    study_config = SearchConfig(
        name=arguments.resolve_study_name("search", name, resume=resume),
        storage_root=parse_location(storage),
        search=SearchRecord(
            n_trials=trials,
            families=families,
            optimizers=arguments.resolve_optimizers(optimizer, family),
            learning_rate=learning_rate,
            dropout=dropout,
            momentum=momentum,
            sampler=arguments.require_one_of("--sampler", sampler, SAMPLERS),
            seed=seed,
            max_epochs=max_epochs,
            rungs=make_tripling_rungs(grace_period, max_epochs),
            reduction_factor=reduction_factor,
            batch_size=actual_batch_size,
            precision=precision.value,
            retrain_top=retrain_top,
            retrain_seeds=retrain_seeds,
            time_budget_s=arguments.parse_duration_s("--time-budget", time_budget)
            if time_budget is not None
            else None,
            target_macro_f1=target_macro_f1,
            resnet=resnet_space,
        ),
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
