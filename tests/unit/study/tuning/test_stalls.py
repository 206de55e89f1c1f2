"""Trials whose worker does not report are named, and restarted after a timeout."""

from dataclasses import replace
from pathlib import Path

import pytest
from ray.tune.experiment import Trial

from bloodnets.messages import SPEC_KEY
from study.tuning import stalls
from study.tuning.stalls import MIN_STALL_S, STALL_EPOCHS, StallCallback
from tests.helpers.specs import make_spec
from tests.unit.study.tuning.test_ledger_callback import Recorder
from tests.unit.study.tuning.test_tune_adapters import make_epoch, make_result


class Clock:
    """Clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Watched:
    """Running trials with a callback whose clock is set by hand."""

    def __init__(
        self, timeout_s: float | None, n_trials: int = 1, *, report_interval_s: float = 0
    ) -> None:
        self.listener, self.clock = Recorder(), Clock()
        self.callback = StallCallback(self.listener, timeout_s, clock=self.clock)
        self.trials = [make_trial(report_interval_s) for _ in range(n_trials)]
        for trial in self.trials:
            self.callback.on_trial_start(0, [], trial)

    def report(self, number: int = 0) -> None:
        """Let a trial report an epoch of one second."""
        self.callback.on_trial_result(0, [], self.trials[number], make_result(make_epoch(1, 0.5)))

    def wait(self, seconds: float) -> list[str]:
        """Return what the listener hears in that time."""
        before = len(self.listener.events)
        for _ in range(int(seconds)):
            self.clock.now_s += 1.01
            self.callback.on_step_end(0, [])
        return self.listener.events[before:]


def make_trial(report_interval_s: float) -> Trial:
    spec = replace(make_spec(Path("results")), report_interval_s=report_interval_s)
    return Trial("stub", config={SPEC_KEY: spec}, stub=True)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Return the trials whose process is killed."""
    trials: list[Trial] = []
    monkeypatch.setattr(stalls, "kill_trial_process", trials.append)
    return trials


def test_silent_trial_is_named_once_until_it_reports_again(killed: list[Trial]) -> None:
    watched = Watched(None)
    watched.report()
    assert watched.wait(MIN_STALL_S - 5) == []
    (event,) = watched.wait(10 * MIN_STALL_S)
    assert "restarting" not in event
    watched.report()
    assert len(watched.wait(2 * MIN_STALL_S)) == 1
    assert killed == []


def test_trial_with_long_epochs_may_be_silent_for_longer() -> None:
    watched = Watched(None)
    epoch = make_epoch(1, 0.5)
    epoch = replace(epoch, result=replace(epoch.result, duration_s=30.0))
    watched.callback.on_trial_result(0, [], watched.trials[0], make_result(epoch))
    assert watched.wait(STALL_EPOCHS * 30 - 10) == []
    assert len(watched.wait(20)) == 1


def test_trial_without_an_epoch_is_compared_with_the_others() -> None:
    watched = Watched(None, n_trials=2)
    assert watched.wait(2 * MIN_STALL_S) == []  # no epoch is known yet
    watched.report(1)
    assert len(watched.wait(2)) == 1


def test_trial_that_is_silent_for_the_timeout_is_killed_once(killed: list[Trial]) -> None:
    watched = Watched(20.0)
    (event,) = watched.wait(100)
    assert "restarting" in event
    assert killed == watched.trials
    watched.callback.on_trial_recover(0, [], watched.trials[0])
    watched.callback.on_trial_start(0, [], watched.trials[0])
    assert len(watched.wait(25)) == 1
    assert killed == 2 * watched.trials


def test_trial_that_reports_rarely_is_not_killed_between_its_reports(killed: list[Trial]) -> None:
    watched = Watched(20.0, report_interval_s=10)
    assert watched.wait(25) == []
    assert killed == []
    assert len(watched.wait(10)) == 1
    assert killed == watched.trials


@pytest.mark.parametrize("end", ["on_trial_complete", "on_trial_error", "on_trial_recover"])
def test_trial_that_does_not_run_is_not_watched(end: str, killed: list[Trial]) -> None:
    watched = Watched(20.0)
    watched.report()
    getattr(watched.callback, end)(0, [], watched.trials[0])
    assert watched.wait(500) == []
    assert killed == []
