"""A worker or a machine of the cluster dies: its trial goes on elsewhere, from its last state."""

import random
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from tests.faults.conftest import FaultRow
from tests.faults.studies import StudyRunner, assert_same_results, choose_repeats, list_workers

GRID = ("--config", "cnn-config-2", "--max-epochs", "14")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Ledger:
    return StudyRunner(tmp_path_factory.mktemp("whole"), data_file, "s", *GRID).run_to_end()


def resume(study: StudyRunner, process: subprocess.Popen[str]) -> tuple[float, int]:
    """Seconds from now to the first epoch of the next attempt, and how many come again."""
    began = time.monotonic()
    study.wait_for_output(r"is tried again.*\n(.*\n)*?\S+: epoch \d+/", process)
    passed = time.monotonic() - began
    before, after = (
        [int(number) for number in re.findall(r": epoch (\d+)/", part)]
        for part in study.stderr_text.split("is tried again")
    )
    return passed, before[-1] + 1 - after[0]


def test_a_killed_worker(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    count, rng, waits, again = choose_repeats(10, 1), random.Random(1), [], []
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *GRID)
        process = study.start()
        study.wait_for_output(r"epoch 3/", process)
        time.sleep(rng.uniform(0, 2))
        (worker,) = list_workers(process)
        worker.kill()
        wait, repeated = resume(study, process)
        waits.append(wait)
        again.append(repeated)
        assert process.wait(120) == 0, study.stderr_text
        assert "is tried again (its process died)" in study.stderr_text
        assert study.ledger.read_trials()[0].attempts == 2
        assert_same_results(study.ledger, undisturbed)
    assert max(waits) < 30
    row(
        "`kill -9` of a worker",
        "the trial goes on from its state within 30 s",
        f"{count} of {count} within {max(waits):.1f} s, at most "
        f"{format_count(max(again), 'epoch')} again; equal to the bit",
    )


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three machines, as far as Ray knows: a head without trials, and two with a core each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            made.add_node(num_cpus=1)
        yield made
    finally:
        made.shutdown()


def raylets(cluster: Cluster) -> dict[int, psutil.Process]:
    return {
        pid: psutil.Process(pid)
        for node in cluster.list_all_nodes()
        for pid in [node.all_processes["raylet"][0].process.pid]
    }


def test_a_killed_raylet(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, cluster: Cluster, row: FaultRow
) -> None:
    """Of the machine on which the trial runs."""
    count, waits, again = choose_repeats(5, 1), [], []
    for number in range(count):
        options = ("--address", cluster.address, "--max-concurrent", "1")
        study = StudyRunner(tmp_path / str(number), data_file, "s", *GRID, *options)
        process = study.start()
        study.wait_for_output(r"epoch 3/", process)
        running = [
            parent
            for pid, parent in raylets(cluster).items()
            for child in parent.children()
            if "ImplicitFunc" in " ".join(child.cmdline())
        ]
        assert len(running) == 1
        running[0].kill()
        wait, repeated = resume(study, process)
        waits.append(wait)
        again.append(repeated)
        assert process.wait(120) == 0, study.stderr_text
        assert_same_results(study.ledger, undisturbed)
        cluster.add_node(num_cpus=1)
    assert max(waits) < 30
    row(
        "`kill -9` of a raylet, on a cluster of three",
        "the trial goes on elsewhere from its state within 30 s",
        f"{count} of {count} within {max(waits):.1f} s, at most "
        f"{format_count(max(again), 'epoch')} again; equal to the bit",
    )
