"""Reliability diagrams: points, whiskers, bars, pale bins."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from reports import figures
from tests.helpers.report_frames import OFFICIAL

BINS = pd.DataFrame(
    {
        "configuration": "c",
        "lower_edge": [4 / 15, 14 / 15],
        "upper_edge": [5 / 15, 1.0],
        "images": [9.0, 10.0],
        "share": [9 / 19, 10 / 19],
        "confidence": [0.3, 0.97],
        "accuracy": [1 / 3, 0.9],
        "accuracy_low": [0.1, 0.82],
        "accuracy_high": [0.7, 0.95],
    }
)
ERRORS = pd.DataFrame(
    {"configuration": ["c"], "replicates": [1], "ece": [0.067], "ece_sd": [np.nan]}
)


@pytest.fixture(scope="module")
def axes() -> Axes:
    (axes,) = figures.draw_reliability(BINS, ERRORS, data=OFFICIAL).axes
    return axes


def test_draw_reliability_pales_bins_of_few_images(axes: Axes) -> None:
    pale, full = axes.containers[-2:]
    np.testing.assert_allclose(full[0].get_xydata(), [[97, 90]], rtol=1e-6)
    np.testing.assert_allclose(pale[0].get_xydata(), [[30, 100 / 3]], rtol=1e-6)
    assert (pale[0].get_alpha(), full[0].get_alpha()) == (0.3, 1.0)


def test_draw_reliability_bars_are_shares_of_the_images(axes: Axes) -> None:
    bars = {
        round(bar.get_x()): bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)
    }
    assert bars == pytest.approx({27: 100 * 9 / 19, 93: 100 * 10 / 19})


@pytest.mark.parametrize(("sd", "text"), [(float("nan"), "6.70"), (0.004, "6.70 ± 0.40")])
def test_draw_reliability_title_has_the_error(sd: float, text: str) -> None:
    figure = figures.draw_reliability(BINS, ERRORS.assign(ece_sd=sd), data=OFFICIAL)
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith("c: ")
    assert f" {text}%" in title


def test_draw_reliability_panel_belongs_to_its_model() -> None:
    figure = figures.draw_reliability(BINS, ERRORS, data=OFFICIAL)
    mark = figure.marks[0]
    assert (mark.artist, mark.model) == (figure.axes[0], "c")
