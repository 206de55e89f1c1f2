"""Measure the calibration of the probabilities of the most probable class.

Bins and the expected calibration error (ECE) follow Guo, Pleiss, Sun & Weinberger, "On Calibration
of Modern Neural Networks" (ICML 2017, arXiv:1706.04599). `recalibration` defines slope and
intercept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy import special

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis import bootstrap, intervals
from reports.analysis.distinct_models import find_representatives, index_distinct
from reports.analysis.pair_decisions import compute_equivalence_p
from reports.analysis.recalibration import compute_confidence_logits, fit_recalibration
from reports.ledger.test_predictions import TestPredictions

N_BINS = 15
"""Number of bins of equal width, as in Guo et al. The first is empty, because the largest of eight
probabilities is at least 1/8."""

EQUIVALENCE_MARGIN = 0.01
"""Largest difference of mean probability and accuracy of a calibrated configuration: one point."""


class Tendency(StrEnum):
    """Result of the comparison of probabilities with accuracy, in the order of the tests.

    Attributes:
        OVERCONFIDENT: The mean probability is significantly above the accuracy.
        UNDERCONFIDENT: The mean probability is significantly below the accuracy.
        MISCALIBRATED: Neither, but the ECE is significantly above that of a calibrated classifier:
            some probabilities are too high and others too low.
        CALIBRATED: Mean probability and accuracy are equivalent within `EQUIVALENCE_MARGIN`.
        UNDECIDED: The test images or replicates do not suffice to decide.
    """

    OVERCONFIDENT = "overconfident"
    UNDERCONFIDENT = "underconfident"
    MISCALIBRATED = "miscalibrated"
    CALIBRATED = "calibrated"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Calibration of several configurations.

    Attributes:
        bins: A row for each configuration and bin that holds an image of any replicate:

            - `configuration`, `family` (str): Name and family of the configuration.
            - `bin` (int): Number of the bin, 0 to 14.
            - `lower_edge`, `upper_edge` (float): Probabilities, 0 to 1; the upper one is in the
              bin.
            - `images` (float): Images per trial, mean over the replicates, above 0.
            - `share` (float): Share of all images, 0 to 1.
            - `confidence`, `accuracy` (float): Mean probability of the predicted class and share
              of correct predictions over the images of all replicates, 0 to 1.
            - `accuracy_low`, `accuracy_high` (float): Wilson's 95% confidence interval for the
              images of one trial. All replicates share the same images, so their predictions are
              not independent.
        errors: A row for each configuration:

            - `configuration`, `family` (str): Name and family of the configuration.
            - `replicates` (int): Number of trials, at least 1.
            - `ece`, `ece_sd` (float): Expected calibration error, 0 to 1, mean and standard
              deviation over the replicates (divisor n - 1; NaN for one replicate).
            - `expected_ece` (float): ECE that a perfectly calibrated classifier with these
              probabilities is expected to show.
            - `p_ece`, `p_ece_holm` (float): One-sided p-value of the hypothesis that the
              classifier is calibrated, from the ECE, unadjusted and adjusted by Holm's procedure
              over the distinct models, 0 to 1. Configurations that train the same model share the
              adjusted value.
            - `confidence`, `accuracy` (float): Means over all images and replicates, 0 to 1.
            - `gap`, `gap_low`, `gap_high` (float): `confidence` minus `accuracy`, -1 to 1, with
              its 95% confidence interval, clipped to the possible values.
            - `p_gap`, `p_gap_holm` (float): Two-sided p-value of `gap`, adjusted likewise.
            - `p_equivalence`, `p_equivalence_holm` (float): Larger p-value of the two one-sided
              tests of a gap of at least `EQUIVALENCE_MARGIN`, adjusted likewise.
            - `tendency` (str): A `Tendency`, from the adjusted p-values.
            - `slope`, `intercept` (float): Calibration slope and intercept, 1 and 0 if calibrated:
              means over the replicates, with `_sd` and the ends `_low` and `_high` of the 95%
              confidence interval. NaN if a trial has none; see `recalibration.fit_recalibration`.
    """

    bins: pd.DataFrame
    errors: pd.DataFrame


