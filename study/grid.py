"""The eight published configurations: {MLNN, CNN} x {CrossEntropy, NLLLoss} x {SGD, Adam}.

`bloodstudy grid` trains all of them on BloodMNIST. Measured with the defaults: see the README.
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
