"""The options of `bloodstudy search` that no other command has."""

from dataclasses import dataclass
from typing import Annotated

import typer

from study.cli import options
from study.cli.arguments import parse_duration_s
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
from study.configs.value_checks import MAX_EPOCHS, MAX_SEEDS, MAX_TRIALS

_SEARCH_PANEL = "Search"
_SPACE_PANEL = "Search space"
_PRUNING_PANEL = "Pruning (ASHA)"
_RETRAINING_PANEL = "Retraining"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How a search proposes trials, and when it ends."""

    trials: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_TRIALS,
            metavar="N",
            help="Number of trials to propose, beginning with the published configurations.",
            rich_help_panel=_SEARCH_PANEL,
        ),
    ] = 50
    sampler: Annotated[
        Sampler, typer.Option(help="Optuna sampler.", rich_help_panel=_SEARCH_PANEL)
    ] = "tpe"
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_SEED,
            metavar="N",
            help="Seed of the sampler and of every trial.",
            rich_help_panel=_SEARCH_PANEL,
        ),
    ] = 0
    time_budget: Annotated[
        float | None,
        typer.Option(
            parser=parse_duration_s,
            metavar="TIME",
            show_default="none",
            help="End the search after this time, e.g. 90s, 30m or 1h30m; retraining follows.",
            rich_help_panel=_SEARCH_PANEL,
        ),
    ] = None
    target_macro_f1: Annotated[
        float | None,
        typer.Option(
            metavar="F1",
            show_default="none",
            help="End the search at this val macro F1, above 0 and at most 1, e.g. 0.93.",
            rich_help_panel=_SEARCH_PANEL,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceOptions:
    """The search space."""

    family: Annotated[
        SearchFamily,
        typer.Option(
            help="Network family to search; both is mlnn and cnn.", rich_help_panel=_SPACE_PANEL
        ),
    ] = "cnn"
    optimizer: Annotated[
        SearchOptimizer | None,
        typer.Option(
            show_default="both",
            help="Search only this optimizer; resnet is trained with AdamW.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = None
    learning_rate: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Learning rates, above 0 and at most 10, sampled log-uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = LEARNING_RATE_RANGE
    dropout: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Dropout probabilities, at least 0 and below 1, sampled uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = DROPOUT_RANGE
    momentum: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Momenta of SGD, at least 0 and below 1, sampled uniformly.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = MOMENTUM_RANGE
    weight_decay: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Weight decays, above 0 and at most 10, sampled log-uniformly; resnet only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = WEIGHT_DECAY_RANGE
    label_smoothing: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="LOW HIGH",
            help="Label smoothing, at least 0 and below 1, sampled uniformly; resnet only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = LABEL_SMOOTHING_RANGE
    width: Annotated[
        tuple[int, int],
        typer.Option(
            metavar="LOW HIGH",
            help=f"First-stage channels, multiples of {WIDTH_STEP} up to 512; resnet only.",
            rich_help_panel=_SPACE_PANEL,
        ),
    ] = WIDTH_RANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningOptions:
    """When ASHA stops trials."""

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
            help="Epochs before ASHA may stop a trial; at most --max-epochs.",
            rich_help_panel=_PRUNING_PANEL,
        ),
    ] = 1
    reduction_factor: Annotated[
        int,
        typer.Option(
            min=2,
            metavar="N",
            help="At each rung, ASHA promotes one trial in N.",
            rich_help_panel=_PRUNING_PANEL,
        ),
    ] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingOptions:
    """What is retrained after a search."""

    retrain_top: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_TRIALS,
            metavar="N",
            help="Number of best configurations to retrain and evaluate on test; 0 for none.",
            rich_help_panel=_RETRAINING_PANEL,
        ),
    ] = 3
    retrain_seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_SEEDS,
            metavar="N",
            help="Number of new seeds with which each of them is retrained.",
            rich_help_panel=_RETRAINING_PANEL,
        ),
    ] = 3
