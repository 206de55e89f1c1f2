"""Accuracy beside its cost: whose rows, which costs, and what is drawn of them."""

import numpy as np
import pandas as pd
import pytest

from bloodnets.models import build_model, count_operations, count_parameters
from reports.analysis import cost, frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger import loading, published
from study.configs.presets import PUBLISHED
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    ledger = build_grid(
        tmp_path_factory.mktemp("costs") / "s",
        {"mlnn-config-1": [ASYMMETRIC], "cnn-config-1": [ASYMMETRIC], "resnet": [ASYMMETRIC]},
        record_overrides={"resnet": {"family": "resnet"}},
    )
    study = read_study_files(ledger)
    return make_comparison_frame(study, bootstrap_scores(study.predictions))


class Block(nn.Module):
    """Of a residual network: two convolutions of 3 x 3, or one between two of 1 x 1."""

    def __init__(self, inputs: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = 4 * width if bottleneck else width
        shapes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        self.way = nn.Sequential(*(_convolution(*shape) for shape in shapes))
        same = stride == 1 and inputs == outputs
        self.short = nn.Identity() if same else _convolution(inputs, outputs, 1, stride)

    def forward(self, images: Tensor) -> Tensor:
        summed: Tensor = self.way(images) + self.short(images)
        return summed


def _convolution(inputs: int, outputs: int, side: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def residual(layers: list[int], *, pixels: int) -> nn.Sequential:
    """ResNet-18 and 50 as the benchmark has them; ReLU, which counts for nothing, left out."""
    small, bottleneck = pixels == 28, layers == [3, 4, 6, 3]
    first = _convolution(3, 64, 3 if small else 7, 1 if small else 2)
    blocks: list[nn.Module] = [first, nn.Identity() if small else nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for level, count in enumerate(layers):
        for i in range(count):
            stride = 2 if level and not i else 1
            blocks.append(Block(inputs, 64 << level, stride, bottleneck=bottleneck))
            inputs = (64 << level) * (4 if bottleneck else 1)
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 8))


@pytest.mark.parametrize("row", published.load_published().benchmark, ids=str)
def test_costs_of_the_benchmark_are_those_of_its_layers(
    row: published.BenchmarkMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = collect_costs(comparison, with_published=True)
    assert frame["source"].value_counts().to_dict() == {"paper": 8, "benchmark": 4, "study": 3}
    ours = frame[frame["source"] == "study"].set_index("name")
    assert ours["accuracy"].tolist() == [pytest.approx(32 / 36)] * 3
    assert (ours["accuracy_low"] < ours["accuracy"]).all()
    assert (ours["accuracy_high"] > ours["accuracy"]).all()
    assert tuple(ours.loc["resnet", ["parameters", "operations"]]) == FAMILY_COSTS["resnet"]
    theirs = frame[frame["source"] != "study"].set_index("name")
    assert theirs[["accuracy_low", "accuracy_high"]].isna().all(axis=None)
    assert theirs.loc["cnn-config-1", "accuracy"] == 3222 / 3421
    assert theirs.loc["ResNet-18, 28 pixels", "accuracy"] == 0.958


def test_without_operations_there_is_nothing_to_show(compared: pd.DataFrame) -> None:
    assert cost.collect_costs(compared.assign(operations=np.nan), with_published=True).empty
    assert cost.collect_costs(compared.assign(seeds=0), with_published=True).empty
