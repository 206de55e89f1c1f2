"""`bloodstudy grid`."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.config import (
    DEFAULT_MAX_EPOCHS,
    DEFAULT_PATIENCE,
    MAX_FOLDS,
    MIN_FOLDS,
    ClassWeights,
)
from bloodnets.errors import DataError
from study.cli import arguments, options
from study.cli.completion import complete_configurations, complete_study_names
from study.cli.data_options import DataOptions
from study.cli.launch import launch
from study.cli.option_groups import (
    ResourceOptions,
    RunOptions,
    StudyOptions,
    TrainingOptions,
)
from study.configs.presets import PUBLISHED, RESNET
from study.configs.value_checks import MAX_EPOCHS, MAX_SEEDS, MAX_WIDTH
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from reports.ledger.records import GridRecord, StudyRecord
    from study.configs.study_config import GridConfig, StudySettings


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
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Setting to change in each configuration of --config, e.g. dropout=0.3; "
            "repeatable.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    configs: Annotated[
        Path | None,
        typer.Option(
            "--configs",
            parser=options.parse_path,
            metavar="PATH",
            help="TOML file with further configurations to train.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STUDY",
            callback=options.require_text,
            help="Name or folder of a grid to repeat with its configurations, seeds, limits and "
            "data; other options replace its values.",
            autocompletion=complete_study_names,
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
        int | None,
        typer.Option(
            min=1,
            max=MAX_SEEDS,
            metavar="N",
            show_default="1",
            help="Number of seeds (0, 1, …) per configuration.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    folds: Annotated[
        int | None,
        typer.Option(
            min=MIN_FOLDS,
            max=MAX_FOLDS,
            metavar="K",
            show_default="none",
            help="Number of folds of a cross-validation over train and val; test stays as it is.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
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
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default=f"{DEFAULT_PATIENCE}",
            help="Number of epochs without a better val macro F1 after which a trial ends; not for "
            "resnet.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    class_weights: Annotated[
        ClassWeights | None,
        typer.Option(
            show_default="none",
            help="Weights of the classes in the training loss; balanced gives rare classes more "
            "weight.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None
    orientations: Annotated[
        bool | None,
        typer.Option(
            "--orientations/--no-orientations",
            show_default="no",
            help="Predict val and test as the mean over the eight orientations of each image.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = None


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

    Each configuration is trained once per seed, or with --folds once per seed and
    fold. The study is saved in --storage, with a report that compares the
    configurations.

    Examples:
      bloodstudy grid --seeds 3
      bloodstudy grid --config cnn-config-1 --set dropout=0.3
      bloodstudy grid --data synthetic --max-epochs 2 --dry-run
    """
    source = (
        None
        if grid_options.source is None
        else arguments.open_grid_record(study.storage, grid_options.source)
    )
    settings = study.make_settings("grid", resources, resume=run.resume)
    study_config = _make_config(grid_options, training, settings, source)

    load = data.load if source is None else partial(_load_data_again, data, source)
    launch(study_config, partial(load, storage=study.storage, run=run), run)


def _make_config(
    grid_options: GridOptions,
    training: TrainingOptions,
    settings: "StudySettings",
    source: "StudyRecord | None",
) -> "GridConfig":
    """Return the settings of the grid: those of the source, replaced by the given options."""
    from study.configs.study_config import GridConfig
    from study.configs.variants import (
        UnrecordedSettings,
        recover_unrecorded_settings,
        recover_variants,
    )

    names, variants = arguments.resolve_configurations(
        grid_options.config,
        ablation=grid_options.ablation,
        assignments=grid_options.settings,
        file=grid_options.configs,
    )
    recorded = (source and source.grid) or _make_default_record()
    unrecorded = UnrecordedSettings()
    if source is not None:
        unrecorded = recover_unrecorded_settings(source.trials)
        known = recover_variants(recorded, source.trials, unrecorded)
        chosen = names or recorded.configurations
        variants = {name: known[name] for name in chosen if name in known} | variants
    names = names or recorded.configurations
    options_of_all = {
        "max_epochs": grid_options.max_epochs,
        "patience": grid_options.patience,
        "width": grid_options.width,
        "batch_size": training.batch_size,
        "precision": training.precision,
    }
    given_unrecorded = {name: getattr(grid_options, name) for name in UnrecordedSettings._fields}
    arguments.require_unset({**options_of_all, **given_unrecorded}, variants)
    unrecorded = unrecorded._replace(
        **{name: value for name, value in given_unrecorded.items() if value is not None}
    )
    arguments.require_resnet(grid_options.width, names, variants)
    given = {
        **options_of_all,
        "seeds": grid_options.seeds,
        "folds": grid_options.folds,
        "configurations": names,
    }
    record = asdict(recorded) | {key: value for key, value in given.items() if value is not None}
    return GridConfig(
        **record,
        **unrecorded._asdict(),
        variants=variants,
        **settings,
    )


def _make_default_record() -> "GridRecord":
    """Return the settings of a grid without options."""
    from reports.ledger.records import GridRecord

    return GridRecord(
        configurations=tuple(PUBLISHED),
        seeds=1,
        folds=None,
        max_epochs=None,
        patience=DEFAULT_PATIENCE,
        width=None,
        batch_size=None,
        precision="float32",
    )


def _load_data_again(
    data: DataOptions,
    source: "StudyRecord",
    reading: AbstractContextManager[None],
    *,
    storage: str,
    run: RunOptions,
) -> "BloodCells":
    """Load the data of the study to repeat, or those that the options name.

    Duplicates are dropped if the study dropped them, or if the options say so.
    """
    from study.datasets.duplicates import drop_duplicates
    from study.datasets.lookup import load_study_data

    if data.data_root is not None and data.data is None:
        raise DataError(
            "--data-root cannot be combined with --from",
            value=data.data_root,
            remedy="pass --data with it, or --data-file",
        )
    if data.names_data:
        drops = data.drop_duplicates or source.data.dropped is not None
        return replace(data, drop_duplicates=drops).load(reading, storage=storage, run=run)
    with raise_interrupts():  # a download
        cells = load_study_data(source, None, download=True, reading=reading)
    return drop_duplicates(cells) if data.drop_duplicates and cells.dropped is None else cells
