"""The two networks have the paper's size, shape and parameters."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from bloodnets.config import Family, Loss, TrialConfig
from bloodnets.models import Cnn, build_model, count_parameters
from study.grid import PUBLISHED

CONFIG = TrialConfig(**PUBLISHED["cnn-config-2"])
IMAGES = torch.linspace(-1, 1, 5 * 3 * 28 * 28).reshape(5, 3, 28, 28)


@pytest.mark.parametrize(("family", "parameters"), [("mlnn", 4_179_568), ("cnn", 422_344)])
def test_the_number_of_parameters_is_the_papers(family: Family, parameters: int) -> None:
    assert count_parameters(build_model(replace(CONFIG, family=family))) == parameters


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_dropout_follows_each_hidden_layer(family: Family) -> None:
    model = build_model(replace(CONFIG, family=family, dropout=0.35))
    rates = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    assert rates == [0.35, 0.35]


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_nll_models_end_in_log_softmax_and_the_others_in_logits(family: Family) -> None:
    sums = {}
    losses: tuple[Loss, ...] = ("nll", "cross_entropy")
    for loss in losses:
        torch.manual_seed(0)
        outputs = build_model(replace(CONFIG, family=family, loss=loss)).eval()(IMAGES)
        assert outputs.shape == (5, 8)
        sums[loss] = outputs.exp().sum(1)
    torch.testing.assert_close(sums["nll"], torch.ones(5))
    assert not torch.allclose(sums["cross_entropy"], torch.ones(5), atol=0.01)


def test_the_cnn_is_the_papers_layer_by_layer() -> None:
    """Max-pool before ReLU, as here, gives the values of ReLU before max-pool, as there."""
    torch.manual_seed(0)
    model = Cnn(dropout=0.2).eval()
    convolutions = [module for module in model.features if isinstance(module, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(3, 32), (32, 64), (64, 128)]
    values = IMAGES
    for convolution in convolutions:
        values = nn.functional.max_pool2d(convolution(values).relu(), 2)
    linear = [module for module in model.classifier if isinstance(module, nn.Linear)]
    values = linear[0](values.flatten(1)).relu()
    values = linear[2](linear[1](values).relu())
    torch.testing.assert_close(model(IMAGES), values)
