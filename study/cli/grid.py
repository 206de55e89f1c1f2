"""`bloodstudy grid`."""

from dataclasses import dataclass
from typing import Annotated

import typer

from bloodnets.config import DEFAULT_MAX_EPOCHS, DEFAULT_PATIENCE
from study.cli import arguments, options
from study.cli.completion import complete_configurations
from study.cli.launch import launch
from study.cli.option_groups import (
    DataOptions,
    ResourceOptions,
    RunOptions,
    StudyOptions,
    TrainingOptions,
)
from study.configs.presets import RESNET
from study.configs.value_checks import MAX_EPOCHS, MAX_SEEDS, MAX_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class GridOptions:
    """Options that select the configurations of a grid and limit their training."""

    config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default="the eight published ones",
            help="Configuration to train, e.g. cnn-config-1 or resnet; repeatable.",
            autocompletion=complete_configurations,
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    ablation: Annotated[
        bool,
        typer.Option(
            "--ablation",
            help="Train resnet, and resnet without each of its ingredients in turn.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = False
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_SEEDS,
            metavar="N",
            help="Number of seeds (0, 1, …) per configuration.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = 1
    width: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_WIDTH,
            metavar="N",
            show_default=f"{RESNET.width}",
            help="Number of first-stage channels of resnet.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    max_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_EPOCHS,
            metavar="N",
            show_default=f"{DEFAULT_MAX_EPOCHS}; {RESNET.max_epochs} for resnet",
            help="Maximum number of epochs per trial.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    patience: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of epochs without a better val macro F1 after which a trial ends; not for "
            "resnet.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = DEFAULT_PATIENCE


def grid(
    *,
    data: DataOptions,
    grid_options: GridOptions,
    training: TrainingOptions,
    study: StudyOptions,
    run: RunOptions,
    resources: ResourceOptions,
) -> None:
    """Train the published configurations, or others, and compare them.

    Each configuration is trained once per seed. The study is saved in --storage,
    with a report that compares the configurations.

    Examples:
      bloodstudy grid --seeds 3
      bloodstudy grid --config cnn-config-1 --config resnet --data-file cells.npz
      bloodstudy grid --data synthetic --max-epochs 2 --dry-run
    """
    from study.configs.study_config import GridConfig

    configurations = arguments.resolve_configurations(
        grid_options.config, ablation=grid_options.ablation
    )
    arguments.require_resnet(grid_options.width, configurations)
    study_config = GridConfig(
        configurations=configurations,
        seeds=grid_options.seeds,
        max_epochs=grid_options.max_epochs,
        patience=grid_options.patience,
        width=grid_options.width,
        batch_size=training.batch_size,
        precision=training.precision,
        **study.make_settings("grid", resources, resume=run.resume),
    )
    launch(study_config, data.load, run)
