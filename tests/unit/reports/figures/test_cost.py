"""Accuracy against cost: every row once in each panel, and the models of the study named."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports import figures
from reports.analysis.cost import collect_costs
from reports.figures.canvas import NARROW_WIDTH
from tests.helpers.artists import is_whole
from tests.helpers.report_frames import OFFICIAL, make_comparison

COMPARISON = make_comparison({"mlnn-config-1": 0.87, "cnn-config-1": 0.94, "resnet": 0.97}).assign(
    family=["mlnn", "cnn", "resnet"], operations=[8_354_400.0, 16_462_848.0, 68_000_000.0]
)


def draw(*families: str) -> Figure:
    rows = COMPARISON[COMPARISON["family"].isin(families)]
    return figures.draw_cost(collect_costs(rows, with_published=True), data=OFFICIAL)


def test_draw_cost_each_panel_has_every_row_once_at_its_cost() -> None:
    figure = draw("mlnn", "cnn", "resnet")
    for axes, millions in zip(figure.axes, (4.179568, 8.3544), strict=True):
        hollow = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
        published = [np.asarray(line.get_xdata(), dtype=np.float64) for line in hollow]
        assert [len(costs) for costs in published] == [4, 4, 1, 1, 1, 1]
        filled = [container for container in axes.containers if container.get_label()]
        assert [container.get_label() for container in filled] == ["MLNN", "CNN", "ResNet"]
        ours = np.asarray(filled[0][0].get_xdata(), dtype=np.float64)
        np.testing.assert_allclose([*ours, *published[0]], millions)
        assert hollow[2].get_label() == "ResNet-18, 28 px"
        assert len({line.get_marker() for line in hollow}) == 6
        assert axes.get_xscale() == "log"
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_draw_cost_names_the_models_of_equal_cost_once_best_first() -> None:
    names = {f"cnn-config-{i}": 0.94 - i / 100 for i in range(1, 7)}
    comparison = make_comparison(names).assign(family="cnn", operations=16_462_848.0)
    costs = collect_costs(comparison, with_published=False)
    first, second = figures.draw_cost(costs, data=OFFICIAL).axes
    (text,) = [text.get_text() for text in first.texts]
    lines = text.split("\n")
    assert lines[:4] == ["cnn-config-1", "cnn-config-2", "cnn-config-3", "cnn-config-4"]
    assert "2" in lines[4]
    assert not second.texts


def test_draw_cost_marks_the_models_of_the_study() -> None:
    rows = COMPARISON.iloc[:2]
    figure = figures.draw_cost(collect_costs(rows, with_published=True), data=OFFICIAL)
    assert {mark.model for mark in figure.marks} == {"mlnn-config-1", "cnn-config-1", None}


@pytest.mark.parametrize("families", [["mlnn", "cnn", "resnet"], ["resnet"]])
def test_draw_cost_legend_is_not_cut_off(families: list[str]) -> None:
    figure = draw(*families)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1


def test_draw_cost_of_one_row_has_ticks() -> None:
    costs = collect_costs(COMPARISON.iloc[:1], with_published=False)
    figure = figures.draw_cost(costs, data=OFFICIAL)
    assert [container.get_label() for container in figure.axes[0].containers] == ["MLNN"]
    assert len(figure.axes[0].get_xticks()) > 0


def test_draw_cost_narrow_has_one_panel_below_the_other_and_fits_a_phone() -> None:
    costs = collect_costs(COMPARISON, with_published=True)
    figure = figures.draw_cost(costs, data=OFFICIAL, narrow=True)
    upper, lower = (axes.get_position() for axes in figure.axes)
    assert upper.y0 > lower.y1
    assert figure.get_size_inches()[0] == NARROW_WIDTH
    assert is_whole(figure)
