"""The messages between the driver and a trial's worker.

The driver sends a `TrialSpec`. The worker reports an `EpochReport` after each epoch and, last, a
`TrialOutcome` or a `TrialFailure`. Each report travels in a dict of one key, as Ray Tune takes
nothing but a dict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from bloodnets.config import TrialConfig
from bloodnets.training.epoch_result import EpochResult, TrainingStopReason

SPEC_KEY = "trial"
"""Key of the `TrialSpec` in the configuration that Ray Tune hands to the worker."""

REPORT_KEY = "report"
"""Key of the message in a result that the worker reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """A trial to train.

    Attributes:
        id: Id of the trial, which names its files.
        configuration: Name of its configuration.
        config: Values of the hyper-parameters, seed included.
        location: Absolute folder, or address, of the study.
        probe_file: File in that folder, by which a worker knows that it sees the driver's folder.
        study_fingerprint: Fingerprint of the study.
        evaluate_test: Whether to evaluate the trained model on test.
    """

    id: str
    configuration: str
    config: TrialConfig
    location: str
    probe_file: str
    study_fingerprint: str
    evaluate_test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """An epoch that a trial has behind it.

    Attributes:
        result: Losses, scores and duration of the epoch.
        best_val_macro_f1: Best val macro F1 of this epoch and those before, 0 to 1.
        restored: Whether the epoch was read from a checkpoint, not trained by this attempt.
    """

    result: EpochResult
    best_val_macro_f1: float
    restored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """How a trial ended that trained to its end; its model and predictions are written.

    Attributes:
        stop_reason: Why training stopped.
        best_epoch: Epoch with the best val macro F1, whose weights were kept.
        epochs: Number of epochs.
        started_at: Start of this attempt, ISO 8601, UTC.
        duration_s: Training time in seconds, with that of the epochs before an interruption.
        device: `cpu`, or the name of the GPU.
        host: Name of the host.
        parameters: Trainable numbers in the model.
        operations: Floating-point operations of one image's forward pass.
        scores: Scores by split, each 0 to 1 or None (undefined), as `metrics.compute_scores`, and
            `auc`.
        files: SHA-256 of the files that the worker wrote, by path in the study's folder.
    """

    stop_reason: TrainingStopReason
    best_epoch: int
    epochs: int
    started_at: str
    duration_s: float
    device: str
    host: str
    parameters: int
    operations: int
    scores: Mapping[str, Mapping[str, float | None]]
    files: Mapping[str, str]


class FailureKind(StrEnum):
    """Why an attempt at a trial failed.

    A loss that is not finite would come again, so the trial is over. A resource that is missing,
    e.g. disk space, ends the command: the trial can be resumed once there is a remedy. After any
    other error, Ray Tune starts the trial again.
    """

    NON_FINITE_LOSS = "non_finite_loss"
    RESOURCE = "resource"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFailure:
    """How an attempt at a trial failed, where its process lived to say so.

    Attributes:
        kind: Kind of the failure.
        message: Message of the exception, on one line; without the remedy if that is given.
        exception: Name of the exception's class.
        path: File or folder that is at fault; None if there is none.
        remedy: What the user can do about it; None where nothing is known.
    """

    kind: FailureKind
    message: str
    exception: str
    path: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.exception}: {self.message}"


TrialReport = EpochReport | TrialOutcome | TrialFailure
"""What a worker reports."""


def read_spec(tune_config: Mapping[str, object]) -> TrialSpec:
    """Return the trial in a configuration of Ray Tune's."""
    return cast("TrialSpec", tune_config[SPEC_KEY])


def read_report(result: Mapping[str, object]) -> TrialReport | None:
    """Return the message in a result of Ray Tune's; None in those that Tune makes itself."""
    return cast("TrialReport | None", result.get(REPORT_KEY))
