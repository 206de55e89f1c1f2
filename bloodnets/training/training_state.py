"""State of training between two epochs, and the images of a split on the training device."""

import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import Split
from bloodnets.data_shape import DataShape
from bloodnets.models import build_model
from bloodnets.training.optimizers import make_optimizer


class DeviceSplit(NamedTuple):
    """Split in the memory of the training device.

    Attributes:
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255.
        labels: Classes, int64, shape (n,).
    """

    images: Tensor
    labels: Tensor

    @classmethod
    def from_numpy(cls, split: Split, device: torch.device) -> "DeviceSplit":
        """Move a split to `device`; on the CPU, images are shared, so they must not be changed."""
        with warnings.catch_warnings():
            # Arrays from Ray's object store are read-only; nothing here writes to them.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            images = torch.from_numpy(split.images).to(device)
        return cls(images, torch.from_numpy(split.labels).to(device, torch.int64))


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """State of training between two epochs.

    Attributes:
        shape: Shape of the data for which the model is built.
        model: Model in training.
        optimizer: Optimizer of the model's parameters.
        shuffle_generator: Random generator on the CPU for the image order and the augmentation.
        epoch: Number of finished epochs.
        best_epoch: First epoch with the highest val macro F1, from 1; 0 before the first epoch.
        best_macro_f1: Val macro F1 of the best epoch, 0 to 1; -1 before the first epoch.
        best_weights: State dict of the model after the best epoch.
    """

    shape: DataShape
    model: nn.Module
    optimizer: torch.optim.Optimizer
    shuffle_generator: torch.Generator
    epoch: int = 0
    best_epoch: int = 0
    best_macro_f1: float = -1.0
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def create(cls, config: TrialConfig, shape: DataShape, device: torch.device) -> "TrainingState":
        """Return the state before the first epoch, and seed PyTorch's global random state."""
        torch.manual_seed(config.seed)
        model = build_model(config, shape).to(device)
        return cls(
            shape=shape,
            model=model,
            optimizer=make_optimizer(model, config),
            shuffle_generator=torch.Generator().manual_seed(config.seed),
        )
