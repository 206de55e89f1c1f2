"""What the driver knows about a trial that is not in the ledger yet."""

import time
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, cast

from ray.tune.experiment import Trial

from bloodnets.messages import TrialFailure, TrialOutcome, TrialSpec
from reports.ledger.planned_trial import Config
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState


@dataclass(slots=True, kw_only=True)
class OpenTrial:
    """Trial that is not in the ledger yet.

    Attributes:
        spec: Specification that its worker receives.
        software_sha256: Digest of the study's current software.
        tune_trial: Trial of Ray Tune; None if Tune does not have the trial.
        start_time: Start of the current attempt in seconds since 1970; None before the first.
        epochs: Epochs of the current attempt.
        end: Outcome or failure that the worker reported; None if it reported neither.
    """

    spec: TrialSpec
    software_sha256: str
    tune_trial: Trial | None = None
    start_time: float | None = None
    epochs: list[EpochRecord] = field(default_factory=list)
    end: TrialOutcome | TrialFailure | None = None

    @property
    def n_attempts(self) -> int:
        """Number of attempts, without those that ended by a failure of their node."""
        if self.tune_trial is None:
            return 0
        n_failures: int = self.tune_trial.num_failures
        # In a trial that failed permanently, each attempt was a failure.
        is_last_failed = self.start_time is None or self.tune_trial.status == Trial.ERROR
        return n_failures if is_last_failed else n_failures + 1

    def take_failure(self) -> TrialFailure | None:
        """Return the failure that the worker reported, and forget it.

        The next attempt may fail before its worker can report a reason.
        """
        end, self.end = self.end, None
        return end if isinstance(end, TrialFailure) else None

    def make_complete_record(self, outcome: TrialOutcome) -> TrialRecord:
        """Return the record of the trial, which trained to its end."""
        ending = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
        return self._make_record(TrialState.COMPLETE, None, **ending)

    def make_record_without_model(
        self, state: TrialState, reason: StopReason, error: str | None
    ) -> TrialRecord:
        """Return the record of the trial, which was pruned or failed.

        Args:
            state: `pruned` or `failed`.
            reason: Reason why it ended.
            error: Message of the failure; None without one.
        """
        epochs, now = self.epochs, time.time()
        start_time = now if self.start_time is None else self.start_time
        best_epoch = max(epochs, key=lambda epoch: epoch.val_macro_f1, default=None)
        return self._make_record(
            state,
            error,
            stop_reason=reason,
            epochs=len(epochs),
            best_epoch=best_epoch.epoch if best_epoch else None,
            started_at=datetime.fromtimestamp(start_time, UTC).isoformat(timespec="seconds"),
            duration_s=now - start_time,
            device=None,
            host=None,
            versions=None,
            parameters=None,
            operations=None,
            scores={},
            files={},
        )

    def _make_record(self, state: TrialState, error: str | None, **ending: Any) -> TrialRecord:
        """Return the record of the trial with the fields that describe how it ended."""
        return TrialRecord(
            id=self.spec.id,
            configuration=self.spec.configuration,
            attempts=self.n_attempts,
            config=cast("Config", self.spec.config.to_dict()),
            fingerprint=self.spec.study_fingerprint,
            software_sha256=self.software_sha256,
            state=state,
            error=error,
            **ending,
        )
