"""Measure the driver's cost per trial and per report, and the scaling with the number of nodes.

Trials sleep and report; everything else is as in a real study (`measured.py`). Timings depend on
the load of this machine, so only `make scale` runs these tests.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from study.tuning import tune_adapters
from tests.benchmarks import measured
from tests.benchmarks.measured import (
    NODE_CPUS,
    Meter,
    make_grid,
    make_search,
    make_study_config,
    start_local_cluster,
)
from tests.benchmarks.sleeping import SleepConfig, make_epoch_result

TRIAL_S = 4.0
TRIALS_PER_SLOT = 10
"""Trials per slot. Processes start and end in the first two and last two, which are not timed."""

pytestmark = [pytest.mark.scale, pytest.mark.timeout(1200)]

PrintFunction = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> PrintFunction:
    """Return a function that prints a figure and this machine's load, despite pytest's capture."""

    def print_text(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text} ({measured.describe_load()})")

    return print_text


@pytest.mark.parametrize("nodes", [1, 2, 4, 8])
def test_scale_throughput_grows_with_the_nodes(
    tmp_path: Path, nodes: int, say: PrintFunction
) -> None:
    slots = NODE_CPUS * nodes
    count = TRIALS_PER_SLOT * slots
    with start_local_cluster(nodes) as ray_cluster:
        sleep = SleepConfig(epochs=4, epoch_s=TRIAL_S / 4)
        meter = measured.run_study(
            make_grid(tmp_path, count),
            tmp_path / "s",
            sleep,
            make_study_config(ray_cluster.address),
        )
    per_trial_s, _ = meter.compute_per_trial_s(2 * slots, count - 2 * slots)
    share = TRIAL_S / slots / per_trial_s
    processes = len(set(measured.list_hosts(Ledger(tmp_path / "s"))))
    say(
        f"{nodes} nodes, {slots} slots: {1 / per_trial_s:.2f} trials per second, {share:.3f} of "
        "linear scaling"
    )
    assert share > 0.9
    assert processes == slots  # each imports torch once


def test_scale_node_that_joins_late_is_used(tmp_path: Path) -> None:
    """All trials must also be pending from the start, so that an autoscaler sees the demand."""
    pending_counts = []

    class JoiningMeter(Meter):
        def on_trial_start(self, trial_id: str) -> None:
            super().on_trial_start(trial_id)
            if len(self.start_samples) == 1:
                pending_counts.append(measured.count_placement_groups())
                measured.add_node(ray_cluster)

    with start_local_cluster(1) as ray_cluster:
        measured.run_study(
            make_grid(tmp_path, 24),
            tmp_path / "s",
            SleepConfig(epochs=1, epoch_s=4),
            make_study_config(ray_cluster.address),
            meter_class=JoiningMeter,
        )
    assert pending_counts[0] >= 24 - NODE_CPUS
    processes = set(measured.list_hosts(Ledger(tmp_path / "s")))
    assert len(processes) == 2 * NODE_CPUS


@pytest.mark.parametrize(
    ("kind", "trials", "most_s"), [("grid", 1000, 0.04), ("search", 100, 0.05)]
)
def test_scale_a_thousand_trials_complete(
    tmp_path: Path, kind: str, trials: int, most_s: float, say: PrintFunction
) -> None:
    """Bound the driver's CPU time, because elapsed time depends on the load of the two cores."""
    study = (
        make_grid(tmp_path, trials) if kind == "grid" else make_search(tmp_path, trials, epochs=10)
    )
    with start_local_cluster(1) as ray_cluster:
        sleep = SleepConfig(epochs=10, epoch_s=0)
        meter = measured.run_study(
            study, tmp_path / "s", sleep, make_study_config(ray_cluster.address), is_terminal=True
        )
    tenth = trials // 10
    cpu_s = (measured.sample_usage().cpu_s - meter.start.cpu_s) / trials
    wall_s, _ = meter.compute_per_trial_s(0, trials - 1)
    _, first_s = meter.compute_per_trial_s(0, tenth)
    _, last_s = meter.compute_per_trial_s(trials - 1 - tenth, trials - 1)
    memory = meter.compute_mean_rss(trials - tenth, trials) / meter.compute_mean_rss(0, tenth)
    say(
        f"{kind} of {trials} trials, {meter.n_reports} epochs: {1e3 * cpu_s:.1f} ms of the "
        f"driver's CPU time per trial, {1e3 * wall_s:.0f} ms elapsed; first tenth "
        f"{1e3 * first_s:.1f} ms, last tenth {1e3 * last_s:.1f} ms; memory grows {memory:.3f} times"
    )
    assert len(Ledger(tmp_path / "s").read_trials()) == trials
    assert cpu_s < most_s
    assert memory < 1.1
    if kind == "grid":  # the first trials of a search run in full
        assert last_s < 1.5 * first_s


def test_scale_a_hundred_trials_on_object_storage_complete(
    tmp_path: Path, say: PrintFunction
) -> None:
    """The S3 server is a process on this machine, so the figures include no network latency."""
    with measured.run_s3_bucket() as studies, start_local_cluster(1) as ray_cluster:
        sleep, location = SleepConfig(epochs=10, epoch_s=0), studies / "s"
        meter = measured.run_study(
            make_grid(tmp_path, 100), location, sleep, make_study_config(ray_cluster.address)
        )
        assert len(Ledger(location).read_trials()) == 100
    wall_s, cpu_s = meter.compute_per_trial_s(20, 99)
    say(f"on S3: {1e3 * cpu_s:.1f} ms of CPU time per trial, {1e3 * wall_s:.0f} ms elapsed")
    assert cpu_s < 0.05


@pytest.mark.parametrize(("interval_s", "most_s"), [(0.0, 0.005), (2.0, 0.0005)])
def test_scale_epoch_takes_little_of_the_driver(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interval_s: float,
    most_s: float,
    say: PrintFunction,
) -> None:
    """The cost is the difference between trials of 110 and of 10 epochs.

    Without an interval, each epoch is reported by itself.
    """
    monkeypatch.setattr(tune_adapters, "MIN_REPORT_INTERVAL_S", interval_s)
    monkeypatch.setattr(tune_adapters, "MAX_REPORTS_PER_S", float("inf"))
    cpu_s = {}
    with start_local_cluster(4) as ray_cluster:
        for epochs in (10, 110):
            meter = measured.run_study(
                make_grid(tmp_path / str(epochs), 80),
                tmp_path / str(epochs) / "s",
                SleepConfig(epochs=epochs, epoch_s=0),
                make_study_config(ray_cluster.address),
            )
            _, cpu_s[epochs] = meter.compute_per_trial_s(16, 64)
    epoch_s = (cpu_s[110] - cpu_s[10]) / 100
    say(f"{1e3 * epoch_s:.2f} ms of the driver's CPU time per epoch, reported every {interval_s} s")
    assert epoch_s < most_s


def test_scale_epoch_report_holds_numbers_only() -> None:
    """No tensors may pass through the driver."""
    record = asdict(make_epoch_result(3, "trial", 1.0))
    assert len(json.dumps(record)) < 300
