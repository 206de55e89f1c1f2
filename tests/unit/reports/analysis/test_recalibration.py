"""Calibration slope and intercept against statsmodels, and where there is none."""

import numpy as np
import pytest
from scipy import optimize, special

from bloodnets.data_shape import BLOODMNIST_SHAPE
from reports.analysis.recalibration import compute_confidence_logits, fit_recalibration


@pytest.mark.parametrize(("slope", "spread"), [(1.0, 1.0), (0.4, 2.0), (2.0, 0.5), (0.7, 9.0)])
def test_fit_recalibration_equals_statsmodels_with_its_robust_errors(
    slope: float, spread: float
) -> None:
    import statsmodels.api as sm  # takes two seconds

    random = np.random.default_rng(0)
    logits = 1 + spread * random.normal(size=800)
    is_correct = random.uniform(size=800) < 1 / (1 + np.exp(-(0.3 + slope * logits)))
    fit = fit_recalibration(logits, is_correct)
    outcome = is_correct.astype(float)
    binomial = {"family": sm.families.Binomial()}
    expected_slope = sm.GLM(outcome, sm.add_constant(logits), **binomial).fit(cov_type="HC0")
    expected_intercept = sm.GLM(outcome, np.ones(800), offset=logits, **binomial).fit(
        cov_type="HC0"
    )
    assert fit.values == pytest.approx([expected_slope.params[1], expected_intercept.params[0]])
    errors = np.sqrt((fit.influences**2).sum(axis=1))
    assert errors == pytest.approx([expected_slope.bse[1], expected_intercept.bse[0]], rel=1e-5)
    assert fit.influences.sum(axis=1) == pytest.approx([0, 0], abs=1e-6)


def test_fit_recalibration_of_calibrated_predictions_is_near_1_and_0() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(1, 2, size=20_000)
    fit = fit_recalibration(logits, random.uniform(size=20_000) < 1 / (1 + np.exp(-logits)))
    assert fit.values == pytest.approx([1, 0], abs=0.06)


@pytest.mark.parametrize("n_correct", [0, 10])
def test_fit_recalibration_of_equal_outcomes_is_nan(n_correct: int) -> None:
    fit = fit_recalibration(np.arange(10.0), np.arange(10) < n_correct)
    assert np.isnan(fit.values).all()
    assert np.isnan(fit.influences).all()


@pytest.mark.parametrize("logits", [np.arange(10.0), np.ones(10), np.repeat([1.0, 2.0], 5)])
def test_fit_recalibration_of_separated_outcomes_has_an_intercept_only(
    logits: np.ndarray,
) -> None:
    slope, intercept = fit_recalibration(logits, np.arange(10) >= 5).values
    assert np.isnan(slope)
    assert np.isfinite(intercept)


def test_fit_recalibration_of_extreme_logits_is_finite() -> None:
    logits = np.tile([87.0, 80.0, -3.0], 20)
    is_correct = np.arange(60) % 7 > 0
    assert np.isfinite(fit_recalibration(logits, is_correct).values).all()


@pytest.mark.parametrize("logits", [[87.3] * 60, [87.3, 87.3, 2.0] * 20, [87.0, 0.0, -3.0] * 20])
def test_fit_recalibration_of_saturated_logits_has_the_intercept_of_a_root_finder(
    logits: list[float],
) -> None:
    is_correct = np.arange(60) % 20 > 0
    expected = optimize.brentq(
        lambda shift: (is_correct - special.expit(np.array(logits) + shift)).sum(), -200, 200
    )
    intercept = fit_recalibration(np.array(logits), is_correct).values[1]
    assert intercept == pytest.approx(expected)


def test_compute_confidence_logits_of_certain_predictions_are_finite_and_precise() -> None:
    rows = np.zeros((3, BLOODMNIST_SHAPE.n_classes), dtype=np.float32)
    rows[:, 2] = 1
    rows[1, 5] = 1e-12  # lost in 1 - 1e-12 in float32
    rows[2, [2, 5]] = 0.25, 0.75
    certain, nearly, sure = compute_confidence_logits(rows)
    assert certain == pytest.approx(87.3, abs=0.1)
    assert nearly == pytest.approx(np.log(1e12))
    assert sure == pytest.approx(np.log(3))
