"""Optimizers, and the learning rate over a training."""

import inspect
import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from bloodnets.config import TrialConfig

WARM_UP_SHARE = 0.2
"""Share of a one-cycle schedule in which the learning rate rises."""

_OptimizerT = TypeVar("_OptimizerT", bound=torch.optim.Optimizer)

_COMPILER_AWARE_METHODS = ("add_param_group", "load_state_dict", "state_dict", "step", "zero_grad")


def _detach_compiler(optimizer_class: type[_OptimizerT]) -> type[_OptimizerT]:
    """Return the same optimizer without the wrappers that keep `torch.compile` out of it.

    At their first call they import the compiler with SymPy and `torch.distributed`, to switch it
    off: 2.4 s in each worker before its first step. Nothing is compiled here.
    """
    methods = {
        name: inspect.unwrap(getattr(optimizer_class, name)) for name in _COMPILER_AWARE_METHODS
    }
    methods["step"] = torch.no_grad()(methods["step"])  # as one of the wrappers does
    return type(optimizer_class.__name__, (optimizer_class,), methods)


_SGD = _detach_compiler(torch.optim.SGD)
_ADAM = _detach_compiler(torch.optim.Adam)
_ADAMW = _detach_compiler(torch.optim.AdamW)


def make_optimizer(model: nn.Module, config: TrialConfig) -> torch.optim.Optimizer:
    """PyTorch's optimizer of all parameters of a model, as `config` says.

    Each is fused: one kernel over all parameters, 1.1 (CNN) to 1.5 (MLNN with Adam) times the
    speed.
    """
    device = next(model.parameters()).device
    learning_rate: float | Tensor = config.learning_rate
    if config.schedule != "constant" and device.type == "cuda":
        learning_rate = torch.tensor(
            learning_rate, device=device
        )  # a number would be a constant in the graph
    if config.optimizer == "sgd":
        return _SGD(model.parameters(), lr=learning_rate, momentum=config.momentum or 0, fused=True)
    optimizer_class = _ADAMW if config.optimizer == "adamw" else _ADAM
    return optimizer_class(
        model.parameters(),
        lr=learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
        capturable=device.type == "cuda",  # by a CUDA graph
    )


def compute_one_cycle_factor(progress: float) -> float:
    """The learning rate of a one-cycle schedule, as a share of the highest.

    Up in a line, then down along half a cosine to 0; after Smith & Topin, arXiv:1708.07120, and
    fastai, which replaced the second line by the cosine.

    Args:
        progress: how much of the training is over, 0 to 1.
    """
    if progress < WARM_UP_SHARE:
        return progress / WARM_UP_SHARE
    return (1 + math.cos(math.pi * (progress - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))) / 2


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Of every parameter, from the next step on."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate)  # where a captured graph reads it
        else:
            group["lr"] = learning_rate
