"""Predict the classes of images in batches, without dropout and augmentation."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets.config import Loss
from bloodnets.constants import N_ORIENTATIONS
from bloodnets.data_shape import BLOODMNIST_SHAPE

_EVALUATION_BATCH_SIZES = {"cpu": 128, "cuda": 2048}
"""Images of BloodMNIST per batch, by device. On a CPU, 128 images need 100 MiB less memory than 512
and no more time. On a GPU, fewer batches need fewer kernel launches."""


@torch.inference_mode()
def predict_log_probabilities(
    model: nn.Module, images: Tensor, loss: Loss, *, orientations: bool = False
) -> Tensor:
    """Return log-probabilities of images, without dropout.

    Args:
        model: Model from `build_model` for `loss`.
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255, on the model's device.
        loss: Loss with which the model is trained. It determines whether the model returns logits
            or log-probabilities.
        orientations: Whether the probabilities of an image are the means of those of its eight
            orientations, which takes eight times as long.

    Returns:
        Log-probabilities, float32, shape (n, classes), on the model's device.
    """
    model.eval()
    batches = torch.split(images, get_evaluation_batch_size(images.device.type, images.shape[1]))
    if not orientations:
        return torch.cat([_predict_batch(model, batch, loss) for batch in batches])
    means = []
    for batch in batches:
        values = [_predict_batch(model, view, loss) for view in make_orientations(batch)]
        means.append(torch.stack(values).logsumexp(dim=0) - math.log(N_ORIENTATIONS))
    return torch.cat(means)


def _predict_batch(model: nn.Module, images: Tensor, loss: Loss) -> Tensor:
    """Return the log-probabilities of a batch."""
    outputs: Tensor = model(scale_pixels(images))
    # A second log-softmax would only change the rounding, and the results of the two losses would
    # no longer be bit-identical.
    return outputs if loss == "nll" else F.log_softmax(outputs, dim=1)


def make_orientations(images: Tensor) -> list[Tensor]:
    """Return the eight orientations of images, the original first.

    Args:
        images: Pixels, shape (n, side, side, channels).

    Returns:
        Images of each orientation, with the shape and memory format of `images`.
    """
    turned = [torch.rot90(images, n_turns, dims=(1, 2)) for n_turns in range(4)]
    mirrored = [view.transpose(1, 2) for view in turned]
    return [view.contiguous() for view in (*turned, *mirrored)]


def get_evaluation_batch_size(device_type: str, side: int) -> int:
    """Return the number of images per batch without training, at least 1.

    Larger images are evaluated in smaller batches, which need the same memory.

    Args:
        device_type: `cpu` or `cuda`.
        side: Height and width of an image in pixels.
    """
    enlargement = max(1.0, (side / BLOODMNIST_SHAPE.side) ** 2)
    return max(1, int(_EVALUATION_BATCH_SIZES[device_type] / enlargement))


def scale_pixels(images: Tensor) -> Tensor:
    """Scale pixels to the input range of the networks.

    Args:
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255.

    Returns:
        Pixels, float32, shape (n, channels, side, side), -1 to 1, in the channels_last memory
        format.
    """
    return images.permute(0, 3, 1, 2).float().mul_(2 / 255).sub_(1)


def predict_probabilities(
    model: nn.Module, images: Tensor, loss: Loss, *, orientations: bool = False
) -> NDArray[np.float32]:
    """Return class probabilities, float32 (n, classes); see `predict_log_probabilities`."""
    values = predict_log_probabilities(model, images, loss, orientations=orientations)
    probabilities: NDArray[np.float32] = values.exp().cpu().numpy()
    return probabilities
