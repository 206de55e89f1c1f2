"""Ray Tune callback that follows the trials on the driver and records them in the ledger."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import cast

from ray import tune
from ray.tune.experiment import Trial

from bloodnets.errors import ResourceError, StudyError
from bloodnets.messages import (
    EpochReport,
    FailureKind,
    TrialFailure,
    TrialOutcome,
    TrialSpec,
    read_report,
    read_spec,
)
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import Config
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.runtime.out_of_memory import count_kernel_kills, describe_failure
from study.runtime.ray_internals import PickledAsBlank, clear_trial_metrics
from study.tuning.listeners import TrialListener
from study.tuning.search_run import SearchRun


@dataclass(slots=True, kw_only=True)
class _OpenTrial:
    """Trial that is not in the ledger yet.

    Attributes:
        spec: Specification that its worker receives.
        tune_trial: Trial of Ray Tune; None if Tune does not have the trial.
        start_time: Start of the current attempt in seconds since 1970; None before the first.
        epochs: Epochs of the current attempt.
        end: Outcome or failure that the worker reported; None if it reported neither.
    """

    spec: TrialSpec
    tune_trial: Trial | None = None
    start_time: float | None = None
    epochs: list[EpochRecord] = field(default_factory=list)
    end: TrialOutcome | TrialFailure | None = None

    @property
    def config(self) -> Config:
        """Configuration in the format of the ledger."""
        return cast("Config", self.spec.config.to_dict())

    @property
    def n_attempts(self) -> int:
        """Number of attempts, including those that failed before the worker process started."""
        if self.tune_trial is None:
            return 0
        n_failures: int = self.tune_trial.num_failures
        # In a trial that failed permanently, each attempt was a failure.
        is_last_failed = self.start_time is None or self.tune_trial.status == Trial.ERROR
        return n_failures if is_last_failed else n_failures + 1


class LedgerCallback(PickledAsBlank, tune.Callback):
    """Callback that records trials in the ledger and notifies a search and a listener.

    Attributes:
        error: First error on the driver, which is raised at the end of Tune's step; None without
            one.
    """

    def __init__(
        self,
        ledger: Ledger,
        listener: TrialListener,
        *,
        test_reason: str | None = None,
        search_run: SearchRun | None = None,
    ) -> None:
        """Create a callback without trials.

        Args:
            ledger: Ledger of the study.
            listener: Listener that is notified; a trial is in the ledger before `on_trial_end`.
            test_reason: Reason why trials are evaluated on test; None if they are not.
            search_run: Search whose trials run; None for planned trials. A planned trial that
                diverges counts as failed.
        """
        self.error: StudyError | None = None
        self._ledger = ledger
        self._software_sha256 = ledger.current_software.sha256
        self._listener = listener
        self._test_reason = test_reason
        self._search_run = search_run
        self._open_trials: dict[str, _OpenTrial] = {}
        self._recorded_ids: set[str] = set()
        self._kernel_kill_count = count_kernel_kills()

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Start an attempt at a trial; discard the epochs of a failed attempt."""
        spec = read_spec(trial.config)
        self._open_trials[spec.id] = _OpenTrial(spec=spec, tune_trial=trial, start_time=time.time())
        if self._search_run is not None:
            self._search_run.record_start(spec.id)
        self._guard(lambda: self._listener.on_trial_start(spec.id))

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, object],
        **info: object,
    ) -> None:
        """Store a report of the worker."""
        open_trial, report = self._get_open_trial(trial), read_report(result)
        if isinstance(report, EpochReport):
            self._add_epoch(open_trial, report)
            return
        if report is not None:
            open_trial.end = report
        if isinstance(report, TrialFailure) and report.kind is FailureKind.RESOURCE:
            # The environment is at fault, so the trial can be resumed once that is fixed.
            self.fail(ResourceError(report.message, path=report.path, remedy=report.remedy))

    def on_trial_recover(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Notify the listener that an attempt failed and is retried."""
        open_trial = self._get_open_trial(trial)
        reason = self._describe_failure(open_trial)
        self._guard(lambda: self._listener.on_trial_retry(open_trial.spec.id, reason))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Record a trial that completed, diverged or was stopped by ASHA."""
        open_trial = self._get_open_trial(trial)
        if isinstance(open_trial.end, TrialOutcome):
            self._record_complete(open_trial, open_trial.end)
        elif isinstance(open_trial.end, TrialFailure):
            self._record_diverged(open_trial, open_trial.end)
        elif self._search_run is not None and (
            reason := self._search_run.stop_reasons.get(open_trial.spec.id)
        ):
            self._record_without_model(open_trial, TrialState.PRUNED, reason, None)
        # Otherwise it was interrupted, e.g. by Ctrl-C, and is not recorded.
        clear_trial_metrics(trial)

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Record a trial whose last retry failed."""
        open_trial = self._get_open_trial(trial)
        reason = self._describe_failure(open_trial)
        self._record_without_model(open_trial, TrialState.FAILED, StopReason.ERROR, reason)
        clear_trial_metrics(trial)

    def on_experiment_end(self, trials: list[Trial], **info: object) -> None:
        """Keep the trials that had not started when the run ended."""
        for trial in trials:
            if read_spec(trial.config).id not in self._recorded_ids:
                self._get_open_trial(trial)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """Raise a stored error; in the hooks above, Tune would attribute it to the trial."""
        if self.error is not None:
            raise self.error

    def fail(self, error: StudyError) -> None:
        """Store an error that ends the run at the end of Tune's step; the first one counts."""
        self.error = self.error or error

    def add_unstarted(self, spec: TrialSpec) -> None:
        """Add a trial that is not passed to Tune."""
        self._open_trials[spec.id] = _OpenTrial(spec=spec)

    def record_unfinished(self, reason: StopReason) -> None:
        """Record the trials that were running or pending when the search ended.

        Args:
            reason: Reason why they were stopped.

        Raises:
            StudyError: The trials could not be recorded.
        """
        for open_trial in list(self._open_trials.values()):
            self._record_without_model(open_trial, TrialState.PRUNED, reason, None)
        if self.error is not None:
            raise self.error

    def _get_open_trial(self, trial: Trial) -> _OpenTrial:
        """Return an open trial; it is created for a trial that ends without having started."""
        spec = read_spec(trial.config)
        return self._open_trials.setdefault(spec.id, _OpenTrial(spec=spec, tune_trial=trial))

    def _add_epoch(self, open_trial: _OpenTrial, report: EpochReport) -> None:
        epoch, trial_id = EpochRecord(**asdict(report.result)), open_trial.spec.id
        open_trial.epochs.append(epoch)

        def tell() -> None:
            if self._search_run is not None:
                self._search_run.record_epoch(trial_id, epoch.epoch)
            self._listener.on_epoch(
                trial_id,
                epoch,
                best_val_macro_f1=report.best_val_macro_f1,
                restored=report.restored,
            )

        self._guard(tell)

    def _record_complete(self, open_trial: _OpenTrial, outcome: TrialOutcome) -> None:
        self._add_to_ledger(
            TrialRecord(
                id=open_trial.spec.id,
                configuration=open_trial.spec.configuration,
                config=open_trial.config,
                fingerprint=open_trial.spec.study_fingerprint,
                software_sha256=self._software_sha256,
                state=TrialState.COMPLETE,
                error=None,
                attempts=open_trial.n_attempts,
                **asdict(outcome),
            ),
            open_trial.epochs,
            test_reason=self._test_reason,
        )

    def _record_diverged(self, open_trial: _OpenTrial, failure: TrialFailure) -> None:
        """Record a trial whose loss became non-finite: pruned in a search, failed in a plan."""
        if failure.kind is not FailureKind.NON_FINITE_LOSS:
            return  # interrupted before Tune handled the exception
        if self._search_run is None:
            state, reason = TrialState.FAILED, StopReason.ERROR
        else:
            state, reason = TrialState.PRUNED, StopReason.DIVERGED
        self._record_without_model(open_trial, state, reason, str(failure))

    def _record_without_model(
        self, open_trial: _OpenTrial, state: TrialState, reason: StopReason, error: str | None
    ) -> None:
        epochs, now = open_trial.epochs, time.time()
        start_time = now if open_trial.start_time is None else open_trial.start_time
        best_epoch = max(epochs, key=lambda epoch: epoch.val_macro_f1, default=None)
        self._add_to_ledger(
            TrialRecord(
                id=open_trial.spec.id,
                configuration=open_trial.spec.configuration,
                config=open_trial.config,
                fingerprint=open_trial.spec.study_fingerprint,
                software_sha256=self._software_sha256,
                state=state,
                stop_reason=reason,
                error=error,
                attempts=open_trial.n_attempts,
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
            ),
            epochs,
            test_reason=None,
        )

    def _describe_failure(self, open_trial: _OpenTrial) -> str:
        """Return the reason why the last attempt failed."""
        kill_count = count_kernel_kills()
        killed_by_kernel, self._kernel_kill_count = kill_count > self._kernel_kill_count, kill_count
        # Cleared, because the next attempt may fail before its worker can report a reason.
        end, open_trial.end = open_trial.end, None
        if isinstance(end, TrialFailure):
            return str(end)
        return describe_failure(open_trial.tune_trial, killed_by_kernel=killed_by_kernel)

    def _add_to_ledger(
        self, record: TrialRecord, epochs: Sequence[EpochRecord], *, test_reason: str | None
    ) -> None:
        def enter() -> None:
            saved_record = self._ledger.add_trial(record, epochs=epochs, test_reason=test_reason)
            del self._open_trials[record.id]
            self._recorded_ids.add(record.id)
            self._ledger.remove_checkpoint(record.id)
            if self._search_run is not None:
                self._search_run.record_end(saved_record)
            self._listener.on_trial_end(saved_record)

        self._guard(enter)

    def _guard(self, action: Callable[[], None]) -> None:
        """Run an action and store its error, which Tune would attribute to the trial."""
        try:
            action()
        except StudyError as error:
            self.fail(error)
