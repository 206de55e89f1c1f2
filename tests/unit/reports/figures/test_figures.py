"""Frames to figures: what is drawn, where, and what it says of itself."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import rcParams
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from reports import figures
from reports.analysis import confusion, frames, learning_curves
from reports.analysis.bootstrap import bootstrap_scores
from reports.format.text import DataLabel
from reports.ledger import loading
from reports.ledger.loading import LoadedStudy
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC

PHOTOGRAPHS = DataLabel(warning="", short="official BloodMNIST", full="official BloodMNIST")
DRAWINGS = DataLabel(warning="SYNTHETIC", short="SYNTHETIC: drawings", full="SYNTHETIC: drawings")
LABELS = [f"{i} $c_{i}$" for i in range(8)]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("figures") / "s",
        {
            "cnn-config-1": [ASYMMETRIC] * 2,
            "$\\frac$ <odd> name": [np.diag(ASYMMETRIC.sum(axis=1))] * 2,
        },
        config_overrides={"$\\frac$ <odd> name": {"dropout": 0.4}},
    )
    return loading.read_study_files(ledger)


def draw_figure(study: LoadedStudy, kind: str, data: DataLabel = PHOTOGRAPHS) -> Figure:
    if kind == "scores":
        return figures.draw_scores(
            frames.make_comparison_frame(study, bootstrap_scores(study.predictions)), data=data
        )
    if kind == "confusions":
        cells = confusion.analyze_confusion(study.predictions).matrices
        return figures.draw_confusion_matrices(cells, LABELS, data=data)
    curves = learning_curves.make_curves_frame(study)
    return figures.draw_curves(
        curves, learning_curves.average_curves(curves), column="train_loss", data=data
    )


@pytest.mark.parametrize("kind", ["curves", "scores", "confusions"])
def test_every_figure_names_its_data(study: LoadedStudy, kind: str) -> None:
    notes = {
        data: [text.get_text() for text in draw_figure(study, kind, data).texts]
        for data in (PHOTOGRAPHS, DRAWINGS)
    }
    assert notes[PHOTOGRAPHS] == ["Data: official BloodMNIST"]
    assert notes[DRAWINGS] == ["SYNTHETIC: drawings"]


def test_a_line_a_seed_and_a_bold_mean(study: LoadedStudy) -> None:
    axes = draw_figure(study, "curves").axes[0]
    one = learning_curves.make_curves_frame(study).query("configuration == 'cnn-config-1'")
    widths = [line.get_linewidth() for line in axes.lines]
    assert len(widths) == 4  # the other configuration, two seeds, their mean
    assert max(widths) == widths[-1]
    np.testing.assert_allclose(
        np.asarray(axes.lines[1].get_ydata()), one[one["seed"] == 0]["train_loss"]
    )
    assert axes.get_ylim()[0] == 0


def test_scores_say_where_the_axis_starts(study: LoadedStudy) -> None:
    axes = draw_figure(study, "scores").axes[0]
    low, high = axes.get_xlim()
    assert low > 0
    assert f"axis from {low:.1f} to {high:.1f}, not from 0" in axes.get_xlabel()


def test_confusion_is_drawn_true_down_predicted_across(study: LoadedStudy) -> None:
    axes = draw_figure(study, "confusions").axes[0]
    texts = {
        (text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts
    }
    assert texts[(0, 1)] == "80"  # row 0, column 1: two seeds of 40
    assert texts[(0.08, 1)] == "40.00"
    assert texts[(1, 0)] == "0"
    assert "True class" in axes.get_ylabel()
    assert [label.get_text() for label in axes.get_yticklabels()] == LABELS


def test_rendering_is_repeatable_and_leaves_matplotlib_alone(study: LoadedStudy) -> None:
    before = dict(rcParams)
    svg, png = figures.render_svg_and_png(draw_figure(study, "scores"))
    again = figures.render_svg_and_png(draw_figure(study, "scores"))
    assert (svg, png) == again
    assert dict(rcParams) == before
    assert svg.startswith(b"<?xml")
    height, width, _ = imread(io.BytesIO(png)).shape
    assert width == 7.2 * 160
    assert height > 300


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_number_of_panels_has_its_axes_named(tmp_path: Path, count: int) -> None:
    changes = {f"c{i}": {"dropout": i / 10} for i in range(count)}
    ledger = grid_builder.build_grid(
        tmp_path / "s", {name: [ASYMMETRIC] for name in changes}, config_overrides=changes
    )
    panels = draw_figure(loading.read_study_files(ledger), "curves").axes
    assert len(panels) == count
    assert [bool(axes.get_xlabel()) for axes in panels] == [i >= count - 2 for i in range(count)]
    assert [bool(axes.get_ylabel()) for axes in panels] == [i % 2 == 0 for i in range(count)]


def seeds_of(tmp_path: Path, count: int, value: str) -> tuple[Figure, pd.DataFrame]:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * count})
    frame = learning_curves.make_curves_frame(loading.read_study_files(ledger))
    means = learning_curves.average_curves(frame)
    return figures.draw_curves(frame, means, column=value, data=PHOTOGRAPHS), means


@pytest.mark.parametrize(
    ("count", "lines", "bands"), [(1, 1, 0), (2, 3, 0), (3, 4, 1), (5, 6, 1), (6, 1, 1)]
)
def test_many_seeds_are_a_band(tmp_path: Path, count: int, lines: int, bands: int) -> None:
    axes = seeds_of(tmp_path, count, "train_loss")[0].axes[0]
    assert len(axes.lines) == lines
    assert sum(isinstance(part, PolyCollection) for part in axes.collections) == bands


def test_the_band_is_mean_and_standard_deviation_and_is_not_cut_off(tmp_path: Path) -> None:
    figure, means = seeds_of(tmp_path, 6, "val_macro_f1")
    axes = figure.axes[0]
    (band,) = (p for p in axes.collections if isinstance(p, PolyCollection))
    corners = band.get_paths()[0].vertices
    last = means.iloc[-1]
    high = (last["val_macro_f1"] + last["val_macro_f1_sd"]) * 100
    assert np.asarray(corners)[:, 0].max() == last["epoch"]
    assert np.isclose(np.asarray(corners)[:, 1], high).any()
    low, top = axes.get_ylim()
    assert low < np.asarray(corners)[:, 1].min()
    assert np.asarray(corners)[:, 1].max() < top
