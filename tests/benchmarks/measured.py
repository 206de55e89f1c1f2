"""Run studies of sleeping trials on clusters whose nodes are all on this machine.

Everything else is as in a real study: `study.tuning.tuner` and Ray Tune run the trials in separate
processes, the callback enters each in a ledger, and the progress display is updated.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import ray
import requests
from ray.cluster_utils import Cluster
from ray.util import placement_group_table
from rich.console import Console

from bloodnets.storage.location import RemotePath, StudyPath
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord
from study.configs.study_config import StudyConfig
from study.console.grid_progress import GridProgress
from study.console.search_progress import SearchProgress
from study.runtime.session import open_ray_session
from study.runtime.watchdog import Heartbeat
from study.tuning import tuner
from study.tuning.asha import make_tripling_rungs
from study.tuning.search_run import SearchRun
from tests.benchmarks import sleeping
from tests.benchmarks.sleeping import SleepConfig
from tests.helpers import grid_builder, search_builder

NODE_CPUS = 2


@dataclass(frozen=True, slots=True)
class UsageSample:
    """Resource usage of the driver at one moment.

    Attributes:
        clock_s: Time of the monotonic clock, in seconds.
        cpu_s: CPU time of the driver process, all threads, in seconds.
        rss_bytes: Resident memory of the driver process, in bytes.
    """

    clock_s: float
    cpu_s: float
    rss_bytes: int


class Meter:
    """Listener that forwards events to the progress display and samples the driver's usage."""

    def __init__(self, progress: GridProgress | SearchProgress) -> None:
        self.progress = progress
        self.n_reports = 0
        self.start = sample_usage()
        self.start_samples: list[UsageSample] = []
        self.end_samples: list[UsageSample] = []

    def on_proposal(self, planned: PlannedTrial) -> None:
        if isinstance(self.progress, SearchProgress):
            self.progress.on_proposal(planned)

    def on_trial_start(self, trial_id: str) -> None:
        self.progress.on_trial_start(trial_id)
        self.start_samples.append(sample_usage())

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        self.progress.on_epoch(
            trial_id, epoch, best_val_macro_f1=best_val_macro_f1, restored=restored
        )
        self.n_reports += 1

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        raise AssertionError(reason)

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        raise AssertionError(reason)

    def on_trial_end(self, record: TrialRecord) -> None:
        self.progress.on_trial_end(record)
        self.end_samples.append(sample_usage())

    def compute_per_trial_s(self, first: int, last: int) -> tuple[float, float]:
        """Return elapsed time and driver CPU time per trial between two trials, in seconds."""
        first_sample, last_sample = self.end_samples[first], self.end_samples[last]
        n_trials = last - first
        return (last_sample.clock_s - first_sample.clock_s) / n_trials, (
            last_sample.cpu_s - first_sample.cpu_s
        ) / n_trials

    def compute_mean_rss(self, first: int, last: int) -> float:
        """Return the mean resident memory of the driver at the ends of these trials, in bytes."""
        return float(np.mean([sample.rss_bytes for sample in self.end_samples[first:last]]))


def sample_usage() -> UsageSample:
    process = psutil.Process()
    return UsageSample(time.monotonic(), time.process_time(), process.memory_info().rss)


@contextmanager
def start_local_cluster(n_nodes: int) -> Iterator[Cluster]:
    """Start a cluster with a head that runs no trials, and nodes with two logical CPUs each."""
    ray_cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": 10**8},
    )
    try:
        for _ in range(n_nodes):
            add_node(ray_cluster)
        yield ray_cluster
    finally:
        ray_cluster.shutdown()


def add_node(ray_cluster: Cluster, cpus: int = NODE_CPUS) -> None:
    """Add a node to the cluster."""
    ray_cluster.add_node(num_cpus=cpus, object_store_memory=10**8)


