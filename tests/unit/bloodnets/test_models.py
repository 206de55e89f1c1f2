"""The two networks have the paper's size, shape and parameters; the third is what it says."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bloodnets.config import Family, Loss
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import CNN, ResNet, build_model, count_operations, count_parameters
from study.configs.presets import CONFIGURATIONS, PUBLISHED, RESNET

CONFIG = PUBLISHED["cnn-config-2"]
IMAGES = torch.linspace(-1, 1, 5 * 3 * 28 * 28).reshape(5, 3, 28, 28)


@pytest.mark.parametrize(("family", "parameters"), [("mlnn", 4_179_568), ("cnn", 422_344)])
def test_count_parameters_published_family_equals_the_papers(
    family: Family, parameters: int
) -> None:
    assert (
        count_parameters(build_model(replace(CONFIG, family=family), BLOODMNIST_SHAPE))
        == parameters
    )


# Multiply-adds by hand: of a fully connected layer inputs x outputs, of a convolution those of a
# pixel (9 x channels in x channels out) times the pixels that it gives.
EXPECTED_COSTS = {
    "mlnn": [2352 * 1180, 1180 * 1180, 1180 * 8],
    "cnn": [
        *(28 * 28 * 9 * 3 * 32, 14 * 14 * 9 * 32 * 64, 7 * 7 * 9 * 64 * 128),
        *(1152 * 256, 256 * 128, 128 * 8),
    ],
}


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
@pytest.mark.parametrize(("family", "trained"), [("mlnn", 19.5e6), ("cnn", 48.0e6)])
def test_count_operations_published_family_is_two_per_multiply_add(
    family: Family, trained: float, loss: Loss
) -> None:
    counted = count_operations(
        build_model(replace(CONFIG, family=family, loss=loss), BLOODMNIST_SHAPE), BLOODMNIST_SHAPE
    )
    assert counted == 2 * sum(EXPECTED_COSTS[family])
    # To train takes three times as many, but for the first layer, whose input wants no gradient.
    assert 3 * counted - 2 * EXPECTED_COSTS[family][0] == pytest.approx(trained, rel=0.003)


@pytest.mark.parametrize("name", ["mlnn-config-2", "cnn-config-4", "resnet"])
def test_count_operations_equals_the_flop_counter_of_pytorch(name: str) -> None:
    model = build_model(CONFIGURATIONS[name], BLOODMNIST_SHAPE).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 28, 28))
    assert count_operations(model, BLOODMNIST_SHAPE) == counter.get_total_flops()


def test_count_operations_leaves_model_and_random_state_unchanged() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rng_state = torch.get_rng_state()
    for training in (True, False):
        model.train(training)
        assert count_operations(model, BLOODMNIST_SHAPE) == 2 * 26 * 26 * 9 * 3 * 4
        assert [module.training for module in model.modules()] == [training] * 5
    assert {name: str(value.device) for name, value in model.state_dict().items()} == dict.fromkeys(
        before, "cpu"
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng_state)


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_build_model_dropout_follows_each_hidden_layer(family: Family) -> None:
    model = build_model(replace(CONFIG, family=family, dropout=0.35), BLOODMNIST_SHAPE)
    rates = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    assert rates == [0.35, 0.35]


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_build_model_nll_ends_in_log_softmax_and_cross_entropy_in_logits(family: Family) -> None:
    sums = {}
    losses: tuple[Loss, ...] = ("nll", "cross_entropy")
    for loss in losses:
        torch.manual_seed(0)
        outputs = build_model(replace(CONFIG, family=family, loss=loss), BLOODMNIST_SHAPE).eval()(
            IMAGES
        )
        assert outputs.shape == (5, 8)
        sums[loss] = outputs.exp().sum(1)
    torch.testing.assert_close(sums["nll"], torch.ones(5))
    assert not torch.allclose(sums["cross_entropy"], torch.ones(5), atol=0.01)


def test_cnn_output_equals_the_papers_layer_by_layer() -> None:
    """Max-pool before ReLU, as here, gives the values of ReLU before max-pool, as there."""
    torch.manual_seed(0)
    model = CNN(BLOODMNIST_SHAPE, dropout=0.2).eval()
    convolutions = [module for module in model.features if isinstance(module, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(3, 32), (32, 64), (64, 128)]
    values = IMAGES
    for convolution in convolutions:
        values = nn.functional.max_pool2d(convolution(values).relu(), 2)
    linear = [module for module in model.classifier if isinstance(module, nn.Linear)]
    values = linear[0](values.flatten(1)).relu()
    values = linear[2](linear[1](values).relu())
    torch.testing.assert_close(model(IMAGES), values)


@pytest.mark.parametrize(("width", "parameters"), [(48, 691_448), (56, 940_192)])
def test_count_parameters_resnet_is_below_a_million(width: int, parameters: int) -> None:
    model = build_model(replace(RESNET, width=width), BLOODMNIST_SHAPE)
    assert count_parameters(model) == parameters


def test_resnet_stages_have_28_14_and_7_pixels() -> None:
    model = ResNet(BLOODMNIST_SHAPE, width=4, dropout=0.2).eval()
    shapes, values = [], IMAGES
    for layer in model.features:
        values = layer(values)
        shapes.append(tuple(values.shape[1:]))
    assert list(dict.fromkeys(shapes)) == [(4, 28, 28), (8, 14, 14), (16, 7, 7)]
    assert model(IMAGES).shape == (5, 8)


def test_resnet_block_with_zero_weights_passes_its_input_on() -> None:
    """With convolutions that give nothing, it passes on what is positive."""
    block = ResNet(BLOODMNIST_SHAPE, width=3, dropout=0.0).eval().features[3]
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    torch.testing.assert_close(block(IMAGES), IMAGES.relu())
