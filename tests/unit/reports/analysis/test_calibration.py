"""Reliability of probabilities: known errors in, known errors out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from reports import figures
from reports.analysis.calibration import N_BINS, Calibration, compute_calibration
from reports.format.text import DataLabel
from reports.ledger import loading
from reports.sections.errors import calibration as section
from reports.sections.findings import analyze
from tests.helpers import grid_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC

DATA = DataLabel(warning="", short="official BloodMNIST", full="official BloodMNIST")


def made(*trials: tuple[str, np.ndarray, np.ndarray]) -> loading.TestPredictions:
    """Trials by name, the probability of the predicted class, and whether it is right.

    Every image is of class 0; a wrong one is called class 1.
    """
    probabilities = []
    for _, top, right in trials:
        each = np.repeat((1 - top)[:, None] / 7, 8, axis=1)
        each[np.arange(top.size), np.where(right, 0, 1)] = top
        probabilities.append(each)
    names = [name for name, _, _ in trials]
    frame = pd.DataFrame({"configuration": names, "family": "cnn", "seed": range(len(trials))})
    return loading.TestPredictions(
        trials=frame.assign(study="s", loss="nll", optimizer="sgd"),
        labels=np.zeros(trials[0][1].size, dtype=np.int64),
        probabilities=np.array(probabilities, dtype=np.float32),
    )


def shares(top: float, right: float, images: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(images, top), np.arange(images) < round(right * images)


def one(found: Calibration) -> pd.Series:
    return found.errors.iloc[0]


def test_certain_and_right_nine_times_in_ten_is_off_by_a_tenth() -> None:
    found = compute_calibration(made(("sure", *shares(1.0, 0.9, 1000))))
    assert one(found)["ece"] == pytest.approx(0.1, abs=1e-12)
    assert one(found)["gap"] == pytest.approx(0.1, abs=1e-12)
    assert one(found)["tendency"] == "overconfident"
    assert one(found)["expected_ece"] == 0
    assert found.bins["bin"].tolist() == [N_BINS - 1]


def test_more_often_right_than_promised_is_underconfident() -> None:
    found = compute_calibration(made(("shy", *shares(0.5, 0.9, 1000))))
    assert one(found)["ece"] == pytest.approx(0.4, abs=1e-6)
    assert one(found)["gap"] == pytest.approx(-0.4, abs=1e-6)
    assert one(found)["tendency"] == "underconfident"


def test_errors_of_bins_do_not_cancel() -> None:
    high, low = shares(0.95, 0.75, 500), shares(0.45, 0.65, 500)
    top, right = (np.concatenate(parts) for parts in zip(high, low, strict=True))
    found = compute_calibration(made(("both", top, right)))
    assert one(found)["ece"] == pytest.approx(0.2, abs=1e-6)
    assert one(found)["gap"] == pytest.approx(0, abs=1e-6)
    assert one(found)["tendency"] == "cannot tell"


def test_perfect_calibration_shows_what_luck_explains_and_no_more() -> None:
    random = np.random.default_rng(0)
    top = random.uniform(0.3, 1, size=(20, 3000))
    trials = [("fair", each, random.uniform(size=each.size) < each) for each in top]
    found = one(compute_calibration(made(*trials)))
    # An ECE is a sum of sizes, so luck alone keeps it above 0: sqrt(15 bins / 3,000) is .07.
    assert 0.01 < found["ece"] < 0.03
    assert found["ece"] == pytest.approx(found["expected_ece"], rel=0.1)
    assert found["tendency"] == "cannot tell"


def test_whiskers_are_for_the_images_of_one_trial() -> None:
    found = compute_calibration(made(*(("c", *shares(0.97, 0.9, 100)) for _ in range(5))))
    (bin_,) = found.bins.to_dict("records")
    assert (bin_["images"], bin_["share"], bin_["accuracy"]) == (100, 1, 0.9)
    # Wilson's interval of 90 in 100; of 450 in 500 it would be half as wide.
    interval = (bin_["accuracy_low"], bin_["accuracy_high"])
    assert interval == pytest.approx((0.8256, 0.9448), abs=1e-4)


def test_the_mean_over_seeds_is_of_each_trials_own_error() -> None:
    # Pooled, the two would cancel.
    found = compute_calibration(made(("c", *shares(0.9, 0.8, 100)), ("c", *shares(0.9, 1.0, 100))))
    assert one(found)["ece"] == pytest.approx(0.1, abs=1e-6)
    assert one(found)["ece_sd"] == pytest.approx(0, abs=1e-6)
    assert one(found)["seeds"] == 2


def test_the_figure_draws_points_intervals_and_pales_the_few() -> None:
    many, few = shares(0.97, 0.9, 100), shares(0.3, 1 / 3, 9)
    top, right = (np.concatenate(parts) for parts in zip(many, few, strict=True))
    found = compute_calibration(made(("c", top, right)))
    figure = figures.draw_reliability(found.bins, found.errors, data=DATA)
    axes = figure.axes[0]
    pale, full = axes.containers[-2:]
    np.testing.assert_allclose(full[0].get_xydata(), [[97, 90]], rtol=1e-6)
    np.testing.assert_allclose(pale[0].get_xydata(), [[30, 100 / 3]], rtol=1e-6)
    assert (pale[0].get_alpha(), full[0].get_alpha()) == (0.3, 1.0)
    bars = {
        round(bar.get_x()): bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)
    }
    assert bars == pytest.approx({27: 100 * 9 / 109, 93: 100 * 100 / 109})
    assert axes.get_title(loc="left").startswith("c: ECE ")
    assert [text.get_text() for text in figure.texts] == ["Data: official BloodMNIST"]


def test_the_section_says_who_promises_too_much(tmp_path: Path) -> None:
    matrices = {name: [ASYMMETRIC] for name in ("mlnn-config-1", "cnn-config-1")}
    analysis = analyze(grid_builder.build_grid(tmp_path / "s", matrices), None)
    found = section.make_section(
        compute_calibration(analysis.study.loaded_study.predictions), context=analysis.context
    )
    # The stand-in predictions are right nine times in ten and give their class a third.
    assert found.paragraphs[1].startswith("All 2 configurations keep more than they promise")
    assert [picture.name for picture in found.figures] == ["calibration-mlnn", "calibration-cnn"]
    errors, bins = found.tables
    assert [row[0] for row in errors.rows] == list(matrices)
    assert all(row[-1] == "underconfident" for row in errors.rows)
    assert bins.folded
