"""Fit the calibration slope and intercept of one trial, with the influence of each image.

A logistic regression predicts whether a prediction is correct from the logit of its probability
(Cox, Biometrika, 1958). A slope below 1 means probabilities that are too extreme, i.e.
overconfident. The intercept is that of the model with slope 1: below 0, the probabilities are too
high on average (Van Calster et al., BMC Medicine, 2019).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bloodnets.metrics import FloatArray

_SMALLEST = float(np.finfo(np.float32).tiny)
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-10
_MAX_STEP = 5.0
"""Largest change of a coefficient in one iteration. A longer step from a flat part of the loss
can end on the flat part of the other side."""

_MAX_GRADIENT = 1e-6
"""Largest sum of the images' gradients at the maximum, relative to the sum of their sizes."""


class Recalibration(NamedTuple):
    """Slope and intercept of one trial.

    Attributes:
        values: Slope and intercept, float64, shape (2,). Both are NaN if all predictions are
            correct or all are wrong; the slope also if a probability separates the two. A
            coefficient is NaN as well if the iterations do not converge.
        influences: First-order change for one more copy of each image, float64, shape (2, n).
    """

    values: FloatArray
    influences: FloatArray


def compute_confidence_logits(probabilities: NDArray[np.floating]) -> FloatArray:
    """Return the log odds of the most probable class.

    The odds are taken against the sum of the other classes: in float32, 1 - 0.99999999 is 0.

    Args:
        probabilities: Class probabilities, shape (n, classes).

    Returns:
        Log odds, float64, shape (n,), finite.
    """
    sorted_rows = np.sort(probabilities.astype(np.float64), axis=1)
    others = np.maximum(sorted_rows[:, :-1].sum(axis=1), _SMALLEST)
    logits: FloatArray = np.log(sorted_rows[:, -1]) - np.log(others)
    return logits


def fit_recalibration(logits: FloatArray, is_correct: NDArray[np.bool_]) -> Recalibration:
    """Fit slope and intercept by maximum likelihood.

    Args:
        logits: Log odds of the predicted class, float64, shape (n,).
        is_correct: Whether each prediction is correct, bool, shape (n,).
    """
    slope = intercept = _Fit(float("nan"), np.full(logits.size, np.nan))
    if 0 < is_correct.sum() < logits.size:
        constant = np.ones((logits.size, 1))
        # If every probability is close to 1, the likelihood is flat in floating point at 0.
        start = special.logit(is_correct.mean()) - np.median(logits)
        intercept = _fit_last_coefficient(constant, logits, is_correct, start=np.array([start]))
        correct, wrong = logits[is_correct], logits[~is_correct]
        # Without an overlap, the likelihood has no maximum (Albert & Anderson, Biometrika, 1984).
        if correct.min() < wrong.max() and wrong.min() < correct.max():
            design = np.column_stack([constant, logits])
            zeros = np.zeros(logits.size)
            slope = _fit_last_coefficient(design, zeros, is_correct, start=np.zeros(2))
    return Recalibration(
        np.array([slope.value, intercept.value]), np.stack([slope.influence, intercept.influence])
    )


class _Fit(NamedTuple):
    value: float
    influence: FloatArray


def _fit_last_coefficient(
    design: FloatArray, offset: FloatArray, is_correct: NDArray[np.bool_], *, start: FloatArray
) -> _Fit:
    """Fit a logistic regression by Newton's method, and return its last coefficient.

    The influence of an image is the inverse of the Hessian times its gradient.

    Args:
        design: Regressors, shape (n, k).
        offset: Fixed part of the log odds, shape (n,).
        is_correct: Outcomes, shape (n,).
        start: Coefficients of the first step, shape (k,).
    """
    sign = np.where(is_correct, 1.0, -1.0)
    coefficients = start

    def compute_loss(candidate: FloatArray) -> float:
        return float(np.logaddexp(0, -sign * (offset + design @ candidate)).sum())

    for _ in range(_MAX_ITERATIONS):
        predicted = special.expit(offset + design @ coefficients)
        scores = design * (is_correct - predicted)[:, None]
        hessian = (design * (predicted * (1 - predicted))[:, None]).T @ design
        # lstsq, because the curvature is 0 in floating point if every logit is extreme.
        step = np.linalg.lstsq(hessian, scores.sum(axis=0), rcond=None)[0]
        size = np.abs(step).max()
        if size < _TOLERANCE:
            break
        step = step * min(1.0, _MAX_STEP / size)
        loss = compute_loss(coefficients)
        while compute_loss(coefficients + step) > loss and np.abs(step).max() > _TOLERANCE:
            step = step / 2
        coefficients = coefficients + step
    # At the maximum, the gradients of the images add up to 0.
    if (np.abs(scores.sum(axis=0)) > _MAX_GRADIENT * np.abs(scores).sum(axis=0)).any():
        return _Fit(float("nan"), np.full(offset.size, np.nan))
    influences = np.linalg.lstsq(hessian, scores.T, rcond=None)[0]
    return _Fit(float(coefficients[-1]), influences[-1])