def compute_calibration(predictions: TestPredictions) -> Calibration:
    """Compare the probability of each trial's most probable class with its accuracy.

    Args:
        predictions: Trials on the same images, at least one.
    """
    confidence = predictions.probabilities.max(axis=2).astype(np.float64)
    is_correct = (predictions.predicted_classes == predictions.labels).astype(np.float64)
    bin_indices = assign_bins(confidence)
    resampled_gaps = bootstrap.bootstrap_sums(confidence - is_correct) / predictions.labels.size
    coefficients, resampled_coefficients = _fit_recalibrations(predictions)
    bins, errors = [], []
    for name, trials in predictions.trials.reset_index().groupby("configuration", sort=False):
        trial_indices = trials.index.to_numpy()
        keys = {"configuration": name, "family": trials["family"].iloc[0]}
        bins.append(
            _summarize_bins(
                bin_indices[trial_indices], confidence[trial_indices], is_correct[trial_indices]
            ).assign(**keys)
        )
        errors.append(
            keys
            | _summarize_errors(
                bin_indices[trial_indices],
                confidence[trial_indices],
                is_correct[trial_indices],
                resampled_gaps[:, trial_indices],
            )
            | _summarize_recalibration(
                coefficients[trial_indices], resampled_coefficients[:, trial_indices]
            )
        )
    return Calibration(
        bins=pd.concat(bins, ignore_index=True),
        errors=_add_tendency(pd.DataFrame(errors), find_representatives(predictions)),
    )


def _add_tendency(errors: pd.DataFrame, representatives: Mapping[str, str]) -> pd.DataFrame:
    """Add the adjusted p-values and the `Tendency` of each configuration."""
    models = errors["configuration"].map(representatives)
    is_model = (models == errors["configuration"]).to_numpy()
    for test in ("p_ece", "p_gap", "p_equivalence"):
        adjusted = intervals.adjust_holm(errors.loc[is_model, test].to_numpy(np.float64))
        errors[f"{test}_holm"] = models.map(dict(zip(models[is_model], adjusted, strict=True)))
    has_gap = errors["p_gap_holm"] < intervals.ALPHA
    tendencies = {
        Tendency.OVERCONFIDENT: has_gap & (errors["gap"] > 0),
        Tendency.UNDERCONFIDENT: has_gap & (errors["gap"] < 0),
        Tendency.MISCALIBRATED: errors["p_ece_holm"] < intervals.ALPHA,
        Tendency.CALIBRATED: errors["p_equivalence_holm"] < intervals.ALPHA,
    }
    return errors.assign(
        tendency=np.select([*tendencies.values()], [*tendencies], Tendency.UNDECIDED)
    )


def _summarize_bins(
    bin_indices: IntArray, confidence: FloatArray, is_correct: FloatArray
) -> pd.DataFrame:
    """Return the bins of one configuration; each argument has shape (replicates, n)."""
    n_replicates, n_images = bin_indices.shape
    all_counts = np.bincount(bin_indices.ravel())
    used_bins = np.flatnonzero(all_counts)
    counts = all_counts[used_bins]
    mean_confidence, accuracy = (
        np.bincount(bin_indices.ravel(), values.ravel())[used_bins] / counts
        for values in (confidence, is_correct)
    )
    low, high = intervals.compute_wilson_interval(accuracy, counts / n_replicates)
    return pd.DataFrame(
        {
            "bin": used_bins,
            "confidence": mean_confidence,
            "accuracy": accuracy,
            "images": counts / n_replicates,
            "lower_edge": used_bins / N_BINS,
            "upper_edge": (used_bins + 1) / N_BINS,
            "share": counts / (n_replicates * n_images),
            "accuracy_low": low,
            "accuracy_high": high,
        }
    )


