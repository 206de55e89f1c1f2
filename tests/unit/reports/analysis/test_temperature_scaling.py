"""Scores before and after temperature scaling, with the interval of their difference."""

from collections.abc import Sequence

import numpy as np
import pytest

from reports.analysis.calibration import compute_calibration
from reports.analysis.further_scores import compute_image_losses
from reports.analysis.temperature import fit_temperature, scale_probabilities
from reports.analysis.temperature_scaling import compare_temperature_scaling
from reports.ledger.trial_predictions import TrialPredictions
from tests.helpers.grid_builder import ASYMMETRIC, ConfusionMatrix
from tests.helpers.report_frames import make_test_predictions
from tests.helpers.trial_results import halve_matrix, make_predictions


def make_val_predictions(
    name: str, replicates: Sequence[ConfusionMatrix]
) -> dict[str, TrialPredictions]:
    """Return predictions on val by trial, as those of `make_test_predictions` on test."""
    all_predictions = {
        f"{name}-s{seed}": make_predictions(halve_matrix(matrix), seed)
        for seed, matrix in enumerate(replicates)
    }
    return {
        trial: TrialPredictions(predictions.probabilities, predictions.labels)
        for trial, predictions in all_predictions.items()
    }


def test_compare_temperature_scaling_equals_scores_of_each_trial() -> None:
    replicates = [ASYMMETRIC] * 3
    predictions = make_test_predictions({"cnn-config-1": replicates})
    val = make_val_predictions("cnn-config-1", replicates)
    (row,) = compare_temperature_scaling(predictions, val).to_dict("records")
    temperatures = [
        fit_temperature(each.labels.astype(np.int64), each.probabilities).value
        for each in val.values()
    ]
    assert (row["replicates"], row["fitted"]) == (3, 3)
    assert row["temperature"] == pytest.approx(np.mean(temperatures))
    assert row["temperature_sd"] == pytest.approx(np.std(temperatures, ddof=1))
    (errors,) = compute_calibration(predictions).errors.to_dict("records")
    assert row["ece_before"] == pytest.approx(errors["ece"])
    pairs = zip(predictions.probabilities, temperatures, strict=True)
    losses = [
        compute_image_losses(predictions.labels, scale_probabilities(*pair)) for pair in pairs
    ]
    brier, log_loss = np.mean(losses, axis=(0, 2))
    assert (row["brier_after"], row["log_loss_after"]) == pytest.approx((brier, log_loss))
    change = row["log_loss_after"] - row["log_loss_before"]
    assert row["log_loss_change"] == pytest.approx(change)
    # The probabilities are far too low, so that calibration helps on every resample.
    assert row["ece_after"] < row["ece_before"]
    assert row["log_loss_change_low"] < change < row["log_loss_change_high"] < 0


def test_compare_temperature_scaling_interval_is_that_of_paired_differences() -> None:
    """With one replicate, it is the standard error of the mean difference of the images."""
    predictions = make_test_predictions({"cnn-config-1": [ASYMMETRIC]})
    val = make_val_predictions("cnn-config-1", [ASYMMETRIC])
    (row,) = compare_temperature_scaling(predictions, val).to_dict("records")
    (stored,) = predictions.probabilities
    before, after = (
        compute_image_losses(predictions.labels, probabilities)[1]
        for probabilities in (stored, scale_probabilities(stored, row["temperature"]))
    )
    expected = 1.96 * np.std(after - before) / np.sqrt(after.size)
    half_width = (row["log_loss_change_high"] - row["log_loss_change_low"]) / 2
    assert half_width == pytest.approx(expected, rel=0.06)
    assert np.isnan(row["temperature_sd"])


def test_compare_temperature_scaling_counts_fitted_temperatures() -> None:
    right = np.diag(ASYMMETRIC.sum(axis=1))
    predictions = make_test_predictions({"cnn-config-1": [ASYMMETRIC, right]})
    val = make_val_predictions("cnn-config-1", [ASYMMETRIC, right])
    (row,) = compare_temperature_scaling(predictions, val).to_dict("records")
    assert (row["replicates"], row["fitted"]) == (2, 1)
