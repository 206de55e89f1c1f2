"""Simulate the trials of a built search, whose scores follow from their settings."""

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from bloodnets import metrics
from reports.ledger.states import EndReason, StopReason
from tests.helpers.grid_builder import ConfusionMatrix, make_published_matrices, worsen_matrix
from tests.helpers.trial_results import halve_matrix

_DIVERGED_ERROR = "NonFiniteLossError: the training loss is nan at epoch 2, step 7"


class Run(NamedTuple):
    """Simulated run of a trial: its macro F1 on val by epoch, and its stop reason."""

    curve: list[float]
    stop_reason: StopReason = StopReason.MAX_EPOCHS
    error: str | None = None


class PlannedEnds(NamedTuple):
    """Trials whose end ASHA does not decide; see `search_builder.build_search`."""

    ended_by: EndReason | None
    failed_numbers: Mapping[int, str]
    diverged_numbers: Collection[int]
    running_numbers: Collection[int]

    def run(self, number: int, curve: list[float]) -> Run | None:
        """Return the run of a trial whose full curve is `curve`; None if it is still running."""
        if number in self.running_numbers:
            if self.ended_by is None or self.ended_by is EndReason.TRIALS:
                return None
            return Run(curve[:3], StopReason(self.ended_by))
        if number in self.failed_numbers:
            return Run(curve[:2], StopReason.ERROR, self.failed_numbers[number])
        if number in self.diverged_numbers:
            return Run(curve[:1], StopReason.DIVERGED, _DIVERGED_ERROR)
        return Run(curve)


def compute_final_value(config: Mapping[str, Any]) -> float:
    """Return macro F1 after full training: best at learning rate 0.001 (Adam) or 0.02 (SGD)."""
    log_optimum = math.log10(0.02 if config["optimizer"] == "sgd" else 1e-3)
    log_distance = math.log10(config["learning_rate"]) - log_optimum
    momentum_penalty = 0.0 if config["momentum"] is None else 0.02 * (config["momentum"] - 0.9) ** 2
    dropout_penalty = 0.1 * (config["dropout"] - 0.3) ** 2
    return float(0.94 * math.exp(-0.15 * log_distance**2) - dropout_penalty - momentum_penalty)


def make_matrix(value: float) -> ConfusionMatrix:
    """Return a test matrix whose macro F1 is about `value`, for values of 0.65 to 0.94."""
    best_matrix = make_published_matrices()["cnn-config-1"][0]
    return worsen_matrix(best_matrix, n_moved=min(120, max(0, round((0.94 - value) * 400))))


def make_curve(config: Mapping[str, Any], matrix: ConfusionMatrix) -> list[float]:
    """Return macro F1 on val by epoch, ending with that of half the matrix."""
    best_value = metrics.compute_scores(halve_matrix(matrix))["macro_f1"]
    time_constant, n_epochs = 2 + 3 * config["dropout"], config["max_epochs"]
    progress = [1 - math.exp(-epoch / time_constant) for epoch in range(1, n_epochs + 1)]
    return [best_value * fraction / progress[-1] for fraction in progress]
