"""Follows the trials on the driver, and enters each in the ledger as it ends."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ray import tune

from bloodnets.errors import MachineError, StudyError
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, Status, StopReason, TrialRecord
from study.runtime.out_of_memory import cause_of_death, kernel_kills
from study.tuning.listeners import Listener


class Follower(tune.Callback):
    """Enters trials in the ledger, and tells the listeners, in order.

    Attributes:
        fault: what went wrong on the driver; raised at the end of Tune's step.
    """

    def __init__(
        self,
        ledger: Ledger,
        listeners: Sequence[Listener],
        *,
        look: str | None = None,
        stopped: Mapping[str, StopReason] | None = None,
    ) -> None:
        """Without trials yet.

        Args:
            ledger: where the trials are entered.
            listeners: a trial is in the ledger before they hear of its end.
            look: why trials are evaluated on test; None where they are not.
            stopped: of a search, the trials stopped so far, and why; None of others, where a
                trial that diverged has failed.
        """
        self.ledger = ledger
        self.listeners = listeners
        self.look = look
        self.stopped = stopped
        self.trials: dict[str, Any] = {}
        self.epochs: dict[str, list[EpochRecord]] = defaultdict(list)
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, str] = {}
        self.diverged: dict[str, str] = {}
        self.started: dict[str, float] = {}
        self.kernel_kills = kernel_kills()
        self.fault: StudyError | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Tune pickles its callbacks for `Tuner.restore`, which is not used: leave a blank one.
        return tune.Callback, ()

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Forget the epochs of a failed attempt."""
        trial_id = id_of(trial)
        self.epochs[trial_id].clear()
        self.trials[trial_id], self.started[trial_id] = trial, time.time()
        self._tell(lambda listener: listener.started(trial_id))

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Keep what `bloodnets.trainable` reports."""
        trial_id = id_of(trial)
        if "epoch" in result:
            epoch, again = EpochRecord(**result["epoch"]), result.get("again", False)
            self.epochs[trial_id].append(epoch)
            self._tell(lambda listener: listener.epoch(trial_id, epoch, again=again))
        if "machine" in result:  # no fault of the trial's: it can go on when there is a remedy
            self.fault = self.fault or MachineError(result["machine"])
        for key, kept in (
            ("outcome", self.outcomes),
            ("error", self.errors),
            ("diverged", self.diverged),
        ):
            if key in result:
                kept[trial_id] = result[key]

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """A trial failed, and is tried again."""
        trial_id = id_of(trial)
        reason = self._why(trial)
        self._tell(lambda listener: listener.retried(trial_id, reason))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Enter a trial that ended by itself, diverged, or was stopped by ASHA."""
        trial_id = id_of(trial)
        if trial_id in self.outcomes:
            self._complete(trial)
        elif trial_id in self.diverged and self.stopped is not None:
            self._without_model(trial, "pruned", "diverged", self.diverged[trial_id])
        elif trial_id in self.diverged:
            self._without_model(trial, "failed", "error", self.diverged[trial_id])
        elif self.stopped and trial_id in self.stopped:
            self._without_model(trial, "pruned", self.stopped[trial_id], None)
        # Else it was stopped from outside, as by Ctrl-C.
        _forget_statistics(trial)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Enter a trial that failed once too often."""
        self._without_model(trial, "failed", "error", self._why(trial))
        _forget_statistics(trial)

    def on_experiment_end(self, trials: Sequence[Any], **info: Any) -> None:
        """Know those, too, that were proposed and had not started before the end."""
        self.trials |= {id_of(trial): trial for trial in trials if id_of(trial) not in self.started}

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        """Tune takes an exception raised in the hooks above for a failure of the trial."""
        if self.fault is not None:
            raise self.fault

    def stop_running(self, reason: StopReason) -> None:
        """Enter the trials that still ran, or waited, when the search ended.

        Raises:
            StudyError: they could not be.
        """
        for trial in list(self.trials.values()):
            self._without_model(trial, "pruned", reason, None)
        if self.fault is not None:
            raise self.fault

    def _complete(self, trial: Any) -> None:
        self._enter(
            TrialRecord(
                **self._identity(trial),
                **self.outcomes[id_of(trial)],
                status="complete",
                error=None,
                attempts=1 + trial.num_failures,
            ),
            look=self.look,
        )

    def _without_model(
        self, trial: Any, status: Status, reason: StopReason, error: str | None
    ) -> None:
        trial_id = id_of(trial)
        epochs, now = self.epochs[trial_id], time.time()
        started = self.started.get(trial_id, now)
        best = max(epochs, key=lambda epoch: epoch.val_macro_f1, default=None)
        self._enter(
            TrialRecord(
                **self._identity(trial),
                status=status,
                stop_reason=reason,
                error=error,
                # Of a trial that failed for good, each attempt was a failure.
                attempts=trial.num_failures
                + (trial_id in self.started and trial.status != "ERROR"),
                epochs=len(epochs),
                best_epoch=best.epoch if best else None,
                started_at=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
                duration_s=now - started,
                device=None,
                host=None,
                parameters=None,
                scores={},
                files={},
            ),
            look=None,
        )

    def _identity(self, trial: Any) -> dict[str, Any]:
        planned = trial.config["trial"]
        return {name: planned[name] for name in ("id", "configuration", "config")} | {
            "fingerprint": self.ledger.study.fingerprint
        }

    def _why(self, trial: Any) -> str:
        """Why the attempt that ended just now failed."""
        kills = kernel_kills()
        by_kernel, self.kernel_kills = kills > self.kernel_kills, kills
        error = self.errors.pop(id_of(trial), None)
        return error or cause_of_death(trial, killed_by_kernel=by_kernel)

    def _enter(self, record: TrialRecord, *, look: str | None) -> None:
        try:
            epochs = self.epochs.pop(record.id, [])
            entered = self.ledger.enter(record, epochs=epochs, look=look)
        except StudyError as error:
            self.fault = error
            return
        del self.trials[record.id]
        self.ledger.forget_state(record.id)
        self._tell(lambda listener: listener.ended(entered))

    def _tell(self, event: Callable[[Listener], None]) -> None:
        try:
            for listener in self.listeners:
                event(listener)
        except StudyError as error:
            self.fault = error


def id_of(trial: Any) -> str:
    """Of one of Tune's trials, as planned."""
    return str(trial.config["trial"]["id"])


def _forget_statistics(trial: Any) -> None:
    """Of each number that a trial of Tune's reported: 70 kB, which Tune would keep to the end."""
    trial.run_metadata.metric_analysis.clear()
    trial.run_metadata.metric_n_steps.clear()
