"""Compare the probabilities of each configuration on test before and after temperature scaling.

The interval of the change is paired, because both sets of probabilities are from the same models
and images. It treats the temperature as part of the trained model, so the choice of the val images
only counts as far as replicates differ.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis import bootstrap, intervals
from reports.analysis.calibration import assign_bins, compute_ece
from reports.analysis.further_scores import compute_image_losses
from reports.analysis.temperature import TemperatureState, fit_temperature, scale_probabilities
from reports.ledger.test_predictions import TestPredictions
from reports.ledger.trial_predictions import TrialPredictions


def compare_temperature_scaling(
    predictions: TestPredictions, val_predictions: Mapping[str, TrialPredictions]
) -> pd.DataFrame:
    """Fit the temperature of each trial on its val images, and score it on test.

    Args:
        predictions: Trials on the same test images, at least one.
        val_predictions: Predictions of the same trials on val, by id.

    Returns:
        A row for each configuration:

        - `configuration`, `family` (str): Name and family of the configuration.
        - `replicates` (int): Number of trials, at least 1.
        - `fitted` (int): Number of them with a fitted temperature, see `TemperatureState`.
        - `temperature` (float): Mean temperature over the replicates, with its standard deviation
          `temperature_sd` (NaN for one replicate).
        - `ece_before`, `ece_after` (float): Expected calibration error, 0 to 1, mean over the
          replicates, of the stored and of the scaled probabilities.
        - `brier_before`, `brier_after` (float): The same of the Brier score, 0 to 2.
        - `log_loss_before`, `log_loss_after` (float): The same of the log loss, nats.
        - `log_loss_change` (float): `log_loss_after` minus `log_loss_before`, with the ends `_low`
          and `_high` of its 95% confidence interval. Below 0, temperature scaling helps.
    """
    rows, changes = [], []
    for trial_id, stored in zip(predictions.trials["id"], predictions.probabilities, strict=True):
        val = val_predictions[trial_id]
        temperature = fit_temperature(val.labels.astype(np.int64), val.probabilities)
        before = _score(predictions.labels, stored)
        after = _score(predictions.labels, scale_probabilities(stored, temperature.value))
        rows.append(
            {"fitted": temperature.state is TemperatureState.FITTED}
            | {"temperature": temperature.value}
            | {f"{score}_before": value for score, value in before.means.items()}
            | {f"{score}_after": value for score, value in after.means.items()}
        )
        changes.append(after.log_losses - before.log_losses)
    trials, change = pd.DataFrame(rows), np.array(changes)
    resampled = bootstrap.bootstrap_sums(change) / predictions.labels.size
    groups = predictions.trials.reset_index().groupby("configuration", sort=False)
    return pd.DataFrame(
        {"configuration": name, "family": group["family"].iloc[0], "replicates": len(group)}
        | _summarize_trials(trials.loc[group.index])
        | _estimate_change(change[group.index].mean(axis=1), resampled[:, group.index])
        for name, group in groups
    )


class _TrialScores(NamedTuple):
    """Scores of one trial.

    Attributes:
        means: ECE, Brier score and log loss, by name.
        log_losses: Log loss of each image, float64, shape (n,).
    """

    means: dict[str, float]
    log_losses: FloatArray


def _score(labels: IntArray, probabilities: NDArray[np.floating]) -> _TrialScores:
    confidence = probabilities.max(axis=1).astype(np.float64)
    is_correct = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    brier, log_losses = compute_image_losses(labels, probabilities)
    means = {
        "ece": compute_ece(assign_bins(confidence), confidence, is_correct),
        "brier": float(brier.mean()),
        "log_loss": float(log_losses.mean()),
    }
    return _TrialScores(means, log_losses)


def _summarize_trials(trials: pd.DataFrame) -> dict[str, float]:
    """Return the means of one configuration, and the number of its fitted temperatures."""
    return {
        **{str(name): float(value) for name, value in trials.mean().items()},
        "fitted": int(trials["fitted"].sum()),
        "temperature_sd": float(trials["temperature"].std()),
    }


def _estimate_change(changes: FloatArray, resampled: FloatArray) -> dict[str, float]:
    """Return the change of the log loss of one configuration with its interval.

    Args:
        changes: Changes by replicate, shape (replicates,).
        resampled: The same on each resample, shape (resamples, replicates).
    """
    estimate = intervals.estimate_mean(changes, resampled)
    return {
        "log_loss_change": estimate.mean,
        "log_loss_change_low": estimate.low,
        "log_loss_change_high": estimate.high,
    }
