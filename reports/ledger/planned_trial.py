"""A trial that a study plans, and the keys of its configuration."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from reports.ledger.serialization import STRICT, require_keys

Precision = Literal["float32", "bfloat16"]


NEUTRAL_SETTINGS: Mapping[str, Any] = {
    "precision": "float32",
    "width": None,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "dihedral_augmentation": False,
    "max_shift": 0,
    "schedule": "constant",
}
"""Values of the settings that the published study lacks; with them, an ingredient is off."""


CONFIG_KEYS = (
    "family",
    "loss",
    "optimizer",
    "learning_rate",
    "momentum",
    "dropout",
    "batch_size",
    "max_epochs",
    "patience",
    "seed",
    *NEUTRAL_SETTINGS,
)
"""Keys of a trial's configuration: the attributes of `bloodnets.config.TrialConfig`."""


Config = Annotated[Mapping[str, Any], AfterValidator(partial(require_keys, CONFIG_KEYS))]
"""`bloodnets.config.TrialConfig` as a dict, seed included: every key is required."""


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
