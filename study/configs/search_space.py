"""Define the search space, and relate the named configurations to it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from bloodnets.config import Family, TrialConfig
from bloodnets.errors import DataError
from study.configs.presets import PUBLISHED, RESNET
from study.configs.value_checks import require_at_least, require_choice

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FixedTrial

    from reports.ledger.search_record import ResNetSpace, SearchRecord

SearchFamily = Literal["cnn", "mlnn", "both", "resnet"]
FAMILIES: dict[SearchFamily, tuple[Family, ...]] = {
    "cnn": ("cnn",),
    "mlnn": ("mlnn",),
    "both": ("mlnn", "cnn"),
    "resnet": ("resnet",),
}
SearchOptimizer = Literal["sgd", "adam"]
OPTIMIZERS: tuple[SearchOptimizer, ...] = get_args(SearchOptimizer)
Sampler = Literal["tpe", "random", "gp", "cmaes"]

LEARNING_RATE_RANGE = (1e-5, 1e-1)
DROPOUT_RANGE = (0.0, 0.7)
MOMENTUM_RANGE = (0.5, 0.99)
"""Below 0.5, momentum is little more than a slightly higher learning rate."""

# For the family resnet only.
WEIGHT_DECAY_RANGE = (1e-3, 1.0)
LABEL_SMOOTHING_RANGE = (0.0, 0.2)
WIDTH_RANGE = (16, 56)
"""First-stage channels. A network has 940,192 parameters with 56 channels and more than a million
with 64."""
WIDTH_STEP = 8

MAX_SEED = 2**32 - 1
"""Maximum seed. PyTorch accepts 64 bits, but NumPy and Optuna only 32."""


def suggest_config(trial: "Trial | FixedTrial", search: "SearchRecord") -> TrialConfig:
    """Return a configuration that Optuna proposes.

    The loss is not searched, because the two losses are the same function.
    """
    if search.resnet is not None:
        return _suggest_resnet_config(trial, search, search.resnet)
    family = _suggest_one_of(trial, "family", search.families)
    optimizer = _suggest_one_of(trial, "optimizer", search.optimizers)
    momentum = trial.suggest_float("momentum", *search.momentum) if optimizer == "sgd" else None
    return TrialConfig(
        family=family,  # type: ignore[arg-type]
        loss="cross_entropy",
        optimizer=optimizer,  # type: ignore[arg-type]
        learning_rate=trial.suggest_float("learning_rate", *search.learning_rate, log=True),
        momentum=momentum,
        dropout=trial.suggest_float("dropout", *search.dropout),
        batch_size=search.batch_size,
        precision=search.precision,
        max_epochs=search.max_epochs,
        patience=search.max_epochs,  # only ASHA stops trials
        seed=search.seed,
    )


def _suggest_resnet_config(
    trial: "Trial | FixedTrial", search: "SearchRecord", space: "ResNetSpace"
) -> TrialConfig:
    return replace(
        TrialConfig.from_dict(space.baseline_config),
        learning_rate=trial.suggest_float("learning_rate", *search.learning_rate, log=True),
        dropout=trial.suggest_float("dropout", *search.dropout),
        weight_decay=trial.suggest_float("weight_decay", *space.weight_decay, log=True),
        label_smoothing=trial.suggest_float("label_smoothing", *space.label_smoothing),
        width=trial.suggest_int("width", *space.width, step=WIDTH_STEP),
    )


def make_optuna_params(config: TrialConfig, search: "SearchRecord") -> dict[str, float | str]:
    """Return Optuna's parameters for a configuration, the inverse of `suggest_config`."""
    names = ["learning_rate", "dropout"]
    names += ["momentum"] if config.momentum is not None else []
    names += ["family"] if len(search.families) > 1 else []
    names += ["optimizer"] if len(search.optimizers) > 1 else []
    names += ["weight_decay", "label_smoothing", "width"] if search.resnet is not None else []
    return {name: getattr(config, name) for name in names}


