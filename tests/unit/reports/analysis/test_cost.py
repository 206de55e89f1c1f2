"""Accuracy beside its cost: whose rows, which costs, and what is drawn of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from bloodnets.models import build_model, count_operations, count_parameters
from reports import figures
from reports.analysis import cost, frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger import loading, published
from reports.ledger.states import DataKind
from reports.sections.comparison import cost as cost_section
from reports.sections.comparison import scores
from reports.sections.elements import Section
from reports.sections.findings import Analysis, analyze
from study.configs.presets import PUBLISHED
from tests.helpers import grid_builder, search_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC
from tests.unit.reports.figures.test_figures import PHOTOGRAPHS


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("costs") / "s",
        {"mlnn-config-1": [ASYMMETRIC], "cnn-config-1": [ASYMMETRIC], "resnet": [ASYMMETRIC]},
        record_overrides={"resnet": {"family": "resnet"}},
    )
    found = loading.read_study_files(ledger)
    return frames.make_comparison_frame(found, bootstrap_scores(found.predictions))


def make_cost_section(found: Analysis) -> Section | None:
    costs = cost.collect_costs(found.comparison, with_published=found.context.shows_published)
    return cost_section.make_section(costs, context=found.context)


def make_scores_section(found: Analysis) -> Section | None:
    return scores.make_section(
        comparison=found.comparison,
        pairwise=found.pairwise,
        trials=found.trials,
        context=found.context,
    )


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
    layers = {"ResNet-18": [2, 2, 2, 2], "ResNet-50": [3, 4, 6, 3]}.get(row.method)
    if layers is None:
        assert (row.parameters, row.operations) == (None, None)
        return
    with torch.device("meta"):
        model = residual(layers, pixels=row.resolution)
    monkeypatch.setattr("bloodnets.models.IMAGE_SIDE", row.resolution)
    assert (count_parameters(model), count_operations(model)) == (row.parameters, row.operations)


@pytest.mark.parametrize("name", ["mlnn-config-1", "mlnn-config-4", "cnn-config-2", "cnn-config-3"])
def test_costs_of_the_papers_rows_are_those_of_its_networks(name: str) -> None:
    config = PUBLISHED[name]
    row, model = published.find_published(config.to_dict()), build_model(config)
    assert row is not None
    assert (row.parameters, row.operations) == (count_parameters(model), count_operations(model))


def test_ours_come_with_intervals_and_the_published_without(compared: pd.DataFrame) -> None:
    frame = cost.collect_costs(compared, with_published=True)
    assert frame["source"].value_counts().to_dict() == {"paper": 8, "benchmark": 4, "study": 3}
    ours = frame[frame["source"] == "study"].set_index("name")
    assert ours["accuracy"].tolist() == [pytest.approx(32 / 36)] * 3
    assert (ours["accuracy_low"] < ours["accuracy"]).all()
    assert (ours["accuracy_high"] > ours["accuracy"]).all()
    assert (
        tuple(ours.loc["resnet", ["parameters", "operations"]])
        == grid_builder.FAMILY_COSTS["resnet"]
    )
    theirs = frame[frame["source"] != "study"].set_index("name")
    assert theirs[["accuracy_low", "accuracy_high"]].isna().all(axis=None)
    assert theirs.loc["cnn-config-1", "accuracy"] == 3222 / 3421
    assert theirs.loc["ResNet-18, 28 pixels", "accuracy"] == 0.958
    assert set(cost.collect_costs(compared, with_published=False)["source"]) == {"study"}


def test_without_operations_there_is_nothing_to_show(compared: pd.DataFrame) -> None:
    assert cost.collect_costs(compared.assign(operations=np.nan), with_published=True).empty
    assert cost.collect_costs(compared.assign(seeds=0), with_published=True).empty


def test_each_panel_has_every_row_once_and_none_hides_another(compared: pd.DataFrame) -> None:
    figure = figures.draw_cost(cost.collect_costs(compared, with_published=True), data=PHOTOGRAPHS)
    for axes, millions in zip(figure.axes, (4.179568, 8.3544), strict=True):
        hollow = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
        theirs = [np.asarray(line.get_xdata(), dtype=np.float64) for line in hollow]
        assert [len(own) for own in theirs] == [4, 4, 1, 1, 1, 1]
        filled = [container for container in axes.containers if container.get_label()]
        assert [container.get_label() for container in filled] == ["MLNN", "CNN", "ResNet"]
        ours = np.asarray(filled[0][0].get_xdata(), dtype=np.float64)
        mlnn = np.log10([*ours, *theirs[0]])
        assert np.diff(np.sort(mlnn)).min() > 0.01  # the paper's four beside ours
        assert 10 ** mlnn.mean() == pytest.approx(millions)
        assert hollow[2].get_label() == "ResNet-18, 28 px"
        assert len({line.get_marker() for line in hollow}) == 6
        assert axes.get_xscale() == "log"
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


@pytest.mark.parametrize("families", [["mlnn", "cnn", "resnet"], ["mlnn", "cnn"], ["resnet"]])
def test_the_legend_is_not_cut_off(compared: pd.DataFrame, families: list[str]) -> None:
    own = compared[compared["family"].isin(families)]
    figure = figures.draw_cost(cost.collect_costs(own, with_published=True), data=PHOTOGRAPHS)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1


@pytest.mark.parametrize("kind", ["official", "file", "synthetic"])
def test_drawings_stand_beside_nothing_published(tmp_path: Path, kind: DataKind) -> None:
    found = analyze(
        grid_builder.build_grid(tmp_path / "s", {"cnn-x": [ASYMMETRIC]}, kind=kind), None
    )
    section = make_cost_section(found)
    assert section is not None
    words = " ".join(section.paragraphs)
    assert ("Google AutoML Vision found there has no known cost" in words) == (kind != "synthetic")
    assert ("so the hollow marks are a landmark" in words) == (kind == "file")
    assert (len(section.tables[0].rows) == 13) == (kind != "synthetic")
    assert found.context.data.warning in section.figures[0].caption


def test_a_search_stands_beside_nothing_published(tmp_path: Path) -> None:
    section = make_cost_section(analyze(search_builder.build_search(tmp_path / "s"), None))
    assert section is not None
    assert set(section.tables[0].values["source"]) == {"study"}


def test_an_older_study_lacks_the_operations_and_nothing_else(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-x": [ASYMMETRIC]})
    (path,) = (ledger.folder / "trials").iterdir()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(',\n  "operations": 16462848', ""), encoding="utf-8")
    found = analyze(ledger, None)
    assert make_cost_section(found) is None
    section = make_scores_section(found)
    assert section is not None
    heads = [" ".join(column.heading) for column in section.tables[0].columns]
    assert heads[-3:] == ["Parameters (millions)", "Time of a trial (s)", "Images a second"]


@pytest.mark.parametrize("hosts", [("here", "here"), ("here", "there")])
def test_times_of_several_machines_are_said_to_be(tmp_path: Path, hosts: tuple[str, str]) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-x": [ASYMMETRIC] * 2})
    for path, host in zip(sorted((ledger.folder / "trials").iterdir()), hosts, strict=True):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"host": "here"', f'"host": "{host}"'), encoding="utf-8")
    section = make_scores_section(analyze(ledger, None))
    assert section is not None
    words = " ".join(section.paragraphs)
    assert "on the CPU, beside whatever else ran there" in words
    assert ("so times compare the machines" in words) == (len(set(hosts)) > 1)
