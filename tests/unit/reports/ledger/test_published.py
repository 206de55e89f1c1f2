"""The published rows: right, and read strictly."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bloodnets import metrics
from bloodnets.constants import CLASS_NAMES
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.medmnist_sets import parse_option
from bloodnets.models import build_model, count_operations, count_parameters
from reports.ledger import published
from reports.ledger.data_record import DataRecord
from reports.ledger.states import DataKind
from study.configs.presets import PUBLISHED
from tests.helpers import grid_builder
from tests.helpers.paper import CLASS_COUNTS, MACRO_F1, WEIGHTED_F1

ROWS = published.load_published().rows


def test_load_published_has_the_eight_configurations_in_order() -> None:
    names = [f"{family}-config-{i}" for family in ("mlnn", "cnn") for i in (1, 2, 3, 4)]
    assert [row.configuration for row in ROWS] == names
    assert [row.weighted_f1 for row in ROWS] == WEIGHTED_F1


@pytest.mark.parametrize("i", range(8))
def test_published_matrix_gives_the_published_scores(i: int) -> None:
    scores = metrics.compute_scores(ROWS[i].get_confusion_matrix())
    # The paper lists 88.56 for the first row, and its matrix says otherwise.
    weighted = 0.8866 if i == 0 else WEIGHTED_F1[i]
    assert scores["weighted_f1"] == pytest.approx(weighted, abs=0.00006)
    assert scores["macro_f1"] == pytest.approx(MACRO_F1[i], abs=0.00006)


@pytest.mark.parametrize("i", range(8))
def test_published_matrix_rows_are_the_true_classes(i: int) -> None:
    np.testing.assert_array_equal(ROWS[i].get_confusion_matrix().sum(axis=1), CLASS_COUNTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.configuration)
def test_find_published_by_settings_with_any_seed_returns_the_row(
    row: published.PublishedRow,
) -> None:
    assert published.find_published(grid_builder.make_config(row.configuration, seed=7)) is row


@pytest.mark.parametrize("change", [{"dropout": 0.3}, {"learning_rate": 0.02}, {"momentum": 0.8}])
def test_find_published_with_other_settings_is_none(change: dict[str, Any]) -> None:
    assert published.find_published(grid_builder.make_config("mlnn-config-1", **change)) is None


@pytest.mark.parametrize(
    ("added", "same"),
    [
        ({"dihedral_augmentation": True}, False),
        ({"weight_decay": 1e-4}, False),
        ({"schedule": "one_cycle"}, False),
        ({"weight_decay": 0.0, "max_shift": 0}, True),
        ({"precision": "bfloat16"}, True),
    ],
)
def test_find_published_with_settings_the_paper_lacks_needs_them_neutral(
    added: dict[str, Any], same: bool
) -> None:
    assert (
        published.find_published(grid_builder.make_config("mlnn-config-1") | added) is not None
    ) == same


def test_published_row_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ROWS[0].weighted_f1 = 1.0  # type: ignore[misc]


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
    published.load_published().benchmark["bloodmnist"],
    ids=lambda row: f"{row.method} {row.resolution}",
)
def test_published_costs_of_the_benchmark_are_those_of_its_layers(
    row: published.BenchmarkMethod,
) -> None:
    layers = {"ResNet-18": [2, 2, 2, 2], "ResNet-50": [3, 4, 6, 3]}.get(row.method)
    if layers is None:
        assert (row.parameters, row.operations) == (None, None)
        return
    with torch.device("meta"):
        model = make_resnet(layers, n_pixels=row.resolution).eval()
        image = torch.empty(1, BLOODMNIST_SHAPE.channels, row.resolution, row.resolution)
    with FlopCounterMode(display=False) as counter:
        model(image)
    assert (count_parameters(model), counter.get_total_flops()) == (row.parameters, row.operations)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_costs_of_the_paper_are_those_of_its_networks(name: str) -> None:
    config = PUBLISHED[name]
    row, model = published.find_published(config.to_dict()), build_model(config, BLOODMNIST_SHAPE)
    assert row is not None
    assert (row.parameters, row.operations) == (
        count_parameters(model),
        count_operations(model, BLOODMNIST_SHAPE),
    )


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_may_show_published_is_false_for_other_data_and_absent_classes(split: str) -> None:
    def make_data(kind: DataKind) -> DataRecord:
        return grid_builder.make_grid_record(
            "s", kind, CLASS_NAMES, grid_builder.ASYMMETRIC, []
        ).data

    assert published.may_show_published(make_data(DataKind.OFFICIAL))
    file = make_data(DataKind.FILE)
    assert published.may_show_published(file)
    assert not published.may_show_published(make_data(DataKind.SYNTHETIC))
    assert not published.may_show_published(make_data(DataKind.MEDMNIST))
    larger = grid_builder.to_medmnist(file, parse_option("bloodmnist:64"))
    assert not published.may_show_published(larger)
    counts = {**file.class_counts, split: (1, 1, 1, 0, 1, 1, 1, 1)}
    assert not published.may_show_published(dataclasses.replace(file, class_counts=counts))
