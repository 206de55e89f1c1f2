"""Temperatures: the lowest log loss on val, and cases in which there is none."""

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special

from reports.analysis.further_scores import compute_image_losses
from reports.analysis.temperature import (
    MAX_TEMPERATURE,
    MIN_IMAGES,
    MIN_TEMPERATURE,
    TemperatureState,
    fit_temperature,
    read_temperature,
    scale_probabilities,
)
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from tests.helpers.grid_builder import ASYMMETRIC, build_grid


def draw_images(n_images: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, and probabilities that are calibrated by this temperature."""
    random = np.random.default_rng(0)
    logits = random.normal(scale=2, size=(n_images, 5))
    true_probabilities = special.softmax(logits, axis=1)
    labels = (true_probabilities.cumsum(axis=1) < random.uniform(size=(n_images, 1))).sum(axis=1)
    return labels, special.softmax(logits * temperature, axis=1).astype(np.float32)


def compute_log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(compute_image_losses(labels, probabilities)[1].mean())


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_fit_temperature_finds_that_of_the_data(temperature: float) -> None:
    found = fit_temperature(*draw_images(20_000, temperature))
    assert (found.state, found.n_images) == (TemperatureState.FITTED, 20_000)
    assert found.value == pytest.approx(temperature, rel=0.05)


def test_fit_temperature_equals_a_minimizer_of_the_log_loss() -> None:
    labels, probabilities = draw_images(300, 1.7)
    expected = optimize.minimize_scalar(
        lambda value: compute_log_loss(labels, scale_probabilities(probabilities, value)),
        bounds=(0.5, 5),
        method="bounded",
        options={"xatol": 1e-7},
    )
    assert fit_temperature(labels, probabilities).value == pytest.approx(expected.x, rel=1e-4)


def test_fit_temperature_of_few_images_is_1() -> None:
    labels, probabilities = np.array([0, 1]), np.full((2, 2), [0.9, 0.1], np.float32)
    found = fit_temperature(labels, probabilities)
    assert labels.size == MIN_IMAGES - 1
    assert found == (1.0, TemperatureState.FEW_IMAGES, 2)


def test_fit_temperature_without_an_error_is_1() -> None:
    probabilities = np.full((9, 2), [0.9, 0.1], np.float32)
    found = fit_temperature(np.zeros(9, np.int64), probabilities)
    assert found == (1.0, TemperatureState.NO_ERROR, 9)


def test_fit_temperature_of_equal_probabilities_is_1() -> None:
    found = fit_temperature(np.arange(4), np.full((4, 4), 0.25, np.float32))
    assert (found.value, found.state) == (1.0, TemperatureState.NO_ERROR)


def test_fit_temperature_beyond_a_bound_is_the_bound() -> None:
    """All predictions are wrong, or almost all are right with little confidence."""
    sure = np.full((100, 2), [0.9, 0.1], np.float32)
    found = fit_temperature(np.ones(100, np.int64), sure)
    assert found == (MAX_TEMPERATURE, TemperatureState.AT_BOUND, 100)
    unsure = np.full((100, 2), [0.51, 0.49], np.float32)
    found = fit_temperature(np.arange(100) // 99, unsure)
    assert found == (MIN_TEMPERATURE, TemperatureState.AT_BOUND, 100)


def test_fit_temperature_of_a_certain_error_is_finite() -> None:
    """The true class has a probability of 0."""
    probabilities = np.array([[1, 0], [1, 0], [1, 0], [0.6, 0.4]], np.float32)
    found = fit_temperature(np.array([0, 0, 1, 0]), probabilities)
    assert MIN_TEMPERATURE <= found.value <= MAX_TEMPERATURE
    assert found.value > 1


@pytest.mark.parametrize("temperature", [MIN_TEMPERATURE, 0.7, 3.0, MAX_TEMPERATURE])
def test_scale_probabilities_keeps_sums_and_order(temperature: float) -> None:
    _, probabilities = draw_images(200, 1.0)
    scaled = scale_probabilities(probabilities, temperature)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    assert np.array_equal(scaled.argsort(axis=1), probabilities.argsort(axis=1))
    expected = probabilities.astype(np.float64) ** (1 / temperature)
    np.testing.assert_allclose(scaled, expected / expected.sum(axis=1, keepdims=True))


def test_scale_probabilities_by_1_changes_no_digit() -> None:
    _, probabilities = draw_images(20, 1.0)
    assert np.array_equal(scale_probabilities(probabilities, 1.0), probabilities)


def test_read_temperature_of_a_vote_is_fitted_on_the_mean(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * 2})
    records = ledger.read_trials()
    first, second = (read_predictions(ledger, record.id, "val") for record in records)
    labels = first.labels.astype(np.int64)
    mean = (first.probabilities.astype(np.float64) + second.probabilities) / 2
    assert read_temperature(ledger, records) == fit_temperature(labels, mean)
    own = fit_temperature(labels, first.probabilities)
    assert read_temperature(ledger, records[:1]) == own
    assert own.value != read_temperature(ledger, records).value


def test_read_temperature_of_a_vote_without_common_val_images_is_1(tmp_path: Path) -> None:
    ledger: Ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * 2}, folds=2)
    records = ledger.read_trials()
    assert read_temperature(ledger, records) == (1.0, TemperatureState.NO_COMMON_VAL, 0)
    assert read_temperature(ledger, records[:1]).state is TemperatureState.FITTED
