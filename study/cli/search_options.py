"""Options that only `bloodstudy search` has."""

from dataclasses import dataclass
from typing import Annotated

import typer

from study.cli import options
from study.configs.search_space import (
    DROPOUT_RANGE,
    LABEL_SMOOTHING_RANGE,
    LEARNING_RATE_RANGE,
    MAX_SEED,
    MOMENTUM_RANGE,
    WEIGHT_DECAY_RANGE,
    WIDTH_RANGE,
    WIDTH_STEP,
    Sampler,
    SearchFamily,
    SearchOptimizer,
)
from study.configs.value_checks import MAX_EPOCHS, MAX_SEEDS, MAX_TRIALS, MAX_WIDTH

_SPACE_PANEL = "Search space"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """Options for proposing trials and for ending a search."""

    trials: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_TRIALS,
            metavar="N",
            help="Number of trials, starting with the published configurations.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 50
    sampler: Annotated[
        Sampler,
        typer.Option(
            help="Optuna sampler that proposes the trials.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = "tpe"
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_SEED,
            metavar="N",
            help="Seed of the sampler and of every trial.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 0
    time_budget: Annotated[
        float | None,
        typer.Option(
            parser=options.parse_duration_s,
            metavar="TIME",
            show_default="no limit",
            help="Maximum duration of the search before re-training, e.g. 90s, 30m or 1h30m.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = None
    target_macro_f1: Annotated[
        float | None,
        typer.Option(
            metavar="F1",
            show_default="no target",
            help="Val macro F1 at which the search ends, above 0 and at most 1, e.g. 0.93.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceOptions:
    """Options that define the search space."""

    family: Annotated[
        SearchFamily,
        typer.Option(
            help="Network family to search; both means mlnn and cnn.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = "cnn"
    optimizer: Annotated[
        SearchOptimizer | None,
        typer.Option(
            show_default="sgd and adam",
            help="Only optimizer to search; not for resnet, which uses AdamW.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = None
    learning_rate: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Range of learning rates, above 0 and at most 10, sampled log-uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = LEARNING_RATE_RANGE
    dropout: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Range of dropout probabilities, at least 0 and below 1, sampled uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = DROPOUT_RANGE
    momentum: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Range of SGD momentum, at least 0 and below 1, sampled uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = MOMENTUM_RANGE
    weight_decay: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Range of weight decay, above 0 and at most 10, sampled log-uniformly; resnet "
            "only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = WEIGHT_DECAY_RANGE
    label_smoothing: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Range of label smoothing, at least 0 and below 1, sampled uniformly; resnet "
            "only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = LABEL_SMOOTHING_RANGE
    width: Annotated[
        tuple[int, int],
        typer.Option(
            metavar="LOW HIGH",
            help=f"Range of first-stage channels (multiples of {WIDTH_STEP}, up to {MAX_WIDTH}); "
            "resnet only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = WIDTH_RANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningOptions:
    """Options that limit the epochs of a trial."""

    max_epochs: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_EPOCHS,
            metavar="N",
            help="Maximum number of epochs per trial.",
            rich_help_panel=options.TRAINING_PANEL,
        ),
    ] = 20
    grace_period: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of epochs before ASHA may stop a trial; at most --max-epochs.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 1
    reduction_factor: Annotated[
        int,
        typer.Option(
            min=2,
            metavar="N",
            help="Reduction factor of ASHA, which promotes one trial in N at each rung.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingOptions:
    """Options for re-training after a search."""

    retrain_top: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_TRIALS,
            metavar="N",
            help="Number of best configurations to re-train and evaluate on test; 0 for none.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 3
    retrain_seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_SEEDS,
            metavar="N",
            help="Number of new seeds per re-trained configuration.",
            rich_help_panel=options.SEARCH_PANEL,
        ),
    ] = 3
