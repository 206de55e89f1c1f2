"""`TrialConfig`: one configuration of the study together with its seed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Family = Literal["mlnn", "cnn"]
Loss = Literal["cross_entropy", "nll"]
Optimizer = Literal["sgd", "adam"]
Precision = Literal["float32", "bfloat16"]

# What the published study leaves open is fixed here, once, for every configuration. The
# reasons were measured on real cells, one seed, on val alone.
BATCH_SIZE = 64
"""Images a step. Small enough that SGD at the published rate .01 converges in a few dozen
epochs, large enough that one CPU core spends its time in matrix products."""

MAX_EPOCHS = 100
"""An upper bound that early stopping is meant to reach first."""

PATIENCE = 10
"""Epochs without a better val macro F1 before training ends. From one epoch to the next the curve
moves by half a point (CNN) to one and a half (MLNN), so a shorter patience ends trials by luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial on given data.

    Attributes:
        family: `mlnn` (multi-layer network) or `cnn` (convolutional network).
        loss: `cross_entropy` on logits, or `nll` on log-softmax: the same function, computed
            in another place.
        optimizer: `sgd` (with `momentum`) or `adam` (PyTorch's default betas, no weight decay).
        learning_rate: positive, constant over the training.
        momentum: of SGD, in [0, 1); None for Adam.
        dropout: probability in [0, 1) that a hidden unit is dropped.
        batch_size: images a step, at least 1.
        max_epochs: at least 1.
        patience: epochs without a better val macro F1 before training ends, at least 1.
        seed: non-negative; decides initial weights, order of images and dropout.
        precision: of products in training. `bfloat16` by PyTorch's autocast: faster where the
            hardware has it; weights, their updates and every evaluation stay float32.

    Raises:
        ValueError: a value is out of its range; the message gives name, value and bound.
    """

    family: Family
    loss: Loss
    optimizer: Optimizer
    learning_rate: float
    momentum: float | None
    dropout: float
    batch_size: int = BATCH_SIZE
    max_epochs: int = MAX_EPOCHS
    patience: int = PATIENCE
    seed: int = 0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _one_of("family", self.family, ("mlnn", "cnn"))
        _one_of("loss", self.loss, ("cross_entropy", "nll"))
        _one_of("optimizer", self.optimizer, ("sgd", "adam"))
        _one_of("precision", self.precision, ("float32", "bfloat16"))
        # `not value > 0` also rejects NaN.
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate is {self.learning_rate}; wanted: finite and above 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; wanted: at least 0 and below 1")
        if self.optimizer == "sgd" and (self.momentum is None or not 0 <= self.momentum < 1):
            raise ValueError(f"momentum is {self.momentum}; wanted for sgd: at least 0, below 1")
        if self.optimizer == "adam" and self.momentum is not None:
            raise ValueError(f"momentum is {self.momentum}; wanted for adam: none")
        for name, bound in (("batch_size", 1), ("max_epochs", 1), ("patience", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < bound:
                raise ValueError(f"{name} is {value}; wanted: a whole number, at least {bound}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: a key is missing or unknown, or a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        if wrong := known.symmetric_difference(values) - {"precision"}:
            raise ValueError(f"configuration has missing or unknown keys: {sorted(wrong)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, one key an attribute; of `precision` only if it is not float32.

        So a configuration is called as it was before there was a choice, and its ids stay.
        """
        values = asdict(self)
        if self.precision == "float32":
            del values["precision"]
        return values

    def digest(self) -> str:
        """Eight hexadecimal digits that tell this configuration with its seed from others."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; wanted: {' or '.join(allowed)}")
