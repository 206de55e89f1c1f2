"""The published rows that a study is shown beside, with what is wrong in them.

The facts are in `published.json`; this module gives them types and finds the row that belongs
to a configuration. Rows are found by their settings, not by name: a configuration of a search
that happens to be a published one is recognized, and a renamed one is not mistaken for it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from bloodnets.metrics import IntArray
from reports.ledger.planned_trial import NEUTRAL_SETTINGS

# What the published study states of each configuration, and so what identifies a row.
PUBLISHED_SETTINGS = ("family", "loss", "optimizer", "learning_rate", "momentum", "dropout")

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PublishedRow:
    """One published configuration.

    Attributes:
        configuration: our name for it.
        family: `mlnn` or `cnn`.
        loss: `cross_entropy` or `nll`.
        optimizer: `sgd` or `adam`.
        learning_rate: as published.
        momentum: of SGD; None for Adam.
        dropout: as published.
        weighted_f1: as listed in the paper's text, 0 to 1.
        parameters: of the network that the paper describes.
        operations: floating-point operations of one image's way through it.
        confusion: `confusion[true][predicted]` on test, 8 x 8, sums to 3,421.
    """

    configuration: str
    family: str
    loss: str
    optimizer: str
    learning_rate: float
    momentum: float | None
    dropout: float
    weighted_f1: float
    parameters: int
    operations: int
    confusion: tuple[tuple[int, ...], ...]

    def get_confusion_matrix(self) -> IntArray:
        """`confusion[true, predicted]`, int64, shape (8, 8)."""
        return np.array(self.confusion, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class BenchmarkMethod:
    """One method of the MedMNIST v2 benchmark on BloodMNIST.

    Attributes:
        method: its name.
        resolution: of the input, in pixels a side.
        auc: on test, 0 to 1.
        accuracy: on test, 0 to 1.
        parameters: of the network; None where it is not known, as of what AutoML found.
        operations: floating-point operations of one image's way through it, or None likewise.
    """

    method: str
    resolution: int
    auc: float
    accuracy: float
    parameters: int | None
    operations: int | None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PublishedStudy:
    """Everything that is taken from elsewhere.

    Attributes:
        source: of the rows.
        not_stated: what the paper leaves open.
        discrepancies: where the paper disagrees with itself or with the data set.
        rows: the eight configurations.
        cost_source: of parameters and operations, which neither the paper nor MedMNIST states.
        benchmark_source: of the benchmark.
        benchmark: methods of MedMNIST v2.
    """

    source: str
    not_stated: tuple[str, ...]
    discrepancies: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    cost_source: str
    benchmark_source: str
    benchmark: tuple[BenchmarkMethod, ...]


@cache
def load_published() -> PublishedStudy:
    """Read `published.json`, once."""
    text = Path(__file__).with_name("published.json").read_bytes()
    return TypeAdapter(PublishedStudy).validate_json(text)


def find_published(config: Mapping[str, Any]) -> PublishedRow | None:
    """Return the published row with the settings of `config`; None if nothing such was published.

    What the paper does not mention, e.g. weight decay, has to be neutral, or absent from `config`.
    """
    extra_settings = NEUTRAL_SETTINGS.keys() - {"precision"}
    if any(
        config.get(name, NEUTRAL_SETTINGS[name]) != NEUTRAL_SETTINGS[name]
        for name in extra_settings
    ):
        return None
    for row in load_published().rows:
        if all(config.get(name) == getattr(row, name) for name in PUBLISHED_SETTINGS):
            return row
    return None
