"""Update the weights with one batch of images.

Images stay uint8 in memory. A batch is gathered by index and scaled without a Python loop over
images.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets.config import TrialConfig
from bloodnets.training.augmentation import make_pixel_permutations
from bloodnets.training.class_weights import compute_balanced_weights
from bloodnets.training.cuda_graph import CudaGraphStep, TrainingStep
from bloodnets.training.evaluation import scale_pixels
from bloodnets.training.training_state import DeviceSplit, TrainingState

MAX_UNDIVIDED_SIDE = 64
"""Largest side, in pixels, of images whose batches are trained on at once."""

MAX_PART_PIXELS = 2**18
"""Maximum number of pixels of the larger images that are trained on at once: 16 images of 128 x 128
pixels or 5 of 224 x 224. They need as much memory as 64 images of 64 x 64 pixels."""


def make_training_step(
    state: TrainingState, config: TrialConfig, train_split: DeviceSplit
) -> TrainingStep:
    """Return a function that updates the state's weights with a batch of train.

    Batches of large images are divided into parts whose gradients are added, so that the memory is
    bounded. Batch normalization uses the statistics of each part. On a GPU, the step is captured as
    a CUDA graph.
    """
    device_type, is_mixed_precision = train_split.images.device.type, config.precision == "bfloat16"
    weights = (
        compute_balanced_weights(train_split.labels, state.shape.n_classes)
        if config.class_weights == "balanced"
        else None
    )
    loss_function = (
        partial(F.cross_entropy, weight=weights, label_smoothing=config.label_smoothing)
        if config.loss == "cross_entropy"
        else partial(F.nll_loss, weight=weights)
    )
    side = state.shape.side
    part_size = get_part_size(config.batch_size, side)
    permutations = make_pixel_permutations(
        state.shape.side,
        dihedral_augmentation=config.dihedral_augmentation,
        max_shift=config.max_shift,
    ).to(train_split.images.device)
    get_batch = (
        _make_augmented_batches(train_split, permutations)
        if len(permutations) > 1
        else _make_plain_batches(train_split)
    )

    def compute_loss(images: Tensor, labels: Tensor) -> Tensor:
        # A cache of bfloat16 weights would not help: each is used once, then updated.
        with torch.autocast(
            device_type, torch.bfloat16, enabled=is_mixed_precision, cache_enabled=False
        ):
            outputs = state.model(scale_pixels(images))
        loss: Tensor = loss_function(outputs.float(), labels)
        return loss

    def run_step(batch: Tensor) -> Tensor:
        images, labels = get_batch(batch)
        state.optimizer.zero_grad()
        losses = []
        image_parts, label_parts = (torch.split(part, part_size) for part in (images, labels))
        for part_images, part_labels in zip(image_parts, label_parts, strict=True):
            loss = compute_loss(part_images, part_labels)
            if len(label_parts) > 1:
                loss = loss * _compute_share(part_labels, labels, weights)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        state.optimizer.step()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    return CudaGraphStep(run_step) if device_type == "cuda" else run_step


def get_part_size(batch_size: int, side: int) -> int:
    """Return the number of images of a batch that are trained on at once, at least 1.

    Args:
        batch_size: Images per step.
        side: Height and width of an image in pixels.
    """
    return batch_size if side <= MAX_UNDIVIDED_SIDE else max(1, MAX_PART_PIXELS // side**2)


def _compute_share(part_labels: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor | float:
    """Return the share of a part in the mean loss of a batch, by images or by their weights."""
    if weights is None:
        return len(part_labels) / len(labels)
    return weights[part_labels].sum() / weights[labels].sum()


def _make_plain_batches(train_split: DeviceSplit) -> Callable[[Tensor], DeviceSplit]:
    return lambda batch: DeviceSplit(train_split.images[batch], train_split.labels[batch])


def _make_augmented_batches(
    train_split: DeviceSplit, permutations: Tensor
) -> Callable[[Tensor], DeviceSplit]:
    """Return a function that gathers the images of a batch, each in the view of its column 1."""
    pixels = train_split.images.flatten(1, 2)

    def get_batch(batch: Tensor) -> DeviceSplit:
        image_index, permutation_index = batch.unbind(1)
        images = pixels[image_index[:, None], permutations[permutation_index]].view(
            -1, *train_split.images.shape[1:]
        )
        return DeviceSplit(images, train_split.labels[image_index])

    return get_batch