def make_baseline_configs(search: "SearchRecord") -> dict[str, TrialConfig]:
    """Return the named configurations of the search's families, as trials of the search.

    These are the published ones, or `resnet`. Configurations that differ only in the loss are the
    same function, so only the first is kept.
    """
    if search.resnet is not None:
        return {"resnet": TrialConfig.from_dict(search.resnet.baseline_config)}
    return {
        name: replace(
            config,
            batch_size=search.batch_size,
            precision=search.precision,
            max_epochs=search.max_epochs,
            patience=search.max_epochs,
            seed=search.seed,
        )
        for name, config in PUBLISHED.items()
        if config.family in search.families and config.loss == "cross_entropy"
    }


def contains(config: TrialConfig, search: "SearchRecord") -> bool:
    """Return whether a named configuration lies in the search space."""
    return config.optimizer in search.optimizers and all(
        low <= getattr(config, name) <= high
        for name, (low, high) in search.ranges.items()
        if getattr(config, name) is not None
    )


def count_retrained_trials(search: "SearchRecord") -> int:
    """Return the maximum number of trials with which a search is confirmed.

    Besides the best configurations, the best baseline is re-trained, or all if none of them is in
    the search space.
    """
    baselines = make_baseline_configs(search)
    is_any_tried = any(contains(config, search) for config in baselines.values())
    n_baselines = 1 if is_any_tried else len(baselines)
    return (search.retrain_top + n_baselines) * search.retrain_seeds if search.retrain_top else 0


def validate(search: "SearchRecord") -> None:
    """Check every value that a user may set.

    Raises:
        DataError: A value is out of its range.
    """
    _check_range("--learning-rate", search.learning_rate, "above 0, at most 10", 1e-12, 10.0)
    _check_range("--dropout", search.dropout, "at least 0, below 1", 0.0, 1 - 1e-9)
    _check_range("--momentum", search.momentum, "at least 0, below 1", 0.0, 1 - 1e-9)
    if search.resnet is not None:
        _check_resnet(search.resnet)
    require_at_least("--trials", search.n_trials, 1)
    require_at_least("--max-epochs", search.max_epochs, 1)
    require_at_least("--reduction-factor", search.reduction_factor, 2)
    require_at_least("--batch-size", search.batch_size, 1)
    require_at_least("--retrain-top", search.retrain_top, 0)
    require_at_least("--retrain-seeds", search.retrain_seeds, 1)
    if not 0 <= search.seed <= MAX_SEED:
        raise DataError.of_value("--seed", search.seed, f"0 to {MAX_SEED}")
    if search.target_macro_f1 is not None and not 0 < search.target_macro_f1 <= 1:
        raise DataError.of_value("--target-macro-f1", search.target_macro_f1, "above 0, at most 1")
    if search.time_budget_s is not None and not search.time_budget_s > 0:
        raise DataError.of_value("--time-budget", search.time_budget_s, "above 0 seconds")
    _check_choices(search)


def _check_choices(search: "SearchRecord") -> None:
    require_choice("--sampler", search.sampler, get_args(Sampler))
    if search.families not in FAMILIES.values():
        raise DataError.of_value("--family", ", ".join(search.families), " or ".join(FAMILIES))
    known_optimizers = OPTIMIZERS if search.resnet is None else (RESNET.optimizer,)
    for optimizer in search.optimizers:
        require_choice("--optimizer", optimizer, known_optimizers)


def _check_resnet(space: "ResNetSpace") -> None:
    _check_range("--weight-decay", space.weight_decay, "above 0, at most 10", 1e-12, 10.0)
    smoothing, expected = space.label_smoothing, "at least 0, below 1"
    _check_range("--label-smoothing", smoothing, expected, 0.0, 1 - 1e-9)
    _check_range("--width", space.width, f"{WIDTH_STEP} to 512", WIDTH_STEP, 512)
    if any(width % WIDTH_STEP for width in space.width):
        low, high = space.width
        raise DataError.of_value("--width", f"{low} {high}", f"multiples of {WIDTH_STEP}")


def _check_range(
    option: str, bounds: tuple[float, float], expected: str, minimum: float, maximum: float
) -> None:
    low, high = bounds
    # `not <=` also rejects NaN.
    if not minimum <= low <= high <= maximum:
        raise DataError.of_value(option, f"{low:g} {high:g}", f"lower bound first, both {expected}")


def _suggest_one_of(trial: "Trial | FixedTrial", name: str, values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else str(trial.suggest_categorical(name, values))
