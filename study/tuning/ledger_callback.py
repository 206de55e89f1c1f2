"""Follows the trials on the driver, and enters each in the ledger as it ends."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ray import tune

from bloodnets.errors import ResourceError, StudyError
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.runtime.out_of_memory import count_kernel_kills, describe_failure
from study.runtime.ray_internals import PickledAsBlank, clear_trial_metrics
from study.tuning.listeners import TrialListener


class LedgerCallback(PickledAsBlank, tune.Callback):
    """Enters trials in the ledger, and tells the listeners, in order.

    Attributes:
        error: what went wrong on the driver; raised at the end of Tune's step.
    """

    def __init__(
        self,
        ledger: Ledger,
        listeners: Sequence[TrialListener],
        *,
        test_reason: str | None = None,
        stop_reasons: Mapping[str, StopReason] | None = None,
    ) -> None:
        """Without trials yet.

        Args:
            ledger: where the trials are entered.
            listeners: a trial is in the ledger before they hear of its end.
            test_reason: why trials are evaluated on test; None where they are not.
            stop_reasons: of a search, the trials stopped so far, and why; None of others, where a
                trial that diverged has failed.
        """
        self.ledger = ledger
        self.software_sha256 = ledger.current_software.sha256
        self.listeners = listeners
        self.test_reason = test_reason
        self.stop_reasons = stop_reasons
        self.tune_trials: dict[str, Any] = {}
        self.epochs: dict[str, list[EpochRecord]] = defaultdict(list)
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.error_messages: dict[str, str] = {}
        self.divergence_messages: dict[str, str] = {}
        self.start_times: dict[str, float] = {}
        self.kernel_kill_count = count_kernel_kills()
        self.error: StudyError | None = None

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Forget the epochs of a failed attempt."""
        trial_id = get_trial_id(trial)
        self.epochs[trial_id].clear()
        self.tune_trials[trial_id], self.start_times[trial_id] = trial, time.time()
        self._notify_listeners(lambda listener: listener.on_trial_start(trial_id))

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Keep what `bloodnets.trainable` reports."""
        trial_id = get_trial_id(trial)
        if "epoch" in result:
            epoch, restored = EpochRecord(**result["epoch"]), result.get("restored", False)
            self.epochs[trial_id].append(epoch)
            self._notify_listeners(
                lambda listener: listener.on_epoch(trial_id, epoch, restored=restored)
            )
        if "resource_error" in result:
            # No fault of the trial's: it can go on when there is a remedy.
            self.error = self.error or ResourceError(result["resource_error"])
        for key, value_by_trial in (
            ("outcome", self.outcomes),
            ("error", self.error_messages),
            ("diverged", self.divergence_messages),
        ):
            if key in result:
                value_by_trial[trial_id] = result[key]

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """A trial failed, and is tried again."""
        trial_id = get_trial_id(trial)
        reason = self._pop_failure_reason(trial)
        self._notify_listeners(lambda listener: listener.on_trial_retry(trial_id, reason))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Enter a trial that ended by itself, diverged, or was stopped by ASHA."""
        trial_id = get_trial_id(trial)
        if trial_id in self.outcomes:
            self._record_complete(trial)
        elif trial_id in self.divergence_messages and self.stop_reasons is not None:
            self._record_without_model(
                trial, TrialState.PRUNED, StopReason.DIVERGED, self.divergence_messages[trial_id]
            )
        elif trial_id in self.divergence_messages:
            self._record_without_model(
                trial, TrialState.FAILED, StopReason.ERROR, self.divergence_messages[trial_id]
            )
        elif self.stop_reasons and trial_id in self.stop_reasons:
            self._record_without_model(trial, TrialState.PRUNED, self.stop_reasons[trial_id], None)
        # Else it was stopped from outside, as by Ctrl-C.
        clear_trial_metrics(trial)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Enter a trial that failed once too often."""
        self._record_without_model(
            trial, TrialState.FAILED, StopReason.ERROR, self._pop_failure_reason(trial)
        )
        clear_trial_metrics(trial)

    def on_experiment_end(self, trials: Sequence[Any], **info: Any) -> None:
        """Know those, too, that were proposed and had not started before the end."""
        self.tune_trials |= {
            get_trial_id(trial): trial
            for trial in trials
            if get_trial_id(trial) not in self.start_times
        }

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        """Tune takes an exception raised in the hooks above for a failure of the trial."""
        if self.error is not None:
            raise self.error

    def record_unfinished(self, reason: StopReason) -> None:
        """Enter the trials that still ran, or waited, when the search ended.

        Raises:
            StudyError: they could not be.
        """
        for trial in list(self.tune_trials.values()):
            self._record_without_model(trial, TrialState.PRUNED, reason, None)
        if self.error is not None:
            raise self.error

    def _record_complete(self, trial: Any) -> None:
        self._add_to_ledger(
            TrialRecord(
                **self._get_identity_fields(trial),
                **self.outcomes[get_trial_id(trial)],
                state=TrialState.COMPLETE,
                error=None,
                attempts=1 + trial.num_failures,
            ),
            test_reason=self.test_reason,
        )

    def _record_without_model(
        self, trial: Any, state: TrialState, reason: StopReason, error: str | None
    ) -> None:
        trial_id = get_trial_id(trial)
        epochs, now = self.epochs[trial_id], time.time()
        start_time = self.start_times.get(trial_id, now)
        best_epoch = max(epochs, key=lambda epoch: epoch.val_macro_f1, default=None)
        self._add_to_ledger(
            TrialRecord(
                **self._get_identity_fields(trial),
                state=state,
                stop_reason=reason,
                error=error,
                # Of a trial that failed for good, each attempt was a failure.
                attempts=trial.num_failures
                + (trial_id in self.start_times and trial.status != "ERROR"),
                epochs=len(epochs),
                best_epoch=best_epoch.epoch if best_epoch else None,
                started_at=datetime.fromtimestamp(start_time, UTC).isoformat(timespec="seconds"),
                duration_s=now - start_time,
                device=None,
                host=None,
                parameters=None,
                operations=None,
                scores={},
                files={},
            ),
            test_reason=None,
        )

    def _get_identity_fields(self, trial: Any) -> dict[str, Any]:
        parameters = trial.config["trial"]
        return {name: parameters[name] for name in ("id", "configuration", "config")} | {
            "fingerprint": self.ledger.study.fingerprint,
            "software_sha256": self.software_sha256,
        }

    def _pop_failure_reason(self, trial: Any) -> str:
        """Why the attempt that ended just now failed."""
        kill_count = count_kernel_kills()
        killed_by_kernel, self.kernel_kill_count = kill_count > self.kernel_kill_count, kill_count
        error = self.error_messages.pop(get_trial_id(trial), None)
        return error or describe_failure(trial, killed_by_kernel=killed_by_kernel)

    def _add_to_ledger(self, record: TrialRecord, *, test_reason: str | None) -> None:
        try:
            epochs = self.epochs.pop(record.id, [])
            saved_record = self.ledger.add_trial(record, epochs=epochs, test_reason=test_reason)
        except StudyError as error:
            self.error = error
            return
        del self.tune_trials[record.id]
        self.ledger.remove_checkpoint(record.id)
        self._notify_listeners(lambda listener: listener.on_trial_end(saved_record))

    def _notify_listeners(self, notify: Callable[[TrialListener], None]) -> None:
        try:
            for listener in self.listeners:
                notify(listener)
        except StudyError as error:
            self.error = error


def get_trial_id(trial: Any) -> str:
    """Of one of Tune's trials, as planned."""
    return str(trial.config["trial"]["id"])
