"""The configurations that have names: the eight published ones, and one that goes beyond them.

`bloodstudy grid` trains the eight, {MLNN, CNN} x {CrossEntropy, NLLLoss} x {SGD, Adam}, on
BloodMNIST; `bloodstudy grid --config resnet` the ninth. Measured with the defaults: see the README.
"""

from typing import Any

_SGD = {"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.9}
_ADAM = {"optimizer": "adam", "learning_rate": 0.001, "momentum": None}

# Tables 1 and 2 of Trindade, "Blood Cell Classification Using Deep Learning: MLNN and CNN",
# in the order of the paper.
PUBLISHED: dict[str, dict[str, Any]] = {
    f"{family}-config-{number}": {"family": family, "loss": loss, "dropout": 0.2, **optimizer}
    for family in ("mlnn", "cnn")
    for number, (loss, optimizer) in enumerate(
        (("cross_entropy", _SGD), ("cross_entropy", _ADAM), ("nll", _SGD), ("nll", _ADAM)), start=1
    )
}

RESNET: dict[str, Any] = {
    "family": "resnet",
    "width": 48,
    "dropout": 0.2,
    "loss": "cross_entropy",
    "label_smoothing": 0.05,
    "optimizer": "adamw",
    "learning_rate": 0.004,
    "momentum": None,
    "weight_decay": 0.02,
    "schedule": "one_cycle",
    "batch_size": 128,
    "max_epochs": 60,
    "dihedral_augmentation": True,
    "max_shift": 2,
}
"""What the paper leaves to future work, augmentation and a deeper network, in one configuration."""

# What each ingredient brings is the difference between the whole and the whole without it.
_ABLATED_SETTINGS: dict[str, dict[str, Any]] = {
    "orientations": {"dihedral_augmentation": False},
    "shifts": {"max_shift": 0},
    "smoothing": {"label_smoothing": 0.0},
    "decay": {"weight_decay": 0.0},
    "dropout": {"dropout": 0.0},
    "cycle": {"schedule": "constant"},
}
ABLATIONS = {f"resnet-no-{name}": RESNET | setting for name, setting in _ABLATED_SETTINGS.items()}

CONFIGURATIONS = PUBLISHED | {"resnet": RESNET} | ABLATIONS

DEFAULT_GPUS_PER_TRIAL = 0.25
"""GPUs a trial, where there are any. Four trials of the published networks fit on any GPU: each
needs less than 1 GB."""