def _summarize_errors(
    bin_indices: IntArray,
    confidence: FloatArray,
    is_correct: FloatArray,
    resampled_gaps: FloatArray,
) -> dict[str, float | str]:
    """Return the errors of one configuration; gaps have shape (resamples, replicates)."""
    eces = [compute_ece(*trial) for trial in zip(bin_indices, confidence, is_correct, strict=True)]
    expected_eces, null_variances = zip(
        *(_compute_null_ece(*trial) for trial in zip(bin_indices, confidence, strict=True)),
        strict=True,
    )
    # All replicates share the same images, so the mean over the replicates has the variance of one.
    null_sd = np.sqrt(np.mean(null_variances))
    excess = np.mean(eces) - np.mean(expected_eces)
    gap = intervals.estimate_mean((confidence - is_correct).mean(axis=1), resampled_gaps)
    return {
        "replicates": len(eces),
        "ece": float(np.mean(eces)),
        "ece_sd": float(np.std(eces, ddof=1)) if len(eces) > 1 else float("nan"),
        "expected_ece": float(np.mean(expected_eces)),
        "p_ece": float(special.ndtr(-excess / null_sd)) if null_sd > 0 else float("nan"),
        "confidence": float(confidence.mean()),
        "accuracy": float(is_correct.mean()),
        "gap": gap.mean,
        "gap_low": float(np.clip(gap.low, -1, 1)),
        "gap_high": float(np.clip(gap.high, -1, 1)),
        "p_gap": gap.p,
        "p_equivalence": compute_equivalence_p(gap, EQUIVALENCE_MARGIN),
    }


def assign_bins(confidence: FloatArray) -> IntArray:
    """Return the bin of each probability, int64, 0 to 14, in the same shape.

    As in Guo et al., a bin includes its upper edge.
    """
    bin_indices = np.clip(np.ceil(confidence * N_BINS) - 1, 0, N_BINS - 1)
    return np.asarray(bin_indices, dtype=np.int64)


def compute_ece(bin_indices: IntArray, confidence: FloatArray, is_correct: FloatArray) -> float:
    """Return the ECE of one trial: the sum over bins of share x |accuracy - confidence|."""
    return float(np.abs(np.bincount(bin_indices, is_correct - confidence)).sum() / bin_indices.size)


def _compute_null_ece(bin_indices: IntArray, confidence: FloatArray) -> tuple[float, float]:
    """Return the mean and the variance of the ECE of a perfectly calibrated trial.

    A bin's sum of (correct - confidence) is then about normal with variance sum p (1 - p). Its
    absolute value has a mean of sqrt(2 / pi) standard deviations and a variance of (1 - 2 / pi)
    times that variance. For 3,421 images at 95% confidence, the mean ECE is 0.3 points.
    """
    variance = np.maximum(np.bincount(bin_indices, confidence * (1 - confidence)), 0)
    n_images = bin_indices.size
    mean = float(np.sqrt(2 / np.pi * variance).sum() / n_images)
    return mean, float((1 - 2 / np.pi) * variance.sum() / n_images**2)


def _fit_recalibrations(predictions: TestPredictions) -> tuple[FloatArray, FloatArray]:
    """Return slopes and intercepts (trials, 2), and those on resamples (resamples, trials, 2)."""
    positions, indices = index_distinct(predictions.probabilities)
    is_correct = predictions.predicted_classes == predictions.labels
    fits = [
        fit_recalibration(
            compute_confidence_logits(predictions.probabilities[position]), is_correct[position]
        )
        for position in positions
    ]
    coefficients = np.array([fit.values for fit in fits])
    changes = bootstrap.bootstrap_sums(np.array([fit.influences for fit in fits]))
    return coefficients[indices], (coefficients + changes)[:, indices]


def _summarize_recalibration(
    coefficients: FloatArray, resampled: FloatArray
) -> dict[str, float | str]:
    """Return slope and intercept of one configuration.

    Args:
        coefficients: Slopes and intercepts, shape (replicates, 2).
        resampled: The same on each resample, shape (resamples, replicates, 2).
    """
    estimates = intervals.estimate_means(coefficients, resampled)
    columns = {"": "mean", "_sd": "sd", "_low": "low", "_high": "high"}
    return {
        f"{name}{suffix}": float(estimates[column].iloc[row])
        for row, name in enumerate(("slope", "intercept"))
        for suffix, column in columns.items()
    }
