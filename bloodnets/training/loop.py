"""Train a model with early stopping, yield one `EpochResult` per epoch, keep the best weights.

The loop waits for the device once per epoch.
"""

import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets import metrics
from bloodnets.config import TrialConfig
from bloodnets.errors import StudyError
from bloodnets.training.augmentation import count_permutations
from bloodnets.training.cuda_graph import TrainingStep
from bloodnets.training.epoch_result import EpochResult, TrainingStopReason
from bloodnets.training.evaluation import predict_log_probabilities
from bloodnets.training.optimizers import compute_one_cycle_factor, set_learning_rate
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step


class NonFiniteLossError(StudyError):
    """Training or val loss that is infinite or NaN."""


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
        log_probabilities = predict_log_probabilities(
            state.model, val_split.images, config.loss, orientations=config.orientations
        )
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
