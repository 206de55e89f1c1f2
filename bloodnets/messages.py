"""Messages between the driver and a trial's worker.

The driver sends a `TrialSpec`. The worker sends `TrialReport`s: with the epochs since the last one
and, at the end, with a `TrialOutcome` or a `TrialFailure`. Ray Tune accepts only a dict, so each
report is sent in a dict with one key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, cast

from bloodnets.config import TrialConfig
from bloodnets.training.epoch_result import EpochResult, TrainingStopReason

SPEC_KEY = "trial"
"""Key of the `TrialSpec` in the configuration that Ray Tune hands to the worker."""

REPORT_KEY = "report"
"""Key of the message in a result that the worker reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """Specification of a trial to train.

    Attributes:
        id: Id of the trial, used in the names of its files.
        configuration: Name of its configuration.
        config: Values of the hyper-parameters, including the seed.
        location: Absolute folder or address of the study.
        probe_file: Name of a file in that folder. A worker that finds it sees the same folder as
            the driver.
        study_fingerprint: Fingerprint of the study.
        evaluate_test: Whether to evaluate the trained model on test.
        rungs: Epochs after which the driver decides whether the trial continues.
        report_interval_s: Minimum time before the first report and between two reports, in seconds.
            Only the rungs and the end are reported earlier.
    """

    id: str
    configuration: str
    config: TrialConfig
    location: str
    probe_file: str
    study_fingerprint: str
    evaluate_test: bool
    rungs: tuple[int, ...]
    report_interval_s: float

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the specification itself, which is immutable. Ray Tune copies it several times."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """A finished epoch.

    Attributes:
        result: Losses, scores and duration of the epoch.
        best_val_macro_f1: Best val macro F1 up to this epoch, 0 to 1.
        restored: Whether the epoch was read from a checkpoint instead of trained by this attempt.
    """

    result: EpochResult
    best_val_macro_f1: float
    restored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """Outcome of a trial that trained to its end and whose model and predictions are written.

    Attributes:
        stop_reason: Reason why training stopped: `patience` or `max_epochs`.
        best_epoch: Epoch with the best val macro F1, from 1; its weights were kept.
        epochs: Number of epochs.
        started_at: Start of this attempt, ISO 8601, UTC.
        duration_s: Training time in seconds, including the epochs before an interruption.
        device: `cpu`, or the name of the GPU.
        host: Name of the host.
        versions: Versions of Python and of the libraries in the worker process, by name.
        parameters: Number of trainable parameters in the model.
        operations: Floating-point operations of the prediction for one image.
        scores: Scores by split and name: those of `metrics.compute_scores` and `auc`, each 0 to 1
            or None (undefined).
        files: SHA-256 of each file that the worker wrote, by path in the study's folder.
    """

    stop_reason: TrainingStopReason
    best_epoch: int
    epochs: int
    started_at: str
    duration_s: float
    device: str
    host: str
    versions: Mapping[str, str]
    parameters: int
    operations: int
    scores: Mapping[str, Mapping[str, float | None]]
    files: Mapping[str, str]


class FailureKind(StrEnum):
    """Kind of failure of an attempt at a trial.

    A loss that is not finite would recur, so it ends the trial. A missing resource, e.g. disk
    space, ends the command; the trial can be resumed when the resource is available. After any
    other error, Ray Tune retries the trial.
    """

    NON_FINITE_LOSS = "non_finite_loss"
    RESOURCE = "resource"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFailure:
    """Failure of an attempt at a trial whose process survived to report it.

    Attributes:
        kind: Kind of the failure.
        message: Message of the exception, on one line; without the remedy if `remedy` is given.
        exception: Name of the exception's class.
        path: File, folder or address at fault; None if there is none.
        remedy: Action that the user can take; None if none is known.
    """

    kind: FailureKind
    message: str
    exception: str
    path: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.exception}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """Message from a worker.

    Attributes:
        epochs: Epochs that finished since the last report, in order.
        end: Outcome or failure with which the attempt ended; None while the trial trains.
    """

    epochs: tuple[EpochReport, ...] = ()
    end: TrialOutcome | TrialFailure | None = None

    @property
    def ends_trial(self) -> bool:
        """Whether the trial has ended, and not only an attempt that may be retried."""
        if isinstance(self.end, TrialFailure):
            return self.end.kind is FailureKind.NON_FINITE_LOSS
        return self.end is not None


def read_spec(tune_config: Mapping[str, object]) -> TrialSpec:
    """Return the trial in a configuration from Ray Tune."""
    return cast("TrialSpec", tune_config[SPEC_KEY])


def make_result(report: TrialReport) -> dict[str, object]:
    """Return the result in which a worker reports a message to Ray Tune.

    If it is done, Tune need not ask the worker again, and does not call the scheduler.
    """
    return {REPORT_KEY: report, "done": report.ends_trial}


def read_report(result: Mapping[str, object]) -> TrialReport | None:
    """Return the message in a result from Ray Tune; None if Tune made the result itself."""
    return cast("TrialReport | None", result.get(REPORT_KEY))
