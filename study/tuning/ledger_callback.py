"""Ray Tune callback that follows the trials on the driver and records them in the ledger."""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.result import NODE_IP

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
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.runtime.tune_internals import PickledAsBlank, clear_trial_metrics
from study.runtime.watchdog import Heartbeat
from study.tuning.failures import FailureTracker
from study.tuning.ledger_writer import LedgerWriter
from study.tuning.listeners import TrialListener
from study.tuning.open_trial import OpenTrial
from study.tuning.search_run import SearchRun


class LedgerCallback(PickledAsBlank, tune.Callback):
    """Callback that records trials in the ledger and notifies a search and a listener.

    Attributes:
        error: First error on the driver, which is raised at the end of Tune's step; None without
            one.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        listener: TrialListener,
        *,
        software_sha256: str,
        heartbeat: Heartbeat,
        failures: FailureTracker,
        test_reason: str | None = None,
        search_run: SearchRun | None = None,
    ) -> None:
        """Create a callback without trials.

        Args:
            writer: Writer that writes to the ledger in threads.
            listener: Listener that is notified; a trial is in the ledger before `on_trial_end`.
            software_sha256: Digest of the study's current software.
            heartbeat: Heartbeat that is updated whenever a trial is heard from.
            failures: Tracker that is told of failed attempts.
            test_reason: Reason why trials are evaluated on test; None if they are not.
            search_run: Search whose trials run; None for planned trials. A planned trial that
                diverges counts as failed.
        """
        self.error: StudyError | None = None
        self._writer = writer
        self._listener = listener
        self._heartbeat = heartbeat
        self._failures = failures
        self._software_sha256 = software_sha256
        self._test_reason = test_reason
        self._search_run = search_run
        self._open_trials: dict[str, OpenTrial] = {}
        self._recorded_ids: set[str] = set()

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Start an attempt at a trial; discard the epochs of a failed attempt."""
        self._heartbeat.last_time = time.monotonic()
        spec = read_spec(trial.config)
        is_retry = spec.id in self._open_trials
        self._make_open_trial(spec, trial).start_time = time.time()
        if self._search_run is not None:
            self._search_run.record_start(spec.id)

        self._guard(lambda: self._writer.add_start(spec.id, is_retry=is_retry))
        self._listener.on_trial_start(spec.id)

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
        if report is None:
            return
        if report.epochs:
            if self._failures.node_failure_counts:
                self._failures.record_epoch(open_trial.spec.id, str(result.get(NODE_IP)))
            self._add_epochs(open_trial, report.epochs)
        end = report.end
        if end is not None:
            open_trial.end = end
        if isinstance(end, TrialFailure) and end.kind is FailureKind.RESOURCE:
            # The environment is at fault, so the trial can be resumed once that is fixed.
            self.fail(ResourceError(end.message, path=end.path, remedy=end.remedy))

    def on_trial_recover(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Notify the listener that an attempt failed and is retried."""
        self._heartbeat.last_time = time.monotonic()
        open_trial = self._get_open_trial(trial)
        trial_id, reported = open_trial.spec.id, open_trial.take_failure()
        reason = self._failures.describe(trial, reported)
        self._guard(lambda: self._listener.on_trial_retry(trial_id, reason))
        if reported is None:
            self._guard(lambda: self._failures.check_node(trial_id, trial))

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
        """Record a trial whose last retry failed.

        If Tune gives up a trial earlier, `run_trials` or `run_study` runs it again.
        """
        self._heartbeat.last_time = time.monotonic()
        open_trial = self._get_open_trial(trial)
        reason = self._failures.describe(trial, open_trial.take_failure())
        if trial.num_failures <= trial.max_failures:
            if self._search_run is not None:
                self._search_run.has_lost_trial = True
            self._guard(lambda: self._listener.on_trial_retry(open_trial.spec.id, reason))
            return
        self._record_without_model(open_trial, TrialState.FAILED, StopReason.ERROR, reason)
        clear_trial_metrics(trial)

    def on_experiment_end(self, trials: list[Trial], **info: object) -> None:
        """Keep the trials that had not started when the run ended."""
        for trial in trials:
            if read_spec(trial.config).id not in self._recorded_ids:
                self._get_open_trial(trial)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """Raise a stored error; in the hooks above, Tune would attribute it to the trial."""
        self._guard(self._writer.collect)
        if self.error is not None:
            raise self.error

    def fail(self, error: StudyError) -> None:
        """Store an error that ends the run at the end of Tune's step; the first one counts."""
        self.error = self.error or error

    def add_unstarted(self, spec: TrialSpec) -> None:
        """Add a trial that is not passed to Tune."""
        self._make_open_trial(spec, None)

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

    def _get_open_trial(self, trial: Trial) -> OpenTrial:
        """Return an open trial; it is created for a trial that ends without having started."""
        spec = read_spec(trial.config)
        return self._open_trials.get(spec.id) or self._make_open_trial(spec, trial)

    def _make_open_trial(self, spec: TrialSpec, trial: Trial | None) -> OpenTrial:
        open_trial = OpenTrial(spec=spec, software_sha256=self._software_sha256, tune_trial=trial)
        self._open_trials[spec.id] = open_trial
        return open_trial

    def _add_epochs(self, open_trial: OpenTrial, epochs: Sequence[EpochReport]) -> None:
        trial_id = open_trial.spec.id
        self._heartbeat.last_time = time.monotonic()
        for epoch in epochs:
            # `asdict` would copy each value.
            record = EpochRecord(
                **{field.name: getattr(epoch.result, field.name) for field in fields(epoch.result)}
            )
            open_trial.epochs.append(record)
            self._heartbeat.longest_epoch_s = max(
                self._heartbeat.longest_epoch_s, record.duration_s
            )
            self._listener.on_epoch(
                trial_id,
                record,
                best_val_macro_f1=epoch.best_val_macro_f1,
                restored=epoch.restored,
            )
        if self._search_run is not None:
            search_run = self._search_run
            self._guard(lambda: search_run.record_epoch(trial_id, epochs[-1]))

    def _record_complete(self, open_trial: OpenTrial, outcome: TrialOutcome) -> None:
        record = open_trial.make_complete_record(outcome)
        self._add_to_ledger(record, open_trial.epochs, test_reason=self._test_reason)

    def _record_diverged(self, open_trial: OpenTrial, failure: TrialFailure) -> None:
        """Record a trial whose loss became non-finite: pruned in a search, failed in a plan."""
        if failure.kind is not FailureKind.NON_FINITE_LOSS:
            return  # interrupted before Tune handled the exception
        if self._search_run is None:
            state, reason = TrialState.FAILED, StopReason.ERROR
        else:
            state, reason = TrialState.PRUNED, StopReason.DIVERGED
        self._record_without_model(open_trial, state, reason, str(failure))

    def _record_without_model(
        self, open_trial: OpenTrial, state: TrialState, reason: StopReason, error: str | None
    ) -> None:
        record = open_trial.make_record_without_model(state, reason, error)
        self._add_to_ledger(record, open_trial.epochs, test_reason=None)

    def _add_to_ledger(
        self, record: TrialRecord, epochs: Sequence[EpochRecord], *, test_reason: str | None
    ) -> None:
        def enter() -> None:
            del self._open_trials[record.id]
            self._recorded_ids.add(record.id)
            if self._search_run is not None:
                self._search_run.record_end(record)
            self._writer.add_end(
                record, epochs, test_reason=test_reason, on_written=self._listener.on_trial_end
            )

        self._guard(enter)

    def _guard(self, action: Callable[[], None]) -> None:
        """Run an action and store its error, which Tune would attribute to the trial."""
        try:
            action()
        except StudyError as error:
            self.fail(error)
