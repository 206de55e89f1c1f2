"""`TrialConfig`: one configuration of the study together with its seed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from bloodnets.errors import DataError

Family = Literal["mlnn", "cnn", "resnet"]
Loss = Literal["cross_entropy", "nll"]
Optimizer = Literal["sgd", "adam", "adamw"]
Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "one_cycle"]
ClassWeights = Literal["none", "balanced"]

# Defaults for what the published study leaves open; they apply to every configuration. The
# measurements behind them used real cells, one seed and val only.
DEFAULT_BATCH_SIZE = 64
"""Images per step. This is small enough for SGD to converge in a few dozen epochs at the published
learning rate of 0.01. It is large enough that a CPU core spends its time in matrix products."""

DEFAULT_MAX_EPOCHS = 100
"""Maximum number of epochs per trial; early stopping normally ends training first."""

DEFAULT_PATIENCE = 10
"""Epochs without a better val macro F1 before training ends. The score varies between epochs by
0.5 (CNN) to 1.5 (MLNN) percentage points, so a shorter patience would stop trials at random."""

MIN_FOLDS, MAX_FOLDS = 2, 100

OMITTED_VALUES: Mapping[str, object] = {
    "class_weights": "none",
    "orientations": False,
    "folds": None,
    "fold": None,
}
"""Values of the settings that files lack if they have these values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial on given data.

    Attributes:
        family: `mlnn` (multilayer network), `cnn` (convolutional network) or `resnet` (residual
            network).
        loss: `cross_entropy` on logits, or `nll` on log-softmax. Both compute the same function.
        optimizer: `sgd` (with `momentum`), `adam`, or `adamw` (with `weight_decay`). Adam and
            AdamW use PyTorch's default betas.
        learning_rate: Learning rate, finite and above 0; the maximum if a schedule varies it.
        momentum: Momentum of SGD, in [0, 1); None for other optimizers.
        dropout: Probability that a hidden unit is dropped, in [0, 1).
        batch_size: Images per step, at least 1.
        max_epochs: Maximum number of epochs, at least 1.
        patience: Epochs without a better val macro F1 before training ends, at least 1.
        seed: Seed of initial weights, image order, augmentation and dropout; at least 0.
        precision: Precision of matrix products in training. `bfloat16` uses PyTorch's autocast
            and is faster on hardware that supports it. Weights, weight updates and evaluation
            stay float32. With `float32` on a GPU, PyTorch may round the factors of convolutions
            to TF32, which has a 10-bit fraction.
        schedule: Schedule of the learning rate: `constant`, or `one_cycle` over `max_epochs` (see
            `optimizers.compute_one_cycle_factor`). `one_cycle` needs `patience >= max_epochs`.
        width: First-stage channels of a `resnet`, at least 1; None for other families.
        weight_decay: Decoupled weight decay of AdamW, at least 0; must be 0 for other optimizers.
            Each step subtracts this share of every weight, multiplied by the learning rate.
        label_smoothing: Share of each label that is spread evenly over the classes, in [0, 1);
            must be 0 for `nll`.
        dihedral_augmentation: Whether training images are randomly rotated and mirrored (the
            eight orientations of a square).
        max_shift: Maximum shift of a training image along each axis, 0 to 27 pixels.
        class_weights: Weights of the classes in the training loss: `balanced` (see
            `class_weights.compute_balanced_weights`) or `none`, for which files lack the key. The
            val loss and the scores are unweighted.
        orientations: Whether the prediction for an image, in val and test, is the mean of those for
            its eight orientations. Files lack the key if it is not.
        folds: Number of folds of a cross-validation, 2 to 100; None without one.
        fold: Fold that is val, 0 to `folds - 1`; None without a cross-validation. The other folds
            are train (see `folds.select_fold`). Files lack both keys without a cross-validation.

    Raises:
        DataError: A value is out of its range.
    """

    family: Family
    loss: Loss
    optimizer: Optimizer
    learning_rate: float
    momentum: float | None
    dropout: float
    batch_size: int = DEFAULT_BATCH_SIZE
    max_epochs: int = DEFAULT_MAX_EPOCHS
    patience: int = DEFAULT_PATIENCE
    seed: int = 0
    precision: Precision = "float32"
    schedule: Schedule = "constant"
    width: int | None = None
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    dihedral_augmentation: bool = False
    max_shift: int = 0
    class_weights: ClassWeights = "none"
    orientations: bool = False
    folds: int | None = None
    fold: int | None = None

    def __post_init__(self) -> None:
        for name, literal in (
            ("family", Family),
            ("loss", Loss),
            ("optimizer", Optimizer),
            ("precision", Precision),
            ("schedule", Schedule),
            ("class_weights", ClassWeights),
        ):
            _require_one_of(name, getattr(self, name), get_args(literal))
        # `not value > 0` also rejects NaN.
        if not 0 < self.learning_rate < float("inf"):
            raise DataError.of_value("learning_rate", self.learning_rate, "finite and above 0")
        for name in ("dropout", "label_smoothing"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise DataError.of_value(name, value, "at least 0 and below 1")
        if not 0 <= self.weight_decay < float("inf"):
            raise DataError.of_value("weight_decay", self.weight_decay, "finite, at least 0")
        for name, minimum in (("batch_size", 1), ("max_epochs", 1), ("patience", 1), ("seed", 0)):
            _require_int(name, getattr(self, name), minimum)
        _require_int("max_shift", self.max_shift, 0, 27)
        for name in ("dihedral_augmentation", "orientations"):
            if not isinstance(value := getattr(self, name), bool):
                raise DataError.of_value(name, value, "true or false")
        self._check_combinations()

    def _check_combinations(self) -> None:
        """Check settings whose valid values depend on other settings."""
        if self.optimizer == "sgd" and (self.momentum is None or not 0 <= self.momentum < 1):
            raise DataError.of_value("momentum", self.momentum, "at least 0 and below 1 for sgd")
        if self.optimizer != "sgd" and self.momentum is not None:
            raise DataError.of_value("momentum", self.momentum, f"none for {self.optimizer}")
        if self.optimizer != "adamw" and self.weight_decay:
            raise DataError.of_value("weight_decay", self.weight_decay, f"0 for {self.optimizer}")
        if self.loss != "cross_entropy" and self.label_smoothing:
            raise DataError.of_value("label_smoothing", self.label_smoothing, f"0 for {self.loss}")
        if self.family == "resnet":
            _require_int("width", self.width, 1)
        elif self.width is not None:
            raise DataError.of_value("width", self.width, f"none for {self.family}")
        if self.folds is not None:
            _require_int("folds", self.folds, MIN_FOLDS, MAX_FOLDS)
            _require_int("fold", self.fold, 0, self.folds - 1)
        elif self.fold is not None:
            raise DataError.of_value("fold", self.fold, "none without folds")
        if self.schedule == "one_cycle" and self.patience < self.max_epochs:
            raise DataError.of_value(
                "patience", self.patience, f"at least {self.max_epochs} (max_epochs) for one_cycle"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a configuration from the output of `to_dict`.

        Raises:
            DataError: A key is missing or unknown, or a value is out of range.
        """
        expected_keys = {field.name for field in fields(cls)}
        if wrong_keys := expected_keys.symmetric_difference({*OMITTED_VALUES, *values}):
            raise DataError(
                f"configuration has missing or unknown keys: {sorted(wrong_keys)}",
                value=sorted(values),
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, one key per attribute.

        Settings with their value in `OMITTED_VALUES` are omitted. Configurations without them
        therefore keep the digest that they had before these settings existed.
        """
        return {
            key: value
            for key, value in asdict(self).items()
            if key not in OMITTED_VALUES or value != OMITTED_VALUES[key]
        }

    def compute_digest(self) -> str:
        """Return eight hexadecimal digits that identify the configuration and its seed."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _require_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError.of_value(name, value, " or ".join(allowed))


def _require_int(name: str, value: object, minimum: int, maximum: int | None = None) -> None:
    # `isinstance` would accept bool, a subclass of int.
    if type(value) is not int or value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
        raise DataError.of_value(name, value, f"a whole number, {bounds}")
