"""Evaluation: pixels are scaled, and probabilities do not depend on the batch size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bloodnets.config import Loss
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model
from bloodnets.training import evaluation
from bloodnets.training.evaluation import (
    get_evaluation_batch_size,
    make_orientations,
    predict_probabilities,
    scale_pixels,
)
from study.configs.presets import PUBLISHED


def test_scale_pixels_uint8_becomes_minus_one_to_one() -> None:
    images = torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 28, 28, 3)
    scaled = scale_pixels(images)
    assert scaled.shape == (1, 3, 28, 28)
    torch.testing.assert_close(scaled[0, :, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))


def test_predict_probabilities_other_batch_size_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model = build_model(PUBLISHED["cnn-config-2"], BLOODMNIST_SHAPE)
    images = torch.from_numpy(generate_synthetic_arrays(scale=0.01)["val_images"])
    whole = predict_probabilities(model, images, "cross_entropy")
    monkeypatch.setattr(evaluation, "get_evaluation_batch_size", lambda *_: 7)
    parts = predict_probabilities(model, images, "cross_entropy")
    np.testing.assert_allclose(whole, parts, atol=1e-5)
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-5)


def test_make_orientations_are_the_eight_of_a_square() -> None:
    images = torch.arange(2 * 3 * 3 * 3).view(2, 3, 3, 3)
    views = make_orientations(images)
    assert torch.equal(views[0], images)
    assert len({tuple(view.flatten().tolist()) for view in views}) == 8
    for view in views:
        assert view.is_contiguous()
        assert torch.equal(view[:, 1, 1], images[:, 1, 1])  # the center
        corners = {tuple(view[0, i, j].tolist()) for i in (0, 2) for j in (0, 2)}
        assert corners == {tuple(images[0, i, j].tolist()) for i in (0, 2) for j in (0, 2)}


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_predict_probabilities_with_orientations_are_the_means_of_their_predictions(
    loss: Loss,
) -> None:
    torch.manual_seed(0)
    model = build_model(replace(PUBLISHED["cnn-config-2"], loss=loss), BLOODMNIST_SHAPE)
    images = torch.from_numpy(generate_synthetic_arrays(scale=0.02)["val_images"][:150])
    means = predict_probabilities(model, images, loss, orientations=True)
    views = [predict_probabilities(model, view, loss) for view in make_orientations(images)]
    np.testing.assert_allclose(means, np.mean(views, axis=0), atol=1e-6)
    assert np.abs(means - views[0]).max() > 1e-4
    for view in make_orientations(images):
        turned = predict_probabilities(model, view, loss, orientations=True)
        np.testing.assert_allclose(turned, means, atol=1e-6)


@pytest.mark.parametrize(
    ("device_type", "side", "size"),
    [("cpu", 8, 128), ("cpu", 28, 128), ("cpu", 56, 32), ("cpu", 224, 2), ("cuda", 224, 32)],
)
def test_get_evaluation_batch_size_shrinks_with_the_area(
    device_type: str, side: int, size: int
) -> None:
    assert get_evaluation_batch_size(device_type, side) == size
