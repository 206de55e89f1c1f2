"""A trial that a study plans, and its configuration."""

from collections.abc import Mapping
from typing import Literal

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
}
"""Values of the settings that the published study lacks; with them, an ingredient is off."""


@with_config(ConfigDict(**STRICT, strict=True))  # 10, not "10"
class Config(TypedDict):
    """The attributes of `bloodnets.config.TrialConfig`, seed included; every key is required."""

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


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PlannedTrial:
    """A trial that a study means to run.

    Attributes:
        id: names the trial's files.
        configuration: name of the configuration, shared by its replicates.
        config: `bloodnets.config.TrialConfig` as a dict, seed included.
    """

    id: str
    configuration: str
    config: Config
