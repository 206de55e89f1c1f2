"""The evidence of a resnet adds up to its logits, and is where the image matters."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.evidence import PIXELS_PER_POSITION, compute_contributions
from bloodnets.models import ResNet
from bloodnets.training.evaluation import scale_pixels


@pytest.fixture(scope="module")
def synthetic() -> tuple[Tensor, Tensor]:
    """Return images of the networks' input range and their classes."""
    arrays = generate_synthetic_arrays(scale=0.03)
    labels = torch.from_numpy(arrays["train_labels"].astype(np.int64)).flatten()
    return scale_pixels(torch.from_numpy(arrays["train_images"])), labels


@pytest.fixture(scope="module")
def network(synthetic: tuple[Tensor, Tensor]) -> ResNet:
    """Return a small network after a brief training."""
    images, labels = synthetic
    torch.manual_seed(0)
    network = ResNet(BLOODMNIST_SHAPE, width=8, dropout=0.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
    for _ in range(4):
        for batch in torch.split(torch.randperm(len(images)), 32):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network.eval()


def test_compute_contributions_and_bias_add_up_to_the_logit(
    network: ResNet, synthetic: tuple[Tensor, Tensor]
) -> None:
    """Double precision leaves only rounding; the bias is not 0 after training."""
    images = synthetic[0][:8].double()
    exact = ResNet(BLOODMNIST_SHAPE, width=8, dropout=0.0).double().eval()
    exact.load_state_dict(network.state_dict())
    with torch.no_grad():
        logits = exact(images)
    for index in range(8):
        classes = torch.full((8,), index)
        sums = compute_contributions(exact, images, classes).sum((1, 2))
        sums += exact.classifier.bias[index].detach()
        torch.testing.assert_close(sums, logits[:, index], rtol=0, atol=1e-12)


def test_compute_contributions_are_those_of_the_first_maximum_of_each_feature(
    network: ResNet, synthetic: tuple[Tensor, Tensor]
) -> None:
    """The same, feature by feature: trained features have no two equal positive maxima here."""
    images, labels = synthetic[0][:3], synthetic[1][:3]
    expected = torch.zeros(3, 49)
    with torch.no_grad():
        features = network.features(images).flatten(2)
        for image, label in enumerate(labels):
            for feature in range(32):
                position = features[image, feature].argmax()
                weight = network.classifier.weight[label, feature]
                expected[image, position] += weight * features[image, feature, position]
    found = compute_contributions(network, images, labels)
    assert found.abs().sum() > 0
    torch.testing.assert_close(found.flatten(1), expected)


def test_compute_contributions_with_equal_maxima_are_shared() -> None:
    """Every position of a constant feature map is its maximum."""
    network = ResNet(BLOODMNIST_SHAPE, width=2, dropout=0.0).eval()
    network.features = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1, bias=False))
    torch.nn.init.ones_(network.features[0].weight)  # type: ignore[arg-type]
    torch.nn.init.constant_(network.classifier.weight, -0.5)
    (found,) = compute_contributions(network, torch.ones(1, 3, 2, 2), torch.tensor([3]))
    torch.testing.assert_close(found, torch.full((2, 2), -0.5 * 8 * 3 / 4))


@pytest.mark.parametrize("side", [8, 28, 30, 33])
def test_compute_contributions_cover_the_image(side: int) -> None:
    shape = replace(BLOODMNIST_SHAPE, side=side)
    network = ResNet(shape, width=2, dropout=0.0).eval()
    found = compute_contributions(network, torch.zeros(1, 3, side, side), torch.tensor([0]))
    n_positions = -(-side // PIXELS_PER_POSITION)
    assert found.shape == (1, n_positions, n_positions)


def test_covering_high_contributions_lowers_the_logit_more_than_covering_random_positions(
    network: ResNet, synthetic: tuple[Tensor, Tensor]
) -> None:
    """A quarter of the positions is covered with the mean color, in 100 images."""
    images = synthetic[0][:100]
    color = synthetic[0].mean((0, 2, 3))
    with torch.no_grad():
        logits, classes = network(images).max(1)
    ranks = compute_contributions(network, images, classes).flatten(1).argsort(descending=True)
    generator = torch.Generator().manual_seed(0)
    random_ranks = torch.rand(ranks.shape, generator=generator).argsort()
    drops = {}
    for name, order in (("highest", ranks), ("random", random_ranks)):
        covered = cover(images, order[:, : 49 // 4], color)
        with torch.no_grad():
            drops[name] = logits - network(covered).gather(1, classes[:, None])[:, 0]
    difference = drops["highest"] - drops["random"]
    standard_error = difference.std() / len(images) ** 0.5
    assert difference.mean() > 3 * standard_error


def cover(images: Tensor, positions: Tensor, color: Tensor) -> Tensor:
    """Return the images with some positions, int64 (n, k) of 7 x 7, in one color."""
    mask = torch.zeros(len(images), 49).scatter(1, positions, 1).view(-1, 1, 7, 7)
    pixels = torch.nn.functional.interpolate(mask, scale_factor=PIXELS_PER_POSITION)
    return torch.where(pixels > 0, color[None, :, None, None], images)
