"""Types of a planned trial and of its configuration."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from reports.ledger.serialization import STRICT

Precision = Literal["float32", "bfloat16"]


NEUTRAL_SETTINGS: Mapping[str, object] = {
    "precision": "float32",
    "width": None,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "dihedral_augmentation": False,
    "max_shift": 0,
    "schedule": "constant",
    "class_weights": "none",
    "orientations": False,
}
"""Values that turn off the settings that the published study does not have."""

OMITTED_SETTINGS = ("class_weights", "orientations")
"""Settings whose key a configuration has only with another than the neutral value."""

REPLICATE_SETTINGS = frozenset({"seed", "folds", "fold"})
"""Keys of `Config` that describe the replicate instead of the configuration."""


@with_config(ConfigDict(**STRICT, strict=True))  # so that "10" is not read as 10
class Config(TypedDict):
    """Configuration and seed of a trial, with the keys of `bloodnets.config.TrialConfig`.

    Every key is required, except `class_weights`, `orientations`, `folds` and `fold`.

    Attributes:
        family: Network family: `mlnn`, `cnn` or `resnet`.
        loss: Loss function: `cross_entropy` on logits or `nll` on log-probabilities.
        optimizer: Optimizer: `sgd`, `adam` or `adamw`.
        learning_rate: Learning rate, above 0; with a schedule, the highest.
        momentum: Momentum of SGD, at least 0 and below 1; None for other optimizers.
        dropout: Probability that a hidden unit is dropped, at least 0 and below 1.
        batch_size: Images per step, at least 1.
        max_epochs: Maximum number of epochs, at least 1.
        patience: Epochs without a better val macro F1 before training ends, at least 1.
        seed: Seed of initial weights, image order and dropout, at least 0.
        precision: Precision of matrix products in training: `float32` or `bfloat16`.
        width: Channels of the first stage of a `resnet`; None for other families.
        weight_decay: Weight decay of AdamW, at least 0.
        label_smoothing: Share of each label that is spread over all classes, at least 0 and
            below 1.
        dihedral_augmentation: Whether training uses the eight orientations of each image.
        max_shift: Largest shift of a training image along each axis, in pixels, 0 to 27.
        schedule: Learning-rate schedule: `constant` or `one_cycle`.
        class_weights: Weights of the classes in the training loss: `balanced`, i.e. n / (k n_c) for
            n training images, n_c of the class, and k classes. The key is absent without weights.
        orientations: True if the prediction for an image is the mean of those for its eight
            orientations; otherwise the key is absent.
        folds: Number of folds of a cross-validation, 2 to 100. This key and the next are absent
            without a cross-validation.
        fold: Fold of train and val that is held out as val, from 0.
    """

    family: str
    loss: str
    optimizer: str
    learning_rate: float
    momentum: float | None
    dropout: float
    batch_size: int
    max_epochs: int
    patience: int
    seed: int
    precision: Precision
    width: int | None
    weight_decay: float
    label_smoothing: float
    dihedral_augmentation: bool
    max_shift: int
    schedule: str
    class_weights: NotRequired[Literal["balanced"]]
    orientations: NotRequired[Literal[True]]
    folds: NotRequired[int]
    fold: NotRequired[int]


def fill_settings(config: Config) -> dict[str, Any]:
    """Return all settings of a trial, with a value for each key that may be absent."""
    return {
        **{name: NEUTRAL_SETTINGS[name] for name in OMITTED_SETTINGS},
        "folds": None,
        "fold": None,
        **config,
    }


def get_replicate_name(config: Config) -> str:
    """Return the name of a trial's replicate: its seed and, if it has one, its fold.

    Trials of two configurations with the same name, e.g. `s0` or `s0-f2`, are compared in pairs.
    """
    fold = config.get("fold")
    return f"s{config['seed']}" if fold is None else f"s{config['seed']}-f{fold}"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PlannedTrial:
    """A trial that a study plans to run.

    Attributes:
        id: Unique id of the trial, used in the names of its files.
        configuration: Name of the configuration, shared by its replicates.
        config: Settings of the trial, including the seed.
    """

    id: str
    configuration: str
    config: Config
