"""Calibrate the probabilities of a model by one temperature.

Temperature scaling divides the logits of a model by a temperature: Guo, Pleiss, Sun & Weinberger,
"On Calibration of Modern Neural Networks" (ICML 2017, arXiv:1706.04599). Logarithms of the
probabilities differ from the logits only by a constant for each image, so stored predictions are
enough. The temperature is fitted on val, never on test.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.further_scores import SMALLEST_PROBABILITY
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.ledger.trial_predictions import read_predictions

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0
"""Bounds of a fitted temperature."""

MIN_IMAGES = 3
"""Smallest number of val images to which a temperature is fitted."""


class TemperatureState(StrEnum):
    """Whether a temperature was fitted, or the reason why not.

    Attributes:
        FITTED: The temperature minimizes the log loss on val.
        AT_BOUND: The log loss on val is lowest at or beyond a bound, which is the temperature.
        FEW_IMAGES: Val has fewer than `MIN_IMAGES` images, so the temperature is 1.
        NO_ERROR: All images of val are classified correctly, so the log loss would fall down to a
            temperature of 0. The temperature is 1.
        NO_COMMON_VAL: The members of a vote held out other images as val, so the temperature is 1.
        OTHER_VIEWS: The model averages over orientations, unlike the stored predictions on val, so
            the temperature is 1.
    """

    FITTED = "fitted"
    AT_BOUND = "at bound"
    FEW_IMAGES = "few images"
    NO_ERROR = "no error"
    NO_COMMON_VAL = "no common val"
    OTHER_VIEWS = "other views"


class Temperature(NamedTuple):
    """Temperature of one model.

    Attributes:
        value: Temperature, `MIN_TEMPERATURE` to `MAX_TEMPERATURE`. Above 1, it makes probabilities
            less extreme; 1 leaves them unchanged.
        state: Whether the temperature was fitted.
        n_images: Number of val images; 0 if it has none to fit the temperature to.
    """

    value: float
    state: TemperatureState
    n_images: int


def fit_temperature(labels: IntArray, probabilities: NDArray[np.floating]) -> Temperature:
    """Return the temperature with the lowest log loss on val.

    The log loss is a convex function of the inverse temperature, so its slope has at most one root.

    Args:
        labels: True classes on val, int64, shape (n,).
        probabilities: Class probabilities on val, shape (n, classes).
    """
    from scipy import optimize, special  # noqa: PLC0415 - slow import, not needed to describe a temperature

    logits = _compute_logits(probabilities)
    true_logits = logits[np.arange(labels.size), labels]
    if labels.size < MIN_IMAGES:
        return Temperature(1.0, TemperatureState.FEW_IMAGES, labels.size)
    if (true_logits == logits.max(axis=1)).all():
        return Temperature(1.0, TemperatureState.NO_ERROR, labels.size)

    def compute_slope(inverse: float) -> float:
        expected = (special.softmax(inverse * logits, axis=1) * logits).sum(axis=1)
        return float((expected - true_logits).mean())

    if compute_slope(1 / MAX_TEMPERATURE) >= 0:
        return Temperature(MAX_TEMPERATURE, TemperatureState.AT_BOUND, labels.size)
    if compute_slope(1 / MIN_TEMPERATURE) <= 0:
        return Temperature(MIN_TEMPERATURE, TemperatureState.AT_BOUND, labels.size)
    inverse = optimize.brentq(compute_slope, 1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE)
    return Temperature(1 / inverse, TemperatureState.FITTED, labels.size)


def read_temperature(ledger: Ledger, records: Sequence[TrialRecord]) -> Temperature:
    """Return the temperature of a trained model, or of a vote, from its stored predictions on val.

    A vote has one temperature, which is fitted on the mean probabilities of its members. In a
    cross-validation, each member was trained on the val images of the others, so no images are left
    to fit it.

    Args:
        ledger: Ledger of the study.
        records: Record of the complete trial; for a vote, those of its members.

    Raises:
        ConflictError: The predictions of a trial cannot be read.
    """
    if len(records) > 1 and "fold" in records[0].config:
        return Temperature(1.0, TemperatureState.NO_COMMON_VAL, 0)
    predictions = [read_predictions(ledger, record.id, "val") for record in records]
    means = np.mean([each.probabilities for each in predictions], axis=0, dtype=np.float64)
    return fit_temperature(predictions[0].labels.astype(np.int64), np.asarray(means))


def scale_probabilities(probabilities: NDArray[np.floating], temperature: float) -> FloatArray:
    """Return probabilities that are calibrated by a temperature.

    The order of the classes of an image does not change.

    Args:
        probabilities: Class probabilities, shape (..., classes).
        temperature: Temperature, above 0.

    Returns:
        Probabilities to the power of 1 / temperature, divided by their sum, float64.
    """
    from scipy import special  # noqa: PLC0415

    if temperature == 1:  # the last digits stay those of the study
        return probabilities.astype(np.float64)
    scaled: FloatArray = special.softmax(_compute_logits(probabilities) / temperature, axis=-1)
    return scaled


def _compute_logits(probabilities: NDArray[np.floating]) -> FloatArray:
    return np.log(np.maximum(probabilities.astype(np.float64), SMALLEST_PROBABILITY))
