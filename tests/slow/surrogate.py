"""Simulate learning curves for a search whose best settings are known, without training.

The curves resemble those of the CNN on real cells. Their final value, speed and noise at different
learning rates, momenta and dropouts were fitted by eye to about sixty curves of 20 epochs. The best
learning rate is half a decade lower than on real cells. There, the published settings, which a
search proposes first, are close to the best and would give it a head start.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray import tune

from bloodnets.messages import EpochReport, TrialOutcome, make_result, read_spec
from bloodnets.reporter import TrialReporter
from bloodnets.training.epoch_result import EpochResult

MAX_EPOCHS = 20
OPTIMUM_SHIFT_DECADES = 0.5
NOISE_SD = 0.006  # standard deviation of macro F1 between epochs


def _compute_log10_distance(config: Mapping[str, Any]) -> float:
    """Return log10 of the learning rate over the best one; SGD's rate includes its momentum."""
    if config["optimizer"] == "sgd":
        rate, best_rate = config["learning_rate"] / (1 - config["momentum"]), 10**-0.7
    else:
        rate, best_rate = config["learning_rate"], 10**-2.9
    return math.log10(rate / best_rate) + OPTIMUM_SHIFT_DECADES


def _compute_limit(config: Mapping[str, Any]) -> float:
    """Return macro F1 after unlimited training."""
    log_distance = _compute_log10_distance(config)
    if log_distance > 0.85:  # a step that is too large learns nothing
        return 0.03
    highest = 0.933 if config["optimizer"] == "sgd" else 0.937
    slope = 0.015 if log_distance < 0 else 0.06  # a smaller step costs less than a larger one
    penalty = slope * log_distance**2 + 0.05 * (config["dropout"] - 0.35) ** 2
    return max(0.03, highest - float(penalty))


def _compute_learned_share(config: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the share of the limit by epoch; larger steps, less dropout and Adam learn faster."""
    epochs = np.arange(1, MAX_EPOCHS + 1)
    time_constant = 1.7 if config["optimizer"] == "sgd" else 1.1
    time_constant *= math.exp(-1.07 * min(_compute_log10_distance(config), 0.2)) * (
        1 + 0.5 * config["dropout"]
    )
    share: NDArray[np.float64] = 1 - np.exp(-1.2 * (epochs / time_constant) ** 0.6)
    return share


def compute_true_value(config: Mapping[str, Any]) -> float:
    """Return macro F1 on val after full training, without noise."""
    return float(_compute_limit(config) * _compute_learned_share(config)[-1])


def simulate_curve(config: Mapping[str, Any], noise_seed: int) -> NDArray[np.float64]:
    """Return macro F1 on val by epoch, as a trial reports it.

    Args:
        config: Settings of the trial.
        noise_seed: Seed of the noise.
    """
    limit = _compute_limit(config)
    noise = np.random.default_rng(noise_seed).normal(
        scale=NOISE_SD if limit > 0.2 else 0, size=MAX_EPOCHS
    )
    return np.clip(limit * _compute_learned_share(config) + noise, 0, 1)


def derive_noise_seed(trial_id: str) -> int:
    """Return a seed from the digest at the end of an id: equal settings have equal noise."""
    return int(trial_id.rpartition("-")[2], 16)


def run_trial(tune_config: Mapping[str, object], *, cells: object) -> None:
    """Replace `bloodnets.trainable.run_trial`: report as it does, without training."""
    spec = read_spec(tune_config)
    reporter = TrialReporter(
        lambda report: tune.report(make_result(report)),
        rungs=spec.rungs,
        interval_s=spec.report_interval_s,
    )
    values = simulate_curve(spec.config.to_dict(), derive_noise_seed(spec.id))
    values = values[: spec.config.max_epochs]
    for epoch, (value, best_value) in enumerate(
        zip(values, np.maximum.accumulate(values), strict=True), start=1
    ):
        result = EpochResult(
            epoch=epoch,
            train_loss=1 - value,
            val_loss=1 - value,
            val_accuracy=value,
            val_macro_f1=value,
            duration_s=0.0,
        )
        reporter.add_epoch(EpochReport(result=result, best_val_macro_f1=best_value, restored=False))
    outcome = TrialOutcome(
        stop_reason="max_epochs",
        best_epoch=int(values.argmax()) + 1,
        epochs=len(values),
        started_at="",
        duration_s=0.0,
        device="cpu",
        host="here",
        versions={},
        parameters=0,
        operations=0,
        scores={"val": {"macro_f1": float(values.max())}},
        files={},
    )
    reporter.end(outcome)
