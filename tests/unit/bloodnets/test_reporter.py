"""When the epochs of a trial are sent, and which together."""

from collections.abc import Sequence

import pytest

from bloodnets.messages import EpochReport, FailureKind, TrialFailure, TrialReport
from bloodnets.reporter import TrialReporter
from bloodnets.training.epoch_result import EpochResult

FAILURE = TrialFailure(kind=FailureKind.ERROR, message="it broke", exception="OSError")


def make_epoch(number: int, *, restored: bool = False) -> EpochReport:
    result = EpochResult(
        epoch=number, train_loss=1, val_loss=1, val_accuracy=0, val_macro_f1=0, duration_s=1
    )
    return EpochReport(result=result, best_val_macro_f1=0, restored=restored)


class Driver:
    """Driver that keeps the reports, with a clock that is set by hand."""

    def __init__(self, *, rungs: Sequence[int] = ()) -> None:
        self.reports: list[TrialReport] = []
        self.now_s = 100.0
        self.reporter = TrialReporter(
            self.reports.append, rungs=rungs, interval_s=2, clock=lambda: self.now_s
        )

    def train(self, *numbers: int, epoch_s: float) -> None:
        for number in numbers:
            self.now_s += epoch_s
            self.reporter.add_epoch(make_epoch(number))

    def list_numbers(self) -> list[list[int]]:
        return [[epoch.result.epoch for epoch in report.epochs] for report in self.reports]


def test_add_epoch_short_epochs_are_sent_together() -> None:
    driver = Driver()
    driver.train(*range(1, 12), epoch_s=0.4)
    assert driver.list_numbers() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]


def test_add_epoch_long_epochs_are_sent_one_by_one() -> None:
    driver = Driver()
    driver.train(1, 2, 3, epoch_s=2)
    assert driver.list_numbers() == [[1], [2], [3]]


def test_add_epoch_rung_is_sent_at_once_and_is_the_last_of_its_report() -> None:
    driver = Driver(rungs=(3,))
    driver.train(1, 2, 3, 4, epoch_s=0.1)
    assert driver.list_numbers() == [[1, 2, 3]]


@pytest.mark.parametrize("n_epochs", [1, 3])
def test_end_sends_the_remaining_epochs(n_epochs: int) -> None:
    driver = Driver()
    driver.train(*range(1, n_epochs + 1), epoch_s=0.1)
    driver.reporter.end(FAILURE)
    assert driver.list_numbers() == [list(range(1, n_epochs + 1))]
    assert [report.end for report in driver.reports] == [FAILURE]


def test_report_restored_sends_all_at_once_and_nothing_without_epochs() -> None:
    driver = Driver()
    driver.reporter.report_restored([])
    driver.reporter.report_restored([make_epoch(1, restored=True), make_epoch(2, restored=True)])
    assert driver.list_numbers() == [[1, 2]]


def test_add_epoch_driver_that_stops_the_trial_gets_no_epoch_twice() -> None:
    received: list[int] = []

    def send(report: TrialReport) -> None:
        received.extend(epoch.result.epoch for epoch in report.epochs)
        if report.end is None:
            raise RuntimeError("stopped")

    reporter = TrialReporter(send, rungs=(), interval_s=0)
    with pytest.raises(RuntimeError, match="stopped"):
        reporter.add_epoch(make_epoch(1))
    reporter.end(FAILURE)
    assert received == [1]
