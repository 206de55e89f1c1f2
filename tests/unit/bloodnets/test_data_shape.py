"""Shape of the data: its ranges, and models and training steps for any of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bloodnets.data.medmnist import Split
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.errors import DataError
from bloodnets.models import build_model, count_operations, count_parameters
from bloodnets.training.evaluation import predict_probabilities
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from study.configs.presets import PUBLISHED, RESNET

CPU = torch.device("cpu")
SHAPES = (
    DataShape(n_classes=2, channels=1, side=8),
    DataShape(n_classes=5, channels=3, side=30),  # not a multiple of four
    DataShape(n_classes=100, channels=1, side=33),
    DataShape(n_classes=5, channels=3, side=40),  # with 64, the MLNN has 113 million parameters
)
CONFIGS = {
    **{
        name: replace(PUBLISHED[name], max_epochs=1)
        for name in ("mlnn-config-2", "cnn-config-2", "cnn-config-4")
    },
    "resnet": replace(RESNET, width=4, max_epochs=1, patience=1),
}
IDS = [f"{s.n_classes}-classes-{s.channels}-channels-{s.side}-pixels" for s in SHAPES]


@pytest.mark.parametrize(
    "change",
    [
        {"n_classes": 1},
        {"n_classes": 101},
        {"channels": 0},
        {"channels": 2},
        {"channels": 4},
        {"side": 7},
        {"side": 257},
    ],
)
def test_data_shape_out_of_range_raises(change: dict[str, Any]) -> None:
    values = {"n_classes": 8, "channels": 3, "side": 28} | change
    with pytest.raises(DataError) as caught:
        DataShape(**values)
    assert caught.value.value == next(iter(change.values()))
    assert caught.value.expected is not None


def test_image_shape_omits_the_channel_of_gray() -> None:
    assert BLOODMNIST_SHAPE.image_shape == (28, 28, 3)
    assert DataShape(n_classes=2, channels=1, side=64).image_shape == (64, 64)


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
@pytest.mark.parametrize("name", CONFIGS)
def test_train_any_shape_learns_and_predicts_each_class(name: str, shape: DataShape) -> None:
    config = CONFIGS[name]
    rng = np.random.default_rng(0)
    labels = np.arange(2 * shape.n_classes, dtype=np.uint8) % shape.n_classes
    size = (len(labels), shape.side, shape.side, shape.channels)
    split = DeviceSplit.from_numpy(Split(rng.integers(0, 256, size, np.uint8), labels), CPU)
    state = TrainingState.create(config, shape, CPU)
    (result,) = train(state, config, train_split=split, val_split=split)
    assert 0 <= result.val_macro_f1 <= 1
    probabilities = predict_probabilities(state.model, split.images, config.loss)
    assert probabilities.shape == (len(labels), shape.n_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert count_operations(state.model, shape) > 0


def test_build_model_mlnn_hidden_layers_have_the_mean_of_inputs_and_classes() -> None:
    shape = DataShape(n_classes=5, channels=1, side=28)
    model = build_model(PUBLISHED["mlnn-config-1"], shape)
    n_hidden = (784 + 5) // 2
    expected = 785 * n_hidden + (n_hidden + 1) * n_hidden + (n_hidden + 1) * 5
    assert count_parameters(model) == expected
