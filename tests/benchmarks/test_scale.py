"""What a driver takes for a trial and a report, and whether more machines do more.

Trials sleep and report; all else is a study's own (`measured.py`). Times depend on what else the
machine does, so `make scale` runs this, and no other target.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
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
"""Trials a slot: the first two and the last two are not timed, as processes start and end then."""

pytestmark = [pytest.mark.scale, pytest.mark.timeout(1200)]

PrintFunction = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> PrintFunction:
    """Prints a figure with the machine beside it, whether pytest captures or not."""

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
        f"{nodes} nodes, {slots} slots: {1 / per_trial_s:.2f} trials a second, {share:.3f} of "
        "linear"
    )
    assert share > 0.9
    assert processes == slots  # each imports torch once


def test_scale_node_that_joins_late_is_used(tmp_path: Path) -> None:
    """And all trials wait from the beginning, so that an autoscaler knows that it is wanted."""
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


@pytest.mark.parametrize(("kind", "trials", "most_s"), [("grid", 1000, 0.05), ("search", 100, 0.2)])
def test_scale_a_thousand_trials_complete(
    tmp_path: Path, kind: str, trials: int, most_s: float, say: PrintFunction
) -> None:
    """The driver's processor time is counted, all its threads': on two cores all else waits."""
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
        f"driver's processor a trial, {1e3 * wall_s:.0f} ms on the clock; the first tenth "
        f"{1e3 * first_s:.1f}, the last {1e3 * last_s:.1f}; memory {memory:.3f} times"
    )
    assert len(Ledger(tmp_path / "s").read_trials()) == trials
    assert cpu_s < most_s
    assert memory < 1.1
    if kind == "grid":  # the first trials of a search run in full
        assert last_s < 1.5 * first_s


def test_scale_a_hundred_trials_on_object_storage_complete(
    tmp_path: Path, say: PrintFunction
) -> None:
    """Of which each request goes to another process of this machine, and no further."""
    with measured.run_s3_bucket() as studies, start_local_cluster(1) as ray_cluster:
        sleep, location = SleepConfig(epochs=10, epoch_s=0), studies / "s"
        meter = measured.run_study(
            make_grid(tmp_path, 100), location, sleep, make_study_config(ray_cluster.address)
        )
        assert len(Ledger(location).read_trials()) == 100
    wall_s, cpu_s = meter.compute_per_trial_s(20, 99)
    say(f"in a store: {1e3 * cpu_s:.1f} ms a trial, {1e3 * wall_s:.0f} ms on the clock")
    assert cpu_s < 0.1


def test_scale_report_of_many_trials_is_written(tmp_path: Path, say: PrintFunction) -> None:
    """Trials with 110 epochs and with 10: what the hundred more take."""
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
    report_s = (cpu_s[110] - cpu_s[10]) / 100
    say(f"{1e3 * report_s:.2f} ms a report: {1 / report_s:.0f} a second are all a driver can take")
    assert report_s < 0.005


def test_scale_epoch_report_holds_numbers_only() -> None:
    """No tensors pass through the driver."""
    record = asdict(make_epoch_result(3, "trial", 1.0))
    assert len(json.dumps(record)) < 300
