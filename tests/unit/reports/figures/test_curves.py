"""Learning curves: models in common panels, their seeds, bands and kept epochs."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D

from reports import figures
from reports.analysis.learning_curves import average_curves
from tests.helpers.artists import read_bands, read_offsets, read_points
from tests.helpers.report_frames import OFFICIAL


def make_epochs(*names: str, seeds: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "configuration": name,
                "replicate": f"s{seed}",
                "epoch": epoch,
                "train_loss": (1 + seed + number) / epoch,
                "val_loss": (2 + seed + number) / epoch,
                "val_macro_f1": 0.8 + 0.01 * (epoch + seed),
                "best_epoch": 2,
            }
            for number, name in enumerate(names)
            for seed in range(seeds)
            for epoch in (1, 2, 3)
        ]
    )


def draw(epochs: pd.DataFrame) -> figures.MarkedFigure:
    return figures.draw_curves(epochs, average_curves(epochs), data=OFFICIAL)


def list_mean_lines(figure: figures.MarkedFigure, panel: int) -> list[Line2D]:
    return [line for line in figure.axes[panel].lines if line.get_linewidth() == 1.6]


def test_draw_curves_has_both_losses_of_each_model_and_its_macro_f1() -> None:
    figure = draw(make_epochs("a", "b", seeds=2))
    a_train, a_val, b_train, b_val = list_mean_lines(figure, 0)
    np.testing.assert_allclose(read_points(a_train), [[1, 1.5], [2, 0.75], [3, 0.5]])
    np.testing.assert_allclose(read_points(a_val)[:, 1], [2.5, 1.25, 2.5 / 3])
    np.testing.assert_allclose(read_points(b_val)[:, 1], [3.5, 1.75, 3.5 / 3])
    assert a_train.get_linestyle() == b_train.get_linestyle() != a_val.get_linestyle()
    assert a_train.get_color() == a_val.get_color() != b_val.get_color()
    a_f1, b_f1 = list_mean_lines(figure, 1)
    np.testing.assert_allclose(read_points(a_f1)[:, 1], [81.5, 82.5, 83.5])
    assert (a_f1.get_color(), b_f1.get_color()) == (a_val.get_color(), b_val.get_color())


def test_draw_curves_losses_start_at_zero_and_the_legend_names_the_models() -> None:
    figure = draw(make_epochs("a", "b", seeds=1))
    assert figure.axes[0].get_ylim()[0] == 0
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:2] == ["a", "b"]
    assert len(texts) == 4


def test_draw_curves_rings_the_epoch_whose_weights_were_kept() -> None:
    loss_axes, f1_axes = draw(make_epochs("a", seeds=2)).axes
    assert len(loss_axes.collections) == 0
    np.testing.assert_allclose(read_offsets(f1_axes.collections[-1]), [[2, 82], [2, 83]])


@pytest.mark.parametrize(("seeds", "n_lines", "n_bands"), [(1, 0, 0), (2, 2, 0), (3, 0, 1)])
def test_draw_curves_two_seeds_are_lines_and_more_a_band(
    seeds: int, n_lines: int, n_bands: int
) -> None:
    axes = draw(make_epochs("a", seeds=seeds)).axes[1]
    assert len([line for line in axes.lines if line.get_linewidth() == 0.6]) == n_lines
    assert len(read_bands(axes)) == n_bands


def test_draw_curves_band_is_mean_and_spread_and_is_not_cut_off() -> None:
    epochs = make_epochs("a", seeds=6)
    axes = draw(epochs).axes[1]
    (corners,) = read_bands(axes)
    last = average_curves(epochs).iloc[-1]
    high = (last["val_macro_f1"] + last["val_macro_f1_sd"]) * 100
    assert corners[:, 0].max() == last["epoch"] == 3
    assert np.isclose(corners[:, 1], high).any()
    low, top = axes.get_ylim()
    assert low < corners[:, 1].min()
    assert corners[:, 1].max() < top


def test_draw_curves_marks_every_artist_with_its_model_and_each_epoch_with_its_values() -> None:
    figure = draw(make_epochs("a", "b", seeds=3))
    assert {mark.model for mark in figure.marks} == {"a", "b"}
    tips = [mark.tips for mark in figure.marks if mark.tips]
    assert [len(texts) for texts in tips] == [3] * 4  # a point per epoch, in each panel
    assert "81.00%" not in tips[0][0]
    assert "2.0000" in tips[0][0]  # the mean loss on train
    assert "82.00%" in tips[0][0]
