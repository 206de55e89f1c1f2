"""Published results that a study is compared with, and the discrepancies in them.

The facts are in `published.json`. This module defines their types and finds the published row of
a configuration. It matches settings, not names, so a search's configuration with published settings
is recognized, and a changed configuration with a published name is not.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from bloodnets.metrics import IntArray
from reports.ledger.data_record import DataRecord
from reports.ledger.planned_trial import NEUTRAL_SETTINGS
from reports.ledger.states import DataKind

# Settings that the published study states for each configuration; they identify a row.
PUBLISHED_SETTINGS = ("family", "loss", "optimizer", "learning_rate", "momentum", "dropout")

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PublishedRow:
    """One published configuration.

    Attributes:
        configuration: Name of the configuration in bloodstudy.
        family: Network family, `mlnn` or `cnn`.
        loss: Loss function, `cross_entropy` or `nll`.
        optimizer: Optimizer, `sgd` or `adam`.
        learning_rate: Published learning rate.
        momentum: Published momentum of SGD; None for Adam.
        dropout: Published dropout probability.
        weighted_f1: Weighted F1 on test as the paper's text lists it, 0 to 1.
        parameters: Number of parameters of the network that the paper describes.
        operations: Floating-point operations of one image's forward pass.
        confusion: Published confusion matrix on test, `confusion[true][predicted]`, 8 x 8 numbers
            of images that sum to 3,421.
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
        """Return the confusion matrix, `confusion[true, predicted]`, int64, shape (8, 8)."""
        return np.array(self.confusion, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class BenchmarkMethod:
    """One method of the MedMNIST v2 benchmark on one data set.

    Attributes:
        method: Name of the method.
        resolution: Height and width of the input in pixels.
        auc: AUC on test, 0 to 1.
        accuracy: Accuracy on test, 0 to 1.
        parameters: Number of parameters of the network; None for AutoML methods and for other data
            sets than BloodMNIST.
        operations: Floating-point operations of one image's forward pass; None like `parameters`.
    """

    method: str
    resolution: int
    auc: float
    accuracy: float
    parameters: int | None
    operations: int | None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PublishedStudy:
    """Published results and their sources.

    Attributes:
        source: Source of the rows.
        not_stated: Settings that the paper does not state.
        discrepancies: Contradictions within the paper, or between it and the data set.
        rows: Results of the eight published configurations.
        cost_source: Source of parameters and operations, which neither the paper nor MedMNIST
            states.
        benchmark_source: Source of the benchmark.
        benchmark: Results of the methods in the MedMNIST v2 benchmark, by name of the data set.
            Only those that two sources confirm are included.
    """

    source: str
    not_stated: tuple[str, ...]
    discrepancies: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    cost_source: str
    benchmark_source: str
    benchmark: Mapping[str, tuple[BenchmarkMethod, ...]]


@cache
def load_published() -> PublishedStudy:
    """Return the contents of `published.json`, which is read only once."""
    text = Path(__file__).with_name("published.json").read_bytes()
    return TypeAdapter(PublishedStudy).validate_json(text)


def may_show_published(data: DataRecord) -> bool:
    """Return whether published values may be shown beside scores on these data.

    They may not beside scores on synthetic cells or on other classes, channels or sides than those
    of BloodMNIST. They may not either if a class is absent from a split: its F1 counts as 0, so the
    scores have another maximum.
    """
    return (
        data.has_published_classes
        and data.kind is not DataKind.SYNTHETIC
        and not data.absent_classes
    )


def find_published(config: Mapping[str, Any]) -> PublishedRow | None:
    """Return the published row with the settings of `config`; None if there is none.

    Settings that the paper does not mention, e.g. weight decay, must be neutral or absent.
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
