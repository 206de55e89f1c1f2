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

# What the published study leaves open is fixed here, once, for every configuration. The
# reasons were measured on real cells, one seed, on val alone.
DEFAULT_BATCH_SIZE = 64
"""Images a step. Small enough that SGD at the published rate .01 converges in a few dozen
epochs, large enough that one CPU core spends its time in matrix products."""

DEFAULT_MAX_EPOCHS = 100
"""An upper bound that early stopping is meant to reach first."""

DEFAULT_PATIENCE = 10
"""Epochs without a better val macro F1 before training ends. From one epoch to the next the curve
moves by half a point (CNN) to one and a half (MLNN), so a shorter patience ends trials by luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial on given data.

    Attributes:
        family: `mlnn` (multi-layer network), `cnn` (convolutional network) or `resnet` (residual
            network).
        loss: `cross_entropy` on logits, or `nll` on log-softmax: the same function, computed
            in another place.
        optimizer: `sgd` (with `momentum`), `adam`, or `adamw` (with `weight_decay`), both with
            PyTorch's default betas.
        learning_rate: positive; of a schedule, the highest.
        momentum: of SGD, in [0, 1); None for the others.
        dropout: probability in [0, 1) that a hidden unit is dropped.
        batch_size: images a step, at least 1.
        max_epochs: at least 1.
        patience: epochs without a better val macro F1 before training ends, at least 1.
        seed: non-negative; decides initial weights, order of images and dropout.
        precision: of products in training. `bfloat16` by PyTorch's autocast: faster where the
            hardware has it; weights, their updates and every evaluation stay float32. In float32,
            PyTorch lets convolutions on a GPU round their factors to TF32, 10 bits of fraction.
        schedule: of the learning rate: `constant`, or `one_cycle` over all of `max_epochs` (see
            `optimizers.compute_one_cycle_factor`), which no patience cuts short.
        width: channels of the first stage of a `resnet`, at least 1; None for the others.
        weight_decay: of AdamW, at least 0: of every weight, each step takes off this share of it,
            times the learning rate.
        label_smoothing: in [0, 1): how much of a label is spread evenly over all eight classes;
            with `cross_entropy` alone.
        dihedral_augmentation: whether training sees each image in the eight orientations of a
            square.
        max_shift: pixels, 0 to 27, by which training moves an image at most, along each axis.

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

    def __post_init__(self) -> None:
        for name, literal in (
            ("family", Family),
            ("loss", Loss),
            ("optimizer", Optimizer),
            ("precision", Precision),
            ("schedule", Schedule),
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
        if not isinstance(self.dihedral_augmentation, bool):
            raise DataError.of_value(
                "dihedral_augmentation", self.dihedral_augmentation, "true or false"
            )
        self._check_combinations()

    def _check_combinations(self) -> None:
        """Settings that only go with others."""
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
        if self.schedule == "one_cycle" and self.patience < self.max_epochs:
            raise DataError.of_value(
                "patience", self.patience, f"at least {self.max_epochs} (max_epochs) for one_cycle"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            DataError: A key is missing or unknown, or a value is out of range.
        """
        expected_keys = {field.name for field in fields(cls)}
        if wrong_keys := expected_keys.symmetric_difference(values):
            raise DataError(
                f"configuration has missing or unknown keys: {sorted(wrong_keys)}",
                value=sorted(values),
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, one key per attribute."""
        return asdict(self)

    def compute_digest(self) -> str:
        """Eight hexadecimal digits that tell this configuration with its seed from others."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _require_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError.of_value(name, value, " or ".join(allowed))


def _require_int(name: str, value: object, minimum: int, maximum: int | None = None) -> None:
    # True is an int, and no number.
    if type(value) is not int or value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
        raise DataError.of_value(name, value, f"a whole number, {bounds}")