@contextmanager
def run_s3_bucket() -> Iterator[RemotePath]:
    """Run moto's S3 server in a separate process, and yield a location in an empty bucket.

    A cluster finds the server through environment variables, so it must be started afterwards.
    """
    with socket.socket() as free_socket:
        free_socket.bind(("127.0.0.1", 0))
        port = str(free_socket.getsockname()[1])
    server = Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen(
        [server, "-H", "127.0.0.1", "-p", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            patch.setenv("AWS_ACCESS_KEY_ID", "anybody")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
            patch.setenv("AWS_REGION", "us-east-1")
            _make_bucket(f"{url}/bucket")
            yield RemotePath("s3://bucket/studies")
    finally:
        process.kill()
        process.wait()


def _make_bucket(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.put(url, timeout=10).raise_for_status()
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def make_study_config(address: str, concurrency: int | None = None) -> StudyConfig:
    return StudyConfig(
        name="s",
        storage_root=Path(),
        cpus_per_trial=1,
        gpus_per_trial=0.0,
        max_concurrent=concurrency,
        address=address,
    )


def make_grid(folder: Path, n_trials: int) -> StudyRecord:
    """Return the record of a grid of `n_trials` trials, half of them CNNs."""
    matrix = grid_builder.make_published_matrices()["cnn-config-1"][0]
    configurations = {
        name: [matrix] * (n_trials // 2) for name in ("mlnn-config-1", "cnn-config-1")
    }
    all_trials = [(name, seed) for name in configurations for seed in range(n_trials // 2)]
    folder.mkdir(exist_ok=True)
    return grid_builder.build_grid(folder / "plan", configurations, missing_trials=all_trials).study


def make_search(folder: Path, n_trials: int, epochs: int) -> StudyRecord:
    """Return the record of a search of `n_trials` trials."""
    search = replace(
        search_builder.SEARCH_RECORD,
        n_trials=n_trials,
        max_epochs=epochs,
        rungs=make_tripling_rungs(1, epochs),
        sampler="random",
    )
    empty = replace(search, n_trials=0)
    study = search_builder.build_search(folder / "plan", search=empty, ended_by=None).study
    return replace(study, search=search)


def run_study(
    study: StudyRecord,
    location: StudyPath,
    sleep: SleepConfig,
    config: StudyConfig,
    *,
    is_terminal: bool = False,
    meter_class: type[Meter] = Meter,
) -> Meter:
    """Run a study to its end on a running Ray cluster.

    Args:
        study: Record of a grid or a search.
        location: Location of the ledger, which must not exist.
        sleep: Settings of the sleeping trials.
        config: Resources and address of the cluster.
        is_terminal: Whether to display progress as in a terminal, instead of as lines.
        meter_class: Class of the meter that samples usage.
    """
    ledger = create_study(location, study)
    with (
        pytest.MonkeyPatch.context() as patch,
        open(os.devnull, "w") as null_file,
        open_ray_session(config),
    ):
        console = Console(file=null_file, force_terminal=is_terminal, width=100, height=40)
        ray.cloudpickle.register_pickle_by_value(sleeping)  # the workers cannot import the tests
        patch.setattr(tuner, "run_trial", sleeping.run_trial)
        cells: Any = sleep
        if study.search is None:
            with GridProgress(study.trials, console) as progress:
                study_meter = meter_class(progress)
                tuner.run_trials(
                    config,
                    cells,
                    ledger,
                    study.trials,
                    test_reason="l",
                    listener=study_meter,
                    heartbeat=Heartbeat(),
                )
        else:
            with SearchProgress(study.search, console) as search_progress:
                study_meter = meter_class(search_progress)
                search_run = SearchRun(ledger, study.search)
                tuner.run_proposals(
                    config, cells, search_run, listener=study_meter, heartbeat=Heartbeat()
                )
    return study_meter


def count_placement_groups() -> int:
    """Return the number of placement groups, pending or placed, which an autoscaler reacts to."""
    return len(placement_group_table())


def list_hosts(ledger: Ledger) -> Sequence[str]:
    """Return host name and process id of each trial."""
    return [str(trial.host) for trial in ledger.read_trials()]


def describe_load() -> str:
    """Describe the CPU and the load of this machine."""
    from study.runtime.cores import read_cpu_model

    return f"{os.cpu_count()} cores of an {read_cpu_model()}, load {os.getloadavg()[0]:.1f}"
