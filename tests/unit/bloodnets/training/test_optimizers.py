"""The learning rate over a training, and what each optimizer is given."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from bloodnets.config import TrialConfig
from bloodnets.training.optimizers import CLIMB, make_optimizer, one_cycle, set_learning_rate
from study.configs.presets import PUBLISHED, RESNET

CONFIG = TrialConfig(**RESNET, patience=60)


def test_a_cycle_rises_in_a_line_and_falls_to_nothing() -> None:
    assert one_cycle(0) == 0
    assert one_cycle(CLIMB / 2) == pytest.approx(0.5)
    assert one_cycle(CLIMB) == 1
    assert one_cycle((1 + CLIMB) / 2) == pytest.approx(0.5)
    assert one_cycle(1) == pytest.approx(0, abs=1e-12)
    fall = [one_cycle(CLIMB + step / 100 * (1 - CLIMB)) for step in range(101)]
    assert fall == sorted(fall, reverse=True)


@pytest.mark.parametrize(
    ("config", "kind", "wanted"),
    [
        (TrialConfig(**PUBLISHED["cnn-config-1"]), "SGD", {"lr": 0.01, "momentum": 0.9}),
        (TrialConfig(**PUBLISHED["cnn-config-2"]), "Adam", {"lr": 0.001, "weight_decay": 0}),
        (replace(CONFIG, weight_decay=0.3), "AdamW", {"lr": 0.004, "weight_decay": 0.3}),
    ],
)
def test_an_optimizer_is_given_its_settings(
    config: TrialConfig, kind: str, wanted: dict[str, Any]
) -> None:
    optimizer = make_optimizer(nn.Linear(2, 2), config)
    assert type(optimizer).__name__ == kind
    assert wanted.items() <= optimizer.param_groups[0].items()


@pytest.mark.parametrize("rate", [0.1, torch.tensor(0.1)])
def test_a_learning_rate_is_changed_where_it_is(rate: float | torch.Tensor) -> None:
    """A captured graph reads the tensor, so another one would not be seen."""
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=rate, fused=True)
    before = optimizer.param_groups[0]["lr"]
    set_learning_rate(optimizer, 0.25)
    after = optimizer.param_groups[0]["lr"]
    assert float(after) == 0.25
    assert after is before or isinstance(before, float)
