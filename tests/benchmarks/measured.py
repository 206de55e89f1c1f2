"""Studies of trials that sleep, on clusters whose nodes are all on this machine, and their figures.

All else is as in a study: `study.tuning.tuner` and Ray Tune run the trials, in processes of their
own, the follower enters each in a ledger, and the screen is told.
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
import requests
from ray.cluster_utils import Cluster
from ray.util import placement_group_table
from rich.console import Console

from bloodnets.storage.backends import Address, Place
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, PlannedTrial, StudyRecord, TrialRecord
from study.configs.study_config import StudyConfig
from study.console.grid_progress import Progress
from study.console.search_progress import SearchProgress
from study.runtime.session import ray_session
from study.tuning import tuner
from tests import synthetic, synthetic_search
from tests.benchmarks import sleeping
from tests.benchmarks.sleeping import Sleep

NODE_CPUS = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """When a trial had been entered.

    Attributes:
        at_s: on the clock.
        cpu_s: of the driver's process, all threads.
        rss: bytes of memory that it holds.
    """

    at_s: float
    cpu_s: float
    rss: int


class Meter:
    """Hands on to the screen what it hears, and looks at the clock, the processor and memory."""

    def __init__(self, progress: Any) -> None:
        self.progress = progress
        self.reports = 0
        self.began = moment()
        self.starts: list[Moment] = []
        self.ends: list[Moment] = []

    def proposed(self, planned: PlannedTrial) -> None:
        self.progress.proposed(planned)

    def started(self, trial_id: str) -> None:
        self.progress.started(trial_id)
        self.starts.append(moment())

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool) -> None:
        self.progress.epoch(trial_id, epoch, again=again)
        self.reports += 1

    def retried(self, trial_id: str, reason: str) -> None:
        raise AssertionError(reason)

    def ended(self, record: TrialRecord) -> None:
        self.progress.ended(record)
        self.ends.append(moment())

    def per_trial(self, first: int, last: int) -> tuple[float, float]:
        """Seconds, and seconds of the driver's processor, for each of the trials between."""
        begin, end = self.ends[first], self.ends[last]
        count = last - first
        return (end.at_s - begin.at_s) / count, (end.cpu_s - begin.cpu_s) / count

    def memory(self, first: int, last: int) -> float:
        """Mean bytes that the driver held at the ends of these trials."""
        return float(np.mean([each.rss for each in self.ends[first:last]]))


def moment() -> Moment:
    own = psutil.Process()
    return Moment(time.monotonic(), time.process_time(), own.memory_info().rss)


@contextmanager
def cluster(nodes: int) -> Iterator[Cluster]:
    """A head without trials, and so many nodes with two cores each, as far as Ray knows."""
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": 10**8},
    )
    try:
        for _ in range(nodes):
            join(made)
        yield made
    finally:
        made.shutdown()


def join(made: Cluster, cpus: int = NODE_CPUS) -> None:
    """Another node."""
    made.add_node(num_cpus=cpus, object_store_memory=10**8)


@contextmanager
def store() -> Iterator[Address]:
    """A stand-in for S3 on this machine, in a process of its own, and an empty bucket in it.

    The processes of a cluster know it if they are started after it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
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
            yield Address("s3://bucket/studies")
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


def settings(address: str, at_once: int | None = None) -> StudyConfig:
    return StudyConfig(
        name="s",
        results=Path(),
        cpus_per_trial=1,
        gpus_per_trial=0.0,
        max_concurrent=at_once,
        address=address,
    )


def plan(folder: Path, count: int) -> StudyRecord:
    """A grid of so many trials, half of them CNNs."""
    matrix = synthetic.published_matrices()["cnn-config-1"][0]
    configurations = {name: [matrix] * (count // 2) for name in ("mlnn-config-1", "cnn-config-1")}
    every = [(name, seed) for name in configurations for seed in range(count // 2)]
    folder.mkdir(exist_ok=True)
    return synthetic.build(folder / "plan", configurations, missing=every).study


def search_of(folder: Path, count: int, epochs: int) -> StudyRecord:
    """A search of so many trials."""
    search = replace(synthetic_search.SEARCH, trials=count, max_epochs=epochs, sampler="random")
    empty = replace(search, trials=0)
    study = synthetic_search.build(folder / "plan", search=empty, ended_by=None).study
    return replace(study, search=search)


def run(
    study: StudyRecord,
    place: Place,
    sleep: Sleep,
    config: StudyConfig,
    *,
    screen: bool = False,
    meter: type[Meter] = Meter,
) -> Meter:
    """Run a study to its end in a session of Ray's that is there.

    Args:
        study: a grid or a search.
        place: of its ledger, which must not exist.
        sleep: what a trial does.
        config: resources.
        screen: show it as in a terminal, and not as lines.
        meter: what looks at the clock.
    """
    ledger = Ledger.create(place, study)
    with (
        pytest.MonkeyPatch.context() as patch,
        open(os.devnull, "w") as nowhere,
        ray_session(config),
    ):
        console = Console(file=nowhere, force_terminal=screen, width=100, height=40)
        patch.setattr(tuner, "run_trial", sleeping.run_trial)
        cells: Any = sleep
        if study.search is None:
            with Progress(study.trials, console) as progress:
                made = meter(progress)
                tuner.run_trials(config, cells, ledger, study.trials, look="l", progress=made)
        else:
            with SearchProgress(study.search, console) as search_progress:
                made = meter(search_progress)
                tuner.run_proposals(config, cells, ledger, study.search, progress=made)
    return made


def waiting() -> int:
    """Placement groups that wait for room, or have found it: what an autoscaler goes by."""
    return len(placement_group_table())


def hosts(ledger: Ledger) -> Sequence[str]:
    """Machine and process of each trial."""
    return [str(trial.host) for trial in ledger.trials()]


def load() -> str:
    """The machine, in words."""
    from study.lifecycle.study_record import _cpu_model

    return f"{os.cpu_count()} cores of an {_cpu_model()}, load {os.getloadavg()[0]:.1f}"
