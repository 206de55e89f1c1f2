"""Train a model with early stopping, yield one `EpochResult` per epoch, keep the best weights.

Images stay uint8 in memory. A batch is gathered by index and scaled without a Python loop over
images. The loop waits for the device once per epoch.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets import metrics
from bloodnets.config import Loss, TrialConfig
from bloodnets.data.medmnist import Split
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.errors import StudyError
from bloodnets.models import build_model
from bloodnets.training.augmentation import count_permutations, make_pixel_permutations
from bloodnets.training.class_weights import compute_balanced_weights
from bloodnets.training.cuda_graph import CudaGraphStep, TrainingStep
from bloodnets.training.epoch_result import EpochResult, TrainingStopReason
from bloodnets.training.optimizers import (
    compute_one_cycle_factor,
    make_optimizer,
    set_learning_rate,
)

_EVALUATION_BATCH_SIZES = {"cpu": 128, "cuda": 2048}
"""Images of BloodMNIST per batch, by device. On a CPU, 128 images need 100 MiB less memory than 512
and no more time. On a GPU, fewer batches need fewer kernel launches."""

MAX_UNDIVIDED_SIDE = 64
"""Largest side, in pixels, of images whose batches are trained on at once."""

MAX_PART_PIXELS = 2**18
"""Maximum number of pixels of the larger images that are trained on at once: 16 images of 128 x 128
pixels or 5 of 224 x 224. They need as much memory as 64 images of 64 x 64 pixels."""


class NonFiniteLossError(StudyError):
    """Training or val loss that is infinite or NaN."""


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


def train(
    state: TrainingState, config: TrialConfig, *, train_split: DeviceSplit, val_split: DeviceSplit
) -> Iterator[EpochResult]:
    """Train until a stop condition of `config` holds, and yield the result of each epoch.

    Args:
        state: Training state, updated in place.
        config: Configuration of the trial.
        train_split: Images to train on, on the model's device.
        val_split: Images to evaluate after each epoch, on the model's device.

    Raises:
        NonFiniteLossError: A loss is infinite or NaN; the message gives the epoch and, for the
            training loss, the step.
    """
    step, val_labels = (
        make_training_step(state, config, train_split),
        val_split.labels.cpu().numpy(),
    )
    while get_stop_reason(state, config) is None:
        start_s = time.perf_counter()
        losses = train_epoch(state, config, step, train_split)
        log_probabilities = predict_log_probabilities(state.model, val_split.images, config.loss)
        val_loss = F.nll_loss(log_probabilities, val_split.labels)
        state.epoch += 1
        # This is the first read from the device, so it waits for the whole epoch.
        train_loss = _compute_mean_loss(losses.cpu(), state.epoch, config, len(train_split.labels))
        if not val_loss.isfinite():
            raise NonFiniteLossError(
                f"the val loss is {val_loss} after epoch {state.epoch}",
                value=val_loss,
                remedy=f"try a learning rate below {config.learning_rate:g}",
            )
        predicted_classes = log_probabilities.argmax(1).cpu().numpy()
        scores = metrics.compute_scores(
            metrics.compute_confusion_matrix(val_labels, predicted_classes, state.shape.n_classes)
        )
        if scores["macro_f1"] > state.best_macro_f1:
            state.best_epoch, state.best_macro_f1 = state.epoch, scores["macro_f1"]
            state.best_weights = {k: v.clone() for k, v in state.model.state_dict().items()}
        yield EpochResult(
            epoch=state.epoch,
            train_loss=train_loss,
            val_loss=float(val_loss),
            val_accuracy=scores["accuracy"],
            val_macro_f1=scores["macro_f1"],
            duration_s=time.perf_counter() - start_s,
        )


def get_stop_reason(state: TrainingState, config: TrialConfig) -> TrainingStopReason | None:
    """Return the reason why training is over; None if it is not over."""
    if state.epoch - state.best_epoch >= config.patience:
        return "patience"
    return "max_epochs" if state.epoch >= config.max_epochs else None


@torch.inference_mode()
def predict_log_probabilities(model: nn.Module, images: Tensor, loss: Loss) -> Tensor:
    """Return log-probabilities of images, without dropout.

    Args:
        model: Model from `build_model` for `loss`.
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255, on the model's device.
        loss: Loss with which the model is trained. It determines whether the model returns logits
            or log-probabilities.

    Returns:
        Log-probabilities, float32, shape (n, classes), on the model's device.
    """
    model.eval()
    batches = torch.split(images, get_evaluation_batch_size(images.device.type, images.shape[1]))
    outputs = torch.cat([model(scale_pixels(batch)) for batch in batches])
    # A second log-softmax would only change the rounding, and the results of the two losses would
    # no longer be bit-identical.
    return outputs if loss == "nll" else F.log_softmax(outputs, dim=1)


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


def predict_probabilities(model: nn.Module, images: Tensor, loss: Loss) -> NDArray[np.float32]:
    """Return class probabilities, float32 (n, classes); see `predict_log_probabilities`."""
    values: NDArray[np.float32] = predict_log_probabilities(model, images, loss).exp().cpu().numpy()
    return values


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


def train_epoch(
    state: TrainingState, config: TrialConfig, step: TrainingStep, train_split: DeviceSplit
) -> Tensor:
    """Train for one epoch and return each step's loss, float32 (steps,), on the device."""
    state.model.train()
    # Drawn on the CPU (0.1 ms), so that the order is the same on every device.
    n_images = len(train_split.labels)
    order = torch.randperm(n_images, generator=state.shuffle_generator)
    if (
        n_permutations := count_permutations(
            dihedral_augmentation=config.dihedral_augmentation, max_shift=config.max_shift
        )
    ) > 1:
        order = torch.stack(
            [order, torch.randint(n_permutations, (n_images,), generator=state.shuffle_generator)],
            1,
        )
    batches = torch.split(order.to(train_split.labels.device), config.batch_size)
    losses = []
    for index, batch in enumerate(batches):
        if config.schedule == "one_cycle":
            progress = (state.epoch + (index + 0.5) / len(batches)) / config.max_epochs
            set_learning_rate(
                state.optimizer, config.learning_rate * compute_one_cycle_factor(progress)
            )
        losses.append(step(batch))
    return torch.stack(losses)


def _compute_mean_loss(losses: Tensor, epoch: int, config: TrialConfig, n_images: int) -> float:
    """Return the mean loss over images from the steps' means; the last step may be smaller."""
    if not (is_finite := losses.isfinite()).all():
        step = int(is_finite.int().argmin()) + 1
        value = float(losses[step - 1])
        raise NonFiniteLossError(
            f"the training loss is {value} at epoch {epoch}, step {step}",
            value=value,
            remedy=f"try a learning rate below {config.learning_rate:g}",
        )
    sizes = torch.full_like(losses, config.batch_size)
    sizes[-1] = n_images - config.batch_size * (len(losses) - 1)
    return float((losses * sizes).sum() / n_images)
