"""Trials that train at the same time, in real processes."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from bloodnets.errors import ResourceError
from study.configs.presets import PUBLISHED, RESNET
from study.lifecycle.concurrency import TrialPool

CONFIG = replace(PUBLISHED["cnn-config-2"], batch_size=8)
TOO_LARGE = replace(RESNET, width=10**12)


def list_trial_processes() -> list[psutil.Process]:
    """Return the processes that this one started for trials."""
    children = psutil.Process().children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


@pytest.fixture(scope="module")
def pool() -> Iterator[TrialPool]:
    """Yield two processes on the CPU."""
    with TrialPool("cpu", 2) as pool:
        yield pool
    assert not list_trial_processes()


def test_measure_adds_speed_and_memory_of_the_trials(pool: TrialPool) -> None:
    one, two = (pool.measure(CONFIG, n, threads=1, duration_s=0.1) for n in (1, 2))
    assert min(one.images_per_s, two.images_per_s) > 0
    assert 100 * 2**20 < one.memory_bytes < two.memory_bytes


def test_measure_trial_that_fails_raises_and_the_next_one_runs(pool: TrialPool) -> None:
    with pytest.raises(ResourceError) as caught:
        pool.measure(TOO_LARGE, 2, threads=1, duration_s=0.1)
    assert "RuntimeError" in caught.value.problem
    assert pool.measure(CONFIG, 2, threads=1, duration_s=0.1).images_per_s > 0


def test_measure_killed_process_raises_and_is_replaced(pool: TrialPool) -> None:
    pool.measure(CONFIG, 2, threads=1, duration_s=0.1)
    before = list_trial_processes()

    def kill_one() -> None:
        time.sleep(1)
        before[0].kill()  # the first to be waited for

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(ResourceError) as caught:
        pool.measure(CONFIG, 2, threads=1, duration_s=60)
    killer.join()
    assert "SIGKILL" in caught.value.problem
    assert pool.measure(CONFIG, 1, threads=1, duration_s=0.1).images_per_s > 0
    assert not {child.pid for child in before} & {child.pid for child in list_trial_processes()}


def test_trial_pool_processes_ignore_interrupts(pool: TrialPool) -> None:
    pool.measure(CONFIG, 2, threads=1, duration_s=0.1)
    processes = list_trial_processes()
    assert len(processes) == 2
    for child in processes:
        os.kill(child.pid, signal.SIGINT)
    assert pool.measure(CONFIG, 2, threads=1, duration_s=0.1).images_per_s > 0
    assert list_trial_processes() == processes
