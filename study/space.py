"""The search space, on one screen, and what of the published study lies in it."""

from typing import TYPE_CHECKING, Any

from bloodnets.config import TrialConfig
from bloodnets.errors import DataError
from study.grid import PUBLISHED

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FixedTrial

    from reports.records import SearchRecord

FAMILIES = {"cnn": ("cnn",), "mlnn": ("mlnn",), "both": ("mlnn", "cnn")}
OPTIMIZERS = ("sgd", "adam")
SAMPLERS = ("tpe", "random", "gp", "cmaes")

LEARNING_RATE = (1e-5, 1e-1)
DROPOUT = (0.0, 0.7)
MOMENTUM = (0.5, 0.99)
"""Below .5, momentum is little more than a slightly higher learning rate."""


def draw(trial: "Trial | FixedTrial", search: "SearchRecord") -> TrialConfig:
    """A configuration, as Optuna proposes it. The loss is no choice: the two are one function."""
    family = _one_of(trial, "family", search.families)
    optimizer = _one_of(trial, "optimizer", search.optimizers)
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


def parameters(config: dict[str, Any], search: "SearchRecord") -> dict[str, Any]:
    """The inverse of `draw`: what Optuna knows of a configuration."""
    names = ["learning_rate", "dropout"]
    names += ["momentum"] if config["momentum"] is not None else []
    names += ["family"] if len(search.families) > 1 else []
    names += ["optimizer"] if len(search.optimizers) > 1 else []
    return {name: config[name] for name in names}


def published(search: "SearchRecord") -> dict[str, TrialConfig]:
    """The published configurations of the families searched, by name, as trials of the search.

    Of two that differ in the loss alone, and so not at all, the first.
    """
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


def inside(config: TrialConfig, search: "SearchRecord") -> bool:
    """Whether the search could propose a configuration."""
    return (
        config.optimizer in search.optimizers
        and _within(config.learning_rate, search.learning_rate)
        and _within(config.dropout, search.dropout)
        and (config.momentum is None or _within(config.momentum, search.momentum))
    )


def check(search: "SearchRecord") -> None:
    """Check every value that a user may set.

    Raises:
        DataError: one is out of its range; the message gives option, value and bound.
    """
    _check_range("--learning-rate", search.learning_rate, "above 0, at most 10", 1e-12, 10.0)
    _check_range("--dropout", search.dropout, "at least 0, below 1", 0.0, 1 - 1e-9)
    _check_range("--momentum", search.momentum, "at least 0, below 1", 0.0, 1 - 1e-9)
    for option, value, least in (
        ("--trials", search.trials, 1),
        ("--max-epochs", search.max_epochs, 1),
        ("--grace", search.grace, 1),
        ("--reduction", search.reduction, 2),
        ("--batch-size", search.batch_size, 1),
        ("--confirm", search.confirm, 0),
        ("--confirm-seeds", search.confirm_seeds, 1),
    ):
        if not value >= least:
            raise DataError(f"{option} is {value}; wanted: at least {least}")
    if not 0 <= search.seed < 2**32:  # PyTorch takes no more than 64 bits, others 32
        raise DataError(f"--seed is {search.seed}; wanted: 0 to {2**32 - 1}")
    if search.grace > search.max_epochs:
        raise DataError(
            f"--grace is {search.grace}; wanted: at most --max-epochs, which is {search.max_epochs}"
        )
    if search.target_f1 is not None and not 0 < search.target_f1 <= 1:
        raise DataError(f"--target-f1 is {search.target_f1}; wanted: above 0, at most 1")


def _check_range(
    option: str, bounds: tuple[float, float], wanted: str, least: float, most: float
) -> None:
    low, high = bounds
    # `not` a comparison that holds also rejects NaN.
    if not least <= low <= high <= most:
        raise DataError(f"{option} is {low:g} {high:g}; wanted: the lower first, each {wanted}")


def _one_of(trial: "Trial | FixedTrial", name: str, values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else str(trial.suggest_categorical(name, values))


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
