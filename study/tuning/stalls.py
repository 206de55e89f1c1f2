"""Name trials whose worker stands still, and restart them if the user asked for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from ray import tune
from ray.tune.experiment import Trial

from bloodnets.messages import read_report, read_spec
from reports.format.units import format_duration
from study.runtime.tune_internals import PickledAsBlank, kill_trial_process
from study.tuning.listeners import TrialListener

STALL_EPOCHS = 10.0
"""Silence of a trial, as a multiple of its usual epoch, after which it is named."""

MIN_STALL_S = 60.0
"""Shortest silence in seconds after which a trial is named: a slow disk can delay a checkpoint."""

CHECK_INTERVAL_S = 1.0


@dataclass(slots=True, kw_only=True)
class _RunningTrial:
    """Running trial.

    Attributes:
        last_time: Time of the start or of the last report, in seconds of the clock.
        epoch_durations: Durations of the epochs of this attempt in seconds.
        is_named: Whether its silence has been named.
    """

    last_time: float
    epoch_durations: list[float] = field(default_factory=list)
    is_named: bool = False


class StallCallback(PickledAsBlank, tune.Callback):
    """Callback that notifies a listener of trials that do not report, and restarts them."""

    def __init__(
        self,
        listener: TrialListener,
        timeout_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a callback without trials.

        Args:
            listener: Listener that is notified.
            timeout_s: Seconds without a report after which the process of a trial is killed, so
                that Tune retries the trial from its checkpoint; None for never.
            clock: Function that returns the time in seconds.
        """
        self._listener, self._timeout_s, self._clock = listener, timeout_s, clock
        self._running_trials: dict[Trial, _RunningTrial] = {}
        self._longest_epoch_s = 0.0
        self._last_check = clock()

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Begin to watch an attempt at a trial."""
        self._running_trials[trial] = _RunningTrial(last_time=self._clock())

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, object],
        **info: object,
    ) -> None:
        """Note the time of a report."""
        running = self._running_trials.get(trial)
        if running is None:
            return
        running.last_time, running.is_named = self._clock(), False
        report = read_report(result)
        for epoch in report.epochs if report is not None else ():
            if not epoch.restored:
                running.epoch_durations.append(epoch.result.duration_s)
                self._longest_epoch_s = max(self._longest_epoch_s, epoch.result.duration_s)

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Stop watching a trial, because it ended or its attempt failed."""
        self._running_trials.pop(trial, None)

    on_trial_error = on_trial_recover = on_trial_complete

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """Check the running trials, once per second."""
        now = self._clock()
        if now - self._last_check < CHECK_INTERVAL_S:
            return
        self._last_check = now
        for trial, running in list(self._running_trials.items()):
            silence_s = now - running.last_time
            # A trial that trains short epochs reports them only after its interval.
            is_overdue = self._timeout_s is not None and (
                silence_s > self._timeout_s + read_spec(trial.config).report_interval_s
            )
            if is_overdue or (not running.is_named and silence_s > self._get_limit_s(running)):
                running.is_named = True
                self._listener.on_trial_stall(
                    read_spec(trial.config).id, self._describe(running, silence_s, is_overdue)
                )
            if is_overdue:
                # Until Tune notices, the trial is not watched.
                del self._running_trials[trial]
                kill_trial_process(trial)

    def _get_usual_epoch_s(self, running: _RunningTrial) -> float:
        """Return the duration of a trial's usual epoch, else of the longest one of any trial."""
        return median(running.epoch_durations) if running.epoch_durations else self._longest_epoch_s

    def _get_limit_s(self, running: _RunningTrial) -> float:
        usual_s = self._get_usual_epoch_s(running)
        return max(MIN_STALL_S, STALL_EPOCHS * usual_s) if usual_s else float("inf")

    def _describe(self, running: _RunningTrial, silence_s: float, is_overdue: bool) -> str:
        usual_s = self._get_usual_epoch_s(running)
        text = f"no report for {format_duration(silence_s)}"
        text += f"; an epoch usually takes {format_duration(usual_s)}" if usual_s else ""
        return f"{text}; restarting it" if is_overdue else text
