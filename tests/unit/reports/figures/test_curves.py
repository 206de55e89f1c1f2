"""Learning curves: seeds, means, bands, the other configurations, shared axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports import figures
from reports.analysis.learning_curves import average_curves
from tests.helpers.artists import read_bands, read_offsets, read_points
from tests.helpers.report_frames import OFFICIAL


def make_epochs(*names: str, seeds: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "configuration": name,
                "loss": "cross_entropy",
                "optimizer": "sgd",
                "seed": seed,
                "epoch": epoch,
                "train_loss": (1 + seed + number) / epoch,
                "val_macro_f1": 0.8 + 0.01 * (epoch + seed),
                "best_epoch": 2,
            }
            for number, name in enumerate(names)
            for seed in range(seeds)
            for epoch in (1, 2, 3)
        ]
    )


def draw(epochs: pd.DataFrame, column: str = "train_loss") -> Figure:
    return figures.draw_curves(epochs, average_curves(epochs), column=column, data=OFFICIAL)


def test_draw_curves_has_a_line_a_seed_and_a_bold_mean() -> None:
    epochs = make_epochs("a", "b", seeds=2)
    axes = draw(epochs).axes[0]
    widths = [line.get_linewidth() for line in axes.lines]
    assert len(widths) == 4  # the other configuration, two seeds, their mean
    assert max(widths) == widths[-1]
    first_seed = epochs[(epochs["configuration"] == "a") & (epochs["seed"] == 0)]
    np.testing.assert_allclose(read_points(axes.lines[1])[:, 1], first_seed["train_loss"])
    np.testing.assert_allclose(read_points(axes.lines[0])[:, 1], [2.5, 1.25, 2.5 / 3])
    assert axes.get_title(loc="left") == "a: CrossEntropy + SGD"


def test_draw_curves_panels_share_their_limits_and_losses_start_at_zero() -> None:
    first, second = draw(make_epochs("a", "b", seeds=2)).axes
    assert first.get_ylim() == second.get_ylim()
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim()[0] == 0
    assert first.get_ylim()[1] > 3  # the highest loss of both


def test_draw_curves_marks_the_epoch_whose_weights_were_kept() -> None:
    (axes,) = draw(make_epochs("a", seeds=2)).axes
    np.testing.assert_allclose(read_offsets(axes.collections[-1]), [[2, 0.5], [2, 1.0]])


@pytest.mark.parametrize(
    ("seeds", "n_lines", "n_bands"), [(1, 1, 0), (2, 3, 0), (3, 4, 1), (5, 6, 1), (6, 1, 1)]
)
def test_draw_curves_many_seeds_are_a_band(seeds: int, n_lines: int, n_bands: int) -> None:
    (axes,) = draw(make_epochs("a", seeds=seeds)).axes
    assert len(axes.lines) == n_lines
    assert len(read_bands(axes)) == n_bands


def test_draw_curves_band_is_mean_and_spread_and_is_not_cut_off() -> None:
    epochs = make_epochs("a", seeds=6)
    (axes,) = draw(epochs, "val_macro_f1").axes
    (corners,) = read_bands(axes)
    last = average_curves(epochs).iloc[-1]
    high = (last["val_macro_f1"] + last["val_macro_f1_sd"]) * 100
    assert corners[:, 0].max() == last["epoch"] == 3
    assert np.isclose(corners[:, 1], high).any()
    low, top = axes.get_ylim()
    assert low < corners[:, 1].min()
    assert corners[:, 1].max() < top
