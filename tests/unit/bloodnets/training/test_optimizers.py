"""The learning rate over a training, and what each optimizer is given."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from bloodnets.config import TrialConfig
from bloodnets.training.optimizers import (
    WARM_UP_SHARE,
    compute_one_cycle_factor,
    make_optimizer,
    set_learning_rate,
)
from study.configs.presets import PUBLISHED, RESNET

CONFIG = RESNET


def test_compute_one_cycle_factor_rises_linearly_and_falls_to_zero() -> None:
    assert compute_one_cycle_factor(0) == 0
    assert compute_one_cycle_factor(WARM_UP_SHARE / 2) == pytest.approx(0.5)
    assert compute_one_cycle_factor(WARM_UP_SHARE) == 1
    assert compute_one_cycle_factor((1 + WARM_UP_SHARE) / 2) == pytest.approx(0.5)
    assert compute_one_cycle_factor(1) == pytest.approx(0, abs=1e-12)
    fall = [
        compute_one_cycle_factor(WARM_UP_SHARE + step / 100 * (1 - WARM_UP_SHARE))
        for step in range(101)
    ]
    assert fall == sorted(fall, reverse=True)


@pytest.mark.parametrize(
    ("config", "kind", "expected"),
    [
        (PUBLISHED["cnn-config-1"], "SGD", {"lr": 0.01, "momentum": 0.9}),
        (PUBLISHED["cnn-config-2"], "Adam", {"lr": 0.001, "weight_decay": 0}),
        (replace(CONFIG, weight_decay=0.3), "AdamW", {"lr": 0.004, "weight_decay": 0.3}),
    ],
)
def test_make_optimizer_config_gives_class_and_settings(
    config: TrialConfig, kind: str, expected: dict[str, Any]
) -> None:
    optimizer = make_optimizer(nn.Linear(2, 2), config)
    assert type(optimizer).__name__ == kind
    assert expected.items() <= optimizer.param_groups[0].items()


@pytest.mark.parametrize("rate", [0.1, torch.tensor(0.1)])
def test_set_learning_rate_tensor_is_changed_in_place(rate: float | torch.Tensor) -> None:
    """A captured graph reads the tensor, so another one would not be seen."""
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=rate, fused=True)
    before = optimizer.param_groups[0]["lr"]
    set_learning_rate(optimizer, 0.25)
    after = optimizer.param_groups[0]["lr"]
    assert float(after) == 0.25
    assert after is before or isinstance(before, float)
