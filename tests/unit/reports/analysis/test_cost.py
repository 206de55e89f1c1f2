"""Accuracy and cost: whose rows, and which costs."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from bloodnets.models import build_model, count_operations, count_parameters
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.cost import collect_costs
from reports.analysis.frames import make_comparison_frame
from reports.ledger import published
from reports.ledger.loading import read_study_files
from study.configs.presets import PUBLISHED
from tests.helpers.grid_builder import ASYMMETRIC, FAMILY_COSTS, build_grid


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    ledger = build_grid(
        tmp_path_factory.mktemp("costs") / "s",
        {"mlnn-config-1": [ASYMMETRIC], "cnn-config-1": [ASYMMETRIC], "resnet": [ASYMMETRIC]},
        record_overrides={"resnet": {"family": "resnet"}},
    )
    study = read_study_files(ledger)
    return make_comparison_frame(study, bootstrap_scores(study.predictions))


class ResidualBlock(nn.Module):
    """Two convolutions of 3 x 3 with a shortcut, or one between two of 1 x 1."""

    def __init__(self, inputs: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = 4 * width if bottleneck else width
        shapes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        self.layers = nn.Sequential(*(make_convolution(*shape) for shape in shapes))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else make_convolution(inputs, outputs, 1, stride)

    def forward(self, images: Tensor) -> Tensor:
        summed: Tensor = self.layers(images) + self.shortcut(images)
        return summed


def make_convolution(inputs: int, outputs: int, side: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def make_resnet(layers: list[int], *, n_pixels: int) -> nn.Sequential:
    """Return ResNet-18 or 50 of the benchmark; ReLU, which counts for nothing, is left out."""
    small, bottleneck = n_pixels == 28, layers == [3, 4, 6, 3]
    first = make_convolution(3, 64, 3 if small else 7, 1 if small else 2)
    blocks: list[nn.Module] = [first, nn.Identity() if small else nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for level, count in enumerate(layers):
        for i in range(count):
            stride = 2 if level and not i else 1
            blocks.append(ResidualBlock(inputs, 64 << level, stride, bottleneck=bottleneck))
            inputs = (64 << level) * (4 if bottleneck else 1)
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 8))


@pytest.mark.parametrize(
    "row",
    published.load_published().benchmark,
    ids=lambda row: f"{row.method} {row.resolution}",
)
def test_published_costs_of_the_benchmark_are_those_of_its_layers(
    row: published.BenchmarkMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = {"ResNet-18": [2, 2, 2, 2], "ResNet-50": [3, 4, 6, 3]}.get(row.method)
    if layers is None:
        assert (row.parameters, row.operations) == (None, None)
        return
    with torch.device("meta"):
        model = make_resnet(layers, n_pixels=row.resolution)
    monkeypatch.setattr("bloodnets.models.IMAGE_SIDE", row.resolution)
    assert (count_parameters(model), count_operations(model)) == (row.parameters, row.operations)


@pytest.mark.parametrize("name", ["mlnn-config-1", "mlnn-config-4", "cnn-config-2", "cnn-config-3"])
def test_published_costs_of_the_paper_are_those_of_its_networks(name: str) -> None:
    config = PUBLISHED[name]
    row, model = published.find_published(config.to_dict()), build_model(config)
    assert row is not None
    assert (row.parameters, row.operations) == (count_parameters(model), count_operations(model))


def test_collect_costs_has_our_rows_with_intervals_and_the_published_without(
    comparison: pd.DataFrame,
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


def test_collect_costs_without_published_has_our_rows_only(comparison: pd.DataFrame) -> None:
    assert set(collect_costs(comparison, with_published=False)["source"]) == {"study"}


def test_collect_costs_without_operations_or_scores_is_empty(comparison: pd.DataFrame) -> None:
    assert collect_costs(comparison.assign(operations=np.nan), with_published=True).empty
    assert collect_costs(comparison.assign(seeds=0), with_published=True).empty
