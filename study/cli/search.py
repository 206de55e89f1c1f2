"""`bloodstudy search`."""

from functools import partial
from typing import TYPE_CHECKING

from bloodnets.config import DEFAULT_BATCH_SIZE
from bloodnets.errors import DataError
from study.cli import arguments
from study.cli.data_options import DataOptions
from study.cli.launch import launch
from study.cli.option_groups import (
    ResourceOptions,
    RunOptions,
    StudyOptions,
    TrainingOptions,
)
from study.cli.search_options import PruningOptions, RetrainingOptions, SearchOptions, SpaceOptions
from study.configs.presets import RESNET
from study.configs.search_space import FAMILIES

if TYPE_CHECKING:
    from reports.ledger.search_record import ResNetSpace, SearchRecord


def search(
    *,
    data: DataOptions,
    search_options: SearchOptions,
    space: SpaceOptions,
    pruning: PruningOptions,
    retraining: RetrainingOptions,
    training: TrainingOptions,
    study: StudyOptions,
    run: RunOptions,
    resources: ResourceOptions,
) -> None:
    """Search for better hyper-parameters and re-train the best.

    Optuna proposes the trials, and ASHA stops poor ones early. The best
    configurations are re-trained with new seeds and evaluated on test.

    Examples:
      bloodstudy search --trials 50
      bloodstudy search --family both --learning-rate 0.0001 0.01 --time-budget 2h
      bloodstudy search --family resnet --data synthetic --max-epochs 3 --dry-run
    """
    from study.configs.study_config import SearchConfig

    _refuse_unused_ranges(space)
    study_config = SearchConfig(
        search=_make_search_record(search_options, space, pruning, retraining, training),
        **study.make_settings("search", resources, resume=run.resume),
    )
    launch(study_config, partial(data.load, storage=study.storage, run=run), run)


def _refuse_unused_ranges(space: SpaceOptions) -> None:
    """Check that every given range of the search space has an effect.

    Raises:
        DataError: A range differs from its default, but the search has no such parameter.
    """
    defaults = SpaceOptions()
    optimizers = arguments.resolve_optimizers(space.optimizer, space.family)
    unused = [] if "sgd" in optimizers else [("--momentum", "the optimizer SGD")]
    if space.family != "resnet":
        resnet_options = ("--weight-decay", "--label-smoothing", "--width")
        unused += [(option, "--family resnet") for option in resnet_options]
    for option, requirement in unused:
        field = option.removeprefix("--").replace("-", "_")
        low, high = getattr(space, field)
        if (low, high) != getattr(defaults, field):
            raise DataError(
                f"{option} {low:g} {high:g} has no effect in this search",
                value=(low, high),
                remedy=f"omit {option}, which requires {requirement}",
            )


def _make_search_record(
    search_options: SearchOptions,
    space: SpaceOptions,
    pruning: PruningOptions,
    retraining: RetrainingOptions,
    training: TrainingOptions,
) -> "SearchRecord":
    from reports.ledger.search_record import SearchRecord
    from study.tuning.asha import make_tripling_rungs

    batch_size = training.batch_size or (
        RESNET.batch_size if space.family == "resnet" else DEFAULT_BATCH_SIZE
    )
    return SearchRecord(
        n_trials=search_options.trials,
        families=FAMILIES[space.family],
        optimizers=arguments.resolve_optimizers(space.optimizer, space.family),
        learning_rate=space.learning_rate,
        dropout=space.dropout,
        momentum=space.momentum,
        sampler=search_options.sampler,
        seed=search_options.seed,
        max_epochs=pruning.max_epochs,
        rungs=make_tripling_rungs(pruning.grace_period, pruning.max_epochs),
        reduction_factor=pruning.reduction_factor,
        batch_size=batch_size,
        precision=training.precision or "float32",
        retrain_top=retraining.retrain_top,
        retrain_seeds=retraining.retrain_seeds,
        time_budget_s=search_options.time_budget,
        target_macro_f1=search_options.target_macro_f1,
        resnet=_make_resnet_space(search_options, space, pruning, training, batch_size)
        if space.family == "resnet"
        else None,
    )


def _make_resnet_space(
    search_options: SearchOptions,
    space: SpaceOptions,
    pruning: PruningOptions,
    training: TrainingOptions,
    batch_size: int,
) -> "ResNetSpace":
    from reports.ledger.search_record import ResNetSpace
    from study.configs.study_config import make_config_record, make_resnet_baseline

    baseline_config = make_resnet_baseline(
        max_epochs=pruning.max_epochs,
        batch_size=batch_size,
        precision=training.precision or "float32",
        seed=search_options.seed,
    )
    return ResNetSpace(
        weight_decay=space.weight_decay,
        label_smoothing=space.label_smoothing,
        width=space.width,
        baseline_config=make_config_record(baseline_config),
    )
