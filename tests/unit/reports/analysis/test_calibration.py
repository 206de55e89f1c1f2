"""Reliability of probabilities: known errors in, known errors out."""

import numpy as np
import pandas as pd
import pytest

from bloodnets.metrics import FloatArray
from reports.analysis.calibration import N_BINS, Calibration, compute_calibration
from reports.ledger.test_predictions import TestPredictions

Answers = tuple[FloatArray, np.ndarray]
"""Probability of the predicted class of each image, and whether it is right."""


def make_predictions(*trials: tuple[str, Answers]) -> TestPredictions:
    """Return trials by the name of their configuration.

    Every image is of class 0; a wrong one is called class 1.
    """
    probabilities = []
    for _, (confidence, is_right) in trials:
        rows = np.repeat((1 - confidence)[:, None] / 7, 8, axis=1)
        rows[np.arange(confidence.size), np.where(is_right, 0, 1)] = confidence
        probabilities.append(rows)
    names = [name for name, _ in trials]
    replicates = [f"s{seed}" for seed in range(len(trials))]
    frame = pd.DataFrame({"configuration": names, "family": "cnn", "replicate": replicates})
    return TestPredictions(
        trials=frame.assign(study="s", loss="nll", optimizer="sgd"),
        labels=np.zeros(len(probabilities[0]), dtype=np.int64),
        probabilities=np.array(probabilities, dtype=np.float32),
    )


def make_answers(confidence: float, accuracy: float, n_images: int) -> Answers:
    return np.full(n_images, confidence), np.arange(n_images) < round(accuracy * n_images)


def join_answers(*parts: Answers) -> Answers:
    confidence, is_right = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return confidence, is_right


def get_errors(calibration: Calibration) -> pd.Series:
    """Return the only row of errors."""
    (row,) = (row for _, row in calibration.errors.iterrows())
    return row


def test_compute_calibration_of_sure_answers_right_nine_times_in_ten_is_overconfident() -> None:
    calibration = compute_calibration(make_predictions(("sure", make_answers(1.0, 0.9, 1000))))
    errors = get_errors(calibration)
    assert errors["ece"] == pytest.approx(0.1, abs=1e-12)
    assert errors["gap"] == pytest.approx(0.1, abs=1e-12)
    assert errors["tendency"] == "overconfident"
    assert errors["expected_ece"] == 0
    assert calibration.bins["bin"].tolist() == [N_BINS - 1]


def test_compute_calibration_of_answers_more_often_right_than_sure_is_underconfident() -> None:
    errors = get_errors(
        compute_calibration(make_predictions(("shy", make_answers(0.5, 0.9, 1000))))
    )
    assert errors["ece"] == pytest.approx(0.4, abs=1e-6)
    assert errors["gap"] == pytest.approx(-0.4, abs=1e-6)
    assert errors["tendency"] == "underconfident"


def test_compute_calibration_of_opposite_errors_in_two_bins_adds_them() -> None:
    answers = join_answers(make_answers(0.95, 0.75, 500), make_answers(0.45, 0.65, 500))
    errors = get_errors(compute_calibration(make_predictions(("both", answers))))
    assert errors["ece"] == pytest.approx(0.2, abs=1e-6)
    assert errors["gap"] == pytest.approx(0, abs=1e-6)
    assert errors["p_gap"] > 0.9
    assert errors["p_ece"] < 1e-6
    assert errors["tendency"] == "miscalibrated"


def test_compute_calibration_of_calibrated_answers_has_the_expected_error() -> None:
    random = np.random.default_rng(0)
    trials = [
        ("fair", (confidence, random.uniform(size=confidence.size) < confidence))
        for confidence in random.uniform(0.3, 1, size=(20, 3000))
    ]
    errors = get_errors(compute_calibration(make_predictions(*trials)))
    # An ECE is a sum of sizes, so variance alone keeps it above 0: sqrt(15 bins / 3,000) is 0.07.
    assert 0.01 < errors["ece"] < 0.03
    assert errors["ece"] == pytest.approx(errors["expected_ece"], rel=0.1)
    assert errors["p_ece"] > 0.05
    assert errors["tendency"] == "calibrated"


def test_compute_calibration_of_few_calibrated_answers_is_undecided() -> None:
    errors = get_errors(compute_calibration(make_predictions(("few", make_answers(0.9, 0.9, 100)))))
    assert errors["tendency"] == "undecided"


def test_compute_calibration_of_calibrated_answers_rejects_in_five_percent() -> None:
    random = np.random.default_rng(1)
    trials = [
        (f"fair-{index}", (confidence, random.uniform(size=confidence.size) < confidence))
        for index, confidence in enumerate(random.uniform(0.3, 1, size=(400, 1000)))
    ]
    errors = compute_calibration(make_predictions(*trials)).errors
    assert len(errors) == 400
    assert 0.02 < (errors["p_ece"] < 0.05).mean() < 0.09


def test_compute_calibration_of_five_seeds_has_the_interval_of_the_images_of_one() -> None:
    trials = [("c", make_answers(0.97, 0.9, 100))] * 5
    (row,) = compute_calibration(make_predictions(*trials)).bins.to_dict("records")
    assert (row["images"], row["share"], row["accuracy"]) == (100, 1, 0.9)
    # Wilson's interval of 90 in 100; of 450 in 500 it would be half as wide.
    interval = (row["accuracy_low"], row["accuracy_high"])
    assert interval == pytest.approx((0.8256, 0.9448), abs=1e-4)


def test_compute_calibration_of_two_seeds_is_the_mean_of_their_errors() -> None:
    # Pooled, the two would cancel.
    trials = [("c", make_answers(0.9, 0.8, 100)), ("c", make_answers(0.9, 1.0, 100))]
    errors = get_errors(compute_calibration(make_predictions(*trials)))
    assert errors["ece"] == pytest.approx(0.1, abs=1e-6)
    assert errors["ece_sd"] == pytest.approx(0, abs=1e-6)
    assert errors["replicates"] == 2


def test_compute_calibration_of_two_unstable_seeds_has_a_gap_between_minus_1_and_1() -> None:
    trials = (("two", make_answers(1.0, accuracy, 400)) for accuracy in (0.1, 0.95))
    errors = get_errors(compute_calibration(make_predictions(*trials)))
    assert (errors["gap_low"], errors["gap_high"]) == (-1, 1)


def test_compute_calibration_of_certain_answers_has_a_negative_intercept() -> None:
    """Every probability is 1 in float32, so the likelihood is flat in floating point at 0."""
    errors = get_errors(
        compute_calibration(make_predictions(("sure", make_answers(1.0, 0.95, 400))))
    )
    assert errors["intercept_low"] < errors["intercept"] < errors["intercept_high"] < -80
