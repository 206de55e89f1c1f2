"""The search space, on one screen, and what of the published study lies in it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bloodnets.config import TrialConfig
from bloodnets.errors import DataError
from study.configs.presets import PUBLISHED

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FixedTrial

    from reports.ledger.search_record import ResNetSpace, SearchRecord

FAMILIES = {"cnn": ("cnn",), "mlnn": ("mlnn",), "both": ("mlnn", "cnn"), "resnet": ("resnet",)}
OPTIMIZERS = ("sgd", "adam")
SAMPLERS = ("tpe", "random", "gp", "cmaes")

LEARNING_RATE_RANGE = (1e-5, 1e-1)
DROPOUT_RANGE = (0.0, 0.7)
MOMENTUM_RANGE = (0.5, 0.99)
"""Below .5, momentum is little more than a slightly higher learning rate."""

# Of the family resnet alone.
WEIGHT_DECAY_RANGE = (1e-3, 1.0)
LABEL_SMOOTHING_RANGE = (0.0, 0.2)
WIDTH_RANGE = (16, 56)
"""Of 56 a network has 940,192 parameters, of 64 more than a million."""
WIDTH_STEP = 8


def suggest_config(trial: "Trial | FixedTrial", search: "SearchRecord") -> TrialConfig:
    """A configuration, as Optuna proposes it. The loss is no choice: the two are one function."""
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
        patience=search.max_epochs,  # ASHA stops trials, and nothing else
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


def make_optuna_params(config: TrialConfig, search: "SearchRecord") -> dict[str, Any]:
    """The inverse of `suggest_config`: what Optuna knows of a configuration."""
    names = ["learning_rate", "dropout"]
    names += ["momentum"] if config.momentum is not None else []
    names += ["family"] if len(search.families) > 1 else []
    names += ["optimizer"] if len(search.optimizers) > 1 else []
    names += ["weight_decay", "label_smoothing", "width"] if search.resnet is not None else []
    return {name: getattr(config, name) for name in names}


def make_baseline_configs(search: "SearchRecord") -> dict[str, TrialConfig]:
    """The configurations of the families searched that have names, as trials of the search.

    Those are the published ones, of two that differ in the loss alone, and so not at all, the
    first; or `resnet`.
    """
    if search.resnet is not None:
        return {"resnet": TrialConfig.from_dict(search.resnet.baseline_config)}
    return {
        name: TrialConfig(
            **values,
            batch_size=search.batch_size,
            precision=search.precision,
            max_epochs=search.max_epochs,
            patience=search.max_epochs,
            seed=search.seed,
        )
        for name, values in PUBLISHED.items()
        if values["family"] in search.families and values["loss"] == "cross_entropy"
    }


def contains(config: TrialConfig, search: "SearchRecord") -> bool:
    """Whether the search could propose a configuration with a name."""
    return config.optimizer in search.optimizers and all(
        low <= getattr(config, name) <= high
        for name, (low, high) in search.ranges.items()
        if getattr(config, name) is not None
    )


def validate(search: "SearchRecord") -> None:
    """Check every value that a user may set.

    Raises:
        DataError: one is out of its range; the message gives option, value and bound.
    """
    _check_range("--learning-rate", search.learning_rate, "above 0, at most 10", 1e-12, 10.0)
    _check_range("--dropout", search.dropout, "at least 0, below 1", 0.0, 1 - 1e-9)
    _check_range("--momentum", search.momentum, "at least 0, below 1", 0.0, 1 - 1e-9)
    if search.resnet is not None:
        _check_resnet(search.resnet)
    for option, value, minimum in (
        ("--trials", search.n_trials, 1),
        ("--max-epochs", search.max_epochs, 1),
        ("--reduction-factor", search.reduction_factor, 2),
        ("--batch-size", search.batch_size, 1),
        ("--retrain-top", search.retrain_top, 0),
        ("--retrain-seeds", search.retrain_seeds, 1),
    ):
        if not value >= minimum:
            raise DataError(f"{option} is {value}; wanted: at least {minimum}")
    if not 0 <= search.seed < 2**32:  # PyTorch takes no more than 64 bits, others 32
        raise DataError(f"--seed is {search.seed}; wanted: 0 to {2**32 - 1}")
    if search.target_macro_f1 is not None and not 0 < search.target_macro_f1 <= 1:
        raise DataError(
            f"--target-macro-f1 is {search.target_macro_f1}; wanted: above 0, at most 1"
        )


def _check_resnet(space: "ResNetSpace") -> None:
    _check_range("--weight-decay", space.weight_decay, "above 0, at most 10", 1e-12, 10.0)
    smoothing, expected = space.label_smoothing, "at least 0, below 1"
    _check_range("--label-smoothing", smoothing, expected, 0.0, 1 - 1e-9)
    _check_range("--width", space.width, f"{WIDTH_STEP} to 512", WIDTH_STEP, 512)
    if any(width % WIDTH_STEP for width in space.width):
        low, high = space.width
        raise DataError(f"--width is {low} {high}; wanted: multiples of {WIDTH_STEP}")


def _check_range(
    option: str, bounds: tuple[float, float], expected: str, minimum: float, maximum: float
) -> None:
    low, high = bounds
    # `not` a comparison that holds also rejects NaN.
    if not minimum <= low <= high <= maximum:
        raise DataError(f"{option} is {low:g} {high:g}; wanted: the lower first, each {expected}")


def _suggest_one_of(trial: "Trial | FixedTrial", name: str, values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else str(trial.suggest_categorical(name, values))
