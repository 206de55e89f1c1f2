"""What the benchmarks take for granted: operations and bytes of the networks, and their table."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model
from study.configs.presets import PUBLISHED
from tests.benchmarks.__main__ import (
    BEGIN_TAG,
    END_TAG,
    PAGE_PATH,
    RECORD_PATH,
    format_section,
)
from tests.benchmarks.engine import compute_packed_s
from tests.benchmarks.figures import Measurement, compute_ratio, format_number, format_table
from tests.benchmarks.gpu import N_ACTIVATIONS, compute_floor_s
from tests.benchmarks.loop import iterate_products


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_iterate_products_sum_to_the_operations_of_a_step(family: str) -> None:
    batch = 4
    model = build_model(PUBLISHED[f"{family}-config-1"], BLOODMNIST_SHAPE)
    with FlopCounterMode(display=False) as counter:
        loss: Tensor = model(torch.zeros(batch, 3, 28, 28)).sum()
        loss.backward()  # type: ignore[no-untyped-call]
    counted = counter.get_total_flops()
    assert sum(2 * m * k * n for m, k, n in iterate_products(family, batch)) == counted


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
def test_n_activations_equal_those_of_the_layers(family: str) -> None:
    model = build_model(PUBLISHED[f"{family}-config-1"], BLOODMNIST_SHAPE)
    sizes: list[int] = []

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        sizes.append(output.numel())

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.Linear):
            module.register_forward_hook(note)
    model(torch.zeros(1, 3, 28, 28))
    assert sum(sizes) == N_ACTIVATIONS[family]


def test_compute_floor_s_is_that_of_the_slower_part() -> None:
    config = replace(PUBLISHED["mlnn-config-2"], batch_size=128)
    of_bytes = compute_floor_s(config, 12_800, bandwidth=1e12, flop_rate=1e30)
    weights = 100 * 10 * 4 * 4_179_568
    assert of_bytes == pytest.approx((weights + 12_800 * 16 * 2368) / 1e12)
    assert compute_floor_s(config, 12_800, 1e30, flop_rate=1e12) == pytest.approx(
        12_800 * 19.5e6 / 1e12, rel=0.01
    )


def test_compute_packed_s_packs_the_longest_first() -> None:
    assert compute_packed_s([1, 5, 3, 3], 2) == 6
    assert compute_packed_s([1, 5, 3, 3], 1) == 12


def test_measurement_bound_decides_whether_it_is_met() -> None:
    more, less = (
        Measurement(what="x", value=0.7, at_least=0.7),
        Measurement(what="y", value=3, at_most=2),
    )
    assert (more.is_met, less.is_met, Measurement(what="z", value=1).is_met) == (True, False, None)
    lines = format_table([more, less]).splitlines()
    assert lines[2] == "| x | 0.7 | ≥ 0.7 |  |"
    assert lines[3] == "| y | **3 (misses the target)** | ≤ 2 |  |"


def test_compute_ratio_is_the_median_of_the_rounds() -> None:
    value, words = compute_ratio([2, 9, 3], [1, 1, 1])
    assert value == 3
    assert words == "3 rounds, 2.00 to 9.00"
    assert [format_number(x) for x in (0.0123456, 12.345, 1234.5)] == ["0.0123", "12.3", "1,234"]


def test_documented_benchmarks_equal_the_record() -> None:
    shown = PAGE_PATH.read_text().partition(BEGIN_TAG)[2].partition(END_TAG)[0]
    assert shown == f"\n{format_section(json.loads(RECORD_PATH.read_text()))}"
