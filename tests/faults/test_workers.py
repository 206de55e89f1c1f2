"""Test that a trial resumes from its checkpoint when its worker or node dies."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from tests.faults.conftest import FaultRow
from tests.faults.studies import (
    GRID_OPTIONS,
    IS_FULL_RUN,
    StudyRunner,
    assert_same_results,
    choose_repeats,
    list_workers,
)
from tests.helpers.command import Command

OPTIONS = (*GRID_OPTIONS, "--max-concurrent", "1")


def wait_for_retry(study: StudyRunner, process: Command) -> tuple[float, int]:
    """Return the seconds to the next attempt's first epoch, and the number of repeated epochs."""
    began = time.monotonic()
    study.wait_for_output(r"failed, retrying.*\n(.*\n)*?\S+: epoch \d+/", process)
    passed = time.monotonic() - began
    before, after = (
        [int(number) for number in re.findall(r": epoch (\d+)/", part)]
        for part in study.stderr_text.split("failed, retrying")
    )
    return passed, before[-1] + 1 - after[0]


def test_trial_whose_worker_is_killed_resumes_from_its_checkpoint(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    count, rng, waits, again = choose_repeats(10, 1), random.Random(1), [], []
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *OPTIONS)
        process = study.start()
        study.wait_for_output(r"epoch 3/", process)
        if IS_FULL_RUN:
            time.sleep(rng.uniform(0, 2))
        (worker,) = list_workers(process.pid)
        worker.kill()
        wait, repeated = wait_for_retry(study, process)
        waits.append(wait)
        again.append(repeated)
        assert process.wait(120) == 0, study.stderr_text
        assert [trial.attempts for trial in study.ledger.read_trials()] == [2, 1, 1]
        assert_same_results(study.ledger, undisturbed)
    assert not IS_FULL_RUN or max(waits) < 30  # without other load
    row(
        "`kill -9` of a worker",
        "the trial resumes from its checkpoint within 30 s",
        f"{count} of {count} within {max(waits):.1f} s, at most "
        f"{format_count(max(again), 'epoch')} again; equal to the bit",
    )


def test_trial_whose_worker_stands_still_is_restarted_after_the_timeout(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    study = StudyRunner(tmp_path, data_file, "s", *OPTIONS, "--stall-timeout", "20s")
    process = study.start()
    study.wait_for_output(r"epoch 3/", process)
    (worker,) = list_workers(process.pid)
    worker.suspend()
    study.wait_for_output(r"no report for .*; restarting it", process)
    wait, repeated = wait_for_retry(study, process)
    assert process.wait(240) == 0, study.stderr_text
    assert [trial.attempts for trial in study.ledger.read_trials()] == [2, 1, 1]
    assert_same_results(study.ledger, undisturbed)
    assert not worker.is_running()
    row(
        "`kill -STOP` of a worker, with `--stall-timeout 20s`",
        "the trial is named, and resumes from its checkpoint after the timeout",
        f"named and resumed within {wait:.1f} s of the timeout, "
        f"{format_count(repeated, 'epoch')} again; equal to the bit",
    )


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Yield a cluster of a head that runs no trials and two nodes with one logical CPU each."""
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


def test_trial_whose_raylet_is_killed_resumes_on_another_node(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, cluster: Cluster, row: FaultRow
) -> None:
    """The killed raylet is that of the node on which the trial runs."""
    count, waits, again = choose_repeats(5, 1), [], []
    for number in range(count):
        study = StudyRunner(
            tmp_path / str(number), data_file, "s", *OPTIONS, "--address", cluster.address
        )
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
        wait, repeated = wait_for_retry(study, process)
        waits.append(wait)
        again.append(repeated)
        assert process.wait(120) == 0, study.stderr_text
        # The node failed, not the trial.
        assert [trial.attempts for trial in study.ledger.read_trials()] == [1, 1, 1]
        assert_same_results(study.ledger, undisturbed)
        cluster.add_node(num_cpus=1)
    assert not IS_FULL_RUN or max(waits) < 30  # without other load
    row(
        "`kill -9` of a raylet, on a cluster of three",
        "the trial resumes on another node from its checkpoint within 30 s",
        f"{count} of {count} within {max(waits):.1f} s, at most "
        f"{format_count(max(again), 'epoch')} again; equal to the bit",
    )


def test_node_with_a_broken_installation_that_joins_late_is_avoided(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, cluster: Cluster, row: FaultRow
) -> None:
    """PyTorch cannot be imported on the node, which joins after the check of all nodes."""
    torch_folder = tmp_path / "broken" / "torch"
    torch_folder.mkdir(parents=True)
    (torch_folder / "__init__.py").write_text("raise ImportError('libtorch.so is missing')\n")
    cluster.remove_node(cluster.worker_nodes.copy().pop())
    study = StudyRunner(tmp_path, data_file, "s", *GRID_OPTIONS, "--address", cluster.address)
    process = study.start()
    study.wait_for_output(r"epoch 1/", process)
    cluster.add_node(num_cpus=2, env_vars={"PYTHONPATH": str(torch_folder.parent)})
    study.wait_for_output(r"did not start: ImportError: libtorch.so is missing", process, 3)
    assert process.wait(240) == 0, study.stderr_text
    assert [trial.attempts for trial in study.ledger.read_trials()] == [1, 1, 1]
    assert_same_results(study.ledger, undisturbed)
    n_failures = study.stderr_text.count("did not start")
    row(
        "a node without a usable PyTorch joins a running study",
        "it is named and avoided; no trial loses an attempt",
        f"{n_failures} starts failed there; equal to the bit",
    )
