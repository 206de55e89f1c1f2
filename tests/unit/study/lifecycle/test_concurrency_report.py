"""The table of a measurement, and the resources per trial that follow from it."""

from types import TracebackType

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import ResourceError
from study.lifecycle import concurrency_report
from study.lifecycle.concurrency import Throughput
from study.lifecycle.concurrency_report import (
    describe_recommendation,
    list_trial_counts,
    recommend_trial_count,
    report_concurrency,
)


class FakePool:
    """Pool that gains from sharing except with ResNet, of which four trials do not fit."""

    def __init__(self, device_type: str, n_processes: int) -> None:
        self.requests: list[tuple[str, int, int]] = []

    def __enter__(self) -> "FakePool":
        POOLS.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def measure(
        self, config: TrialConfig, n_trials: int, *, threads: int, duration_s: float
    ) -> Throughput:
        self.requests.append((config.family, n_trials, threads))
        if config.family == "resnet":
            if n_trials >= 4:
                raise ResourceError("no memory left")
            return Throughput(1000.0, n_trials * 2**30)
        return Throughput(1000.0 * n_trials, n_trials * 2**29)


POOLS: list[FakePool] = []


def report(monkeypatch: pytest.MonkeyPatch, gpus: tuple[str, ...], cores: int) -> list[str]:
    """Return the lines of a report with the fake pool."""
    monkeypatch.setattr(concurrency_report, "TrialPool", FakePool)
    monkeypatch.setattr(concurrency_report, "find_gpus", lambda: gpus)
    monkeypatch.setattr(concurrency_report, "count_available_cores", lambda: cores)
    return list(report_concurrency())


@pytest.mark.parametrize(
    ("n_cores", "counts"),
    [(1, [1]), (2, [1, 2]), (6, [1, 2, 4]), (8, [1, 2, 4, 8]), (64, [1, 2, 4, 8])],
)
def test_list_trial_counts_are_powers_of_two_up_to_the_cores(
    n_cores: int, counts: list[int]
) -> None:
    assert list_trial_counts(n_cores) == counts


@pytest.mark.parametrize(
    ("rates", "n_trials"),
    [
        ([100, 180, 300, 310], 4),
        ([100, 99, 101, 104], 1),
        ([100, 50, 30, 10], 1),
        ([100, 200, 400, 800], 8),
    ],
)
def test_recommend_trial_count_is_the_smallest_that_is_close_to_the_best(
    rates: list[float], n_trials: int
) -> None:
    counts = (1, 2, 4, 8)
    throughputs = {n: Throughput(rate, 0) for n, rate in zip(counts, rates, strict=True)}
    assert recommend_trial_count(throughputs) == n_trials


def test_report_concurrency_on_a_gpu_recommends_a_share_for_each_family(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = report(monkeypatch, ("NVIDIA H200",), 16)
    assert "NVIDIA H200" in lines[0]
    assert [line.split()[0] for line in lines[2:6]] == ["1", "2", "4", "8"]
    assert "8,000/s, 4.0 GiB" in lines[5]
    assert [line.count("failed") for line in lines[2:6]] == [0, 0, 1, 1]
    assert lines[6] == "4 trials of ResNet: no memory left"
    assert lines[7:] == [
        "Recommended for MLNN, CNN: --gpus-per-trial 0.125",
        "Recommended for ResNet: --gpus-per-trial 1 (the default)",
    ]
    requests = POOLS[-1].requests
    assert ("resnet", 8, 1) not in requests  # four did not fit
    assert {threads for _, _, threads in requests} == {1}


def test_report_concurrency_on_a_cpu_divides_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = report(monkeypatch, (), 5)
    assert "4 cores" in lines[0]
    assert [(n, threads) for family, n, threads in POOLS[-1].requests if family == "cnn"] == [
        (1, 4),
        (2, 2),
        (4, 1),
    ]
    assert lines[-2:] == [
        "Recommended for MLNN, CNN: --cpus-per-trial 1 (the default)",
        "Recommended for ResNet: --cpus-per-trial 4",
    ]


def test_describe_recommendation_does_not_name_a_family_without_results() -> None:
    results = {"cnn": {1: Throughput(1.0, 0)}, "resnet": {}}
    (line,) = describe_recommendation(results, n_cores=None)
    assert line == "Recommended for CNN: --gpus-per-trial 1"
