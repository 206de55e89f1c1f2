"""Define the named configurations: the eight published ones, a residual network and its ablations.

`bloodstudy grid` trains the eight, {MLNN, CNN} x {CrossEntropy, NLLLoss} x {SGD, Adam}, on
BloodMNIST; `bloodstudy grid --config resnet` trains the residual network. A study sets the patience
of the eight, and the seed and the precision of all.
"""

from collections.abc import Mapping
from dataclasses import replace

from bloodnets.config import Family, Loss, TrialConfig

_SGD = TrialConfig(
    family="mlnn",
    loss="cross_entropy",
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.9,
    dropout=0.2,
)
_ADAM = replace(_SGD, optimizer="adam", learning_rate=0.001, momentum=None)

_PUBLISHED_FAMILIES: tuple[Family, ...] = ("mlnn", "cnn")
_PUBLISHED_LOSSES: tuple[Loss, ...] = ("cross_entropy", "nll")

# Tables 1 and 2 of Trindade, "Blood Cell Classification Using Deep Learning: MLNN and CNN",
# in the order of the paper.
PUBLISHED = {
    f"{family}-config-{number}": replace(config, family=family, loss=loss)
    for family in _PUBLISHED_FAMILIES
    for number, (loss, config) in enumerate(
        ((loss, config) for loss in _PUBLISHED_LOSSES for config in (_SGD, _ADAM)), start=1
    )
}

RESNET = TrialConfig(
    family="resnet",
    width=48,
    dropout=0.2,
    loss="cross_entropy",
    label_smoothing=0.05,
    optimizer="adamw",
    learning_rate=0.004,
    momentum=None,
    weight_decay=0.02,
    schedule="one_cycle",
    batch_size=128,
    max_epochs=60,
    patience=60,
    dihedral_augmentation=True,
    max_shift=2,
)
"""Configuration with what the paper leaves to future work: augmentation and a deeper network."""

# Each lacks one component of `RESNET`. The difference in score is the component's contribution.
ABLATIONS = {
    "resnet-no-orientations": replace(RESNET, dihedral_augmentation=False),
    "resnet-no-shifts": replace(RESNET, max_shift=0),
    "resnet-no-smoothing": replace(RESNET, label_smoothing=0.0),
    "resnet-no-decay": replace(RESNET, weight_decay=0.0),
    "resnet-no-dropout": replace(RESNET, dropout=0.0),
    "resnet-no-cycle": replace(RESNET, schedule="constant"),
}

CONFIGURATIONS = PUBLISHED | {"resnet": RESNET} | ABLATIONS

DEFAULT_GPUS_PER_TRIAL: Mapping[str, float] = {"mlnn": 0.25, "cnn": 0.25, "resnet": 1.0}
"""GPUs per trial, by family, if there are any.

The published networks leave most of a GPU idle, and each needs less than 1 GB. A residual network
fills a GPU: on an NVIDIA H200, three trials at the same time took three times as long as one."""
