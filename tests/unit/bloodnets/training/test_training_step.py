"""A step: augmented views, class weights, and parts of a batch of large images."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F  # noqa: N812

from bloodnets.config import ClassWeights, Loss
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.training import training_step
from bloodnets.training.augmentation import make_pixel_permutations
from bloodnets.training.class_weights import compute_balanced_weights
from bloodnets.training.evaluation import scale_pixels
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import get_part_size, make_training_step
from study.configs.presets import PUBLISHED, RESNET

CPU = torch.device("cpu")
CONFIG = replace(PUBLISHED["cnn-config-2"], batch_size=16, max_epochs=2)
RESNET_CONFIG = replace(RESNET, width=4, batch_size=16, max_epochs=2, patience=2)


def test_make_training_step_augmented_view_keeps_its_smoothed_label(
    splits: dict[str, DeviceSplit],
) -> None:
    config = replace(RESNET_CONFIG, label_smoothing=0.4, dropout=0.0)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    state.model.train()
    images, labels = splits["train"]
    index, view = torch.arange(16), 77
    pixels = images[index].flatten(1, 2)[
        :, make_pixel_permutations(28, dihedral_augmentation=True, max_shift=2)[view]
    ]
    with torch.no_grad():
        logs = F.log_softmax(state.model(scale_pixels(pixels.view(16, 28, 28, 3))), 1)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    state.model.train()
    batch = torch.stack([index, torch.full_like(index, view)], 1)
    loss = training_step.make_training_step(state, config, splits["train"])(batch)
    target = 0.6 * F.one_hot(labels[index], 8) + 0.4 / 8
    torch.testing.assert_close(loss, -(target * logs).sum(1).mean())


@pytest.mark.parametrize(
    ("loss", "label_smoothing"), [("cross_entropy", 0.0), ("nll", 0.0), ("cross_entropy", 0.2)]
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_make_training_step_class_weights_give_the_weighted_mean(
    splits: dict[str, DeviceSplit], loss: Any, label_smoothing: float, precision: Any
) -> None:
    config = replace(
        CONFIG,
        loss=loss,
        label_smoothing=label_smoothing,
        precision=precision,
        dropout=0.0,
        class_weights="balanced",
    )
    images, labels = splits["train"]
    index = torch.arange(16)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    state.model.train()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        outputs = state.model(scale_pixels(images[index])).float()
    logs = outputs.log_softmax(1).double()
    classes = np.arange(8)
    balanced = compute_class_weight("balanced", classes=classes, y=labels.numpy())
    weights = torch.from_numpy(balanced)
    target = (1 - label_smoothing) * F.one_hot(labels[index], 8) + label_smoothing / 8
    expected = -(target * weights * logs).sum() / weights[labels[index]].sum()
    step = training_step.make_training_step(state, config, splits["train"])
    torch.testing.assert_close(step(index).double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_make_training_step_of_large_images_adds_the_gradients_of_parts(
    loss: Loss, class_weights: ClassWeights
) -> None:
    shape, batch_size = DataShape(n_classes=3, channels=1, side=72), 60
    assert get_part_size(batch_size, shape.side) == 50
    config = replace(
        PUBLISHED["cnn-config-1"],
        loss=loss,
        label_smoothing=0.1 if loss == "cross_entropy" else 0.0,
        class_weights=class_weights,
        dropout=0.0,
        batch_size=batch_size,
    )
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (batch_size, 72, 72, 1), dtype=torch.uint8, generator=generator)
    labels = torch.arange(batch_size) % 3
    labels[-8:] = 0  # the second part has other shares of the classes
    state = TrainingState.create(config, shape, CPU)
    expected = TrainingState.create(config, shape, CPU)
    weight = compute_balanced_weights(labels, 3) if class_weights == "balanced" else None
    outputs = expected.model(scale_pixels(images))
    expected_loss = (
        F.cross_entropy(outputs, labels, weight=weight, label_smoothing=0.1)
        if loss == "cross_entropy"
        else F.nll_loss(outputs, labels, weight=weight)
    )
    expected_loss.backward()  # type: ignore[no-untyped-call]
    expected.optimizer.step()
    step = make_training_step(state, config, DeviceSplit(images, labels))
    torch.testing.assert_close(step(torch.arange(batch_size)), expected_loss.detach())
    for name, value in expected.model.state_dict().items():
        torch.testing.assert_close(state.model.state_dict()[name], value)


@pytest.mark.parametrize(
    ("side", "size"), [(28, 1000), (64, 1000), (65, 62), (128, 16), (224, 5), (256, 4)]
)
def test_get_part_size_bounds_only_images_above_64_pixels(side: int, size: int) -> None:
    assert get_part_size(1000, side) == size
