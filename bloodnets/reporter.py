"""Collect the epochs of a trial on its worker, and report several at once."""

import time
from collections.abc import Callable, Collection, Iterable

from bloodnets.messages import EpochReport, TrialFailure, TrialOutcome, TrialReport


class TrialReporter:
    """Reporter of one attempt at a trial.

    An epoch can take 20 ms on a GPU, and the driver needs 2 ms for each report of any trial. So
    epochs are reported together when some time has passed. At a rung, the driver decides whether
    the trial continues, so a rung is reported at once.
    """

    def __init__(
        self,
        send: Callable[[TrialReport], None],
        *,
        rungs: Collection[int],
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a reporter without epochs.

        Args:
            send: Function that sends a report. It returns when the driver lets the trial continue,
                and does not return if the driver stops it.
            rungs: Epochs that are reported at once.
            interval_s: Minimum time between other reports, and before the first one, in seconds.
            clock: Function that returns the time in seconds.
        """
        self._send, self._rungs = send, frozenset(rungs)
        self._interval_s, self._clock = interval_s, clock
        self._epochs: list[EpochReport] = []
        self._last_time = clock()

    def report_restored(self, epochs: Iterable[EpochReport]) -> None:
        """Report the epochs that were read from a checkpoint, if there are any."""
        self._epochs.extend(epochs)
        if self._epochs:
            self._report(None)

    def add_epoch(self, epoch: EpochReport) -> None:
        """Add a finished epoch, and report all new ones if it is time."""
        self._epochs.append(epoch)
        is_due = self._clock() - self._last_time >= self._interval_s
        if is_due or epoch.result.epoch in self._rungs:
            self._report(None)

    def end(self, end: TrialOutcome | TrialFailure) -> None:
        """Report the end of the attempt, together with the epochs that were not reported yet."""
        self._report(end)

    def _report(self, end: TrialOutcome | TrialFailure | None) -> None:
        # If the driver stops the trial, `send` raises, and the epochs must not be sent again.
        epochs, self._epochs = tuple(self._epochs), []
        self._send(TrialReport(epochs=epochs, end=end))
        self._last_time = self._clock()
