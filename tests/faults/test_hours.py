"""One fault after the other, until the study is done: every trial once, and nothing grows."""

import math
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import FaultRow
from tests.faults.studies import IS_FULL_RUN, StudyRunner, list_children
from tests.helpers.command import Command

SEEDS, PAUSE_S = 25, 20


class Watch:
    """What the driver takes, each second in which it trains."""

    def __init__(self) -> None:
        self.handles: list[int] = []
        self.memory_mib: list[float] = []

    def sample(self, driver: psutil.Process) -> None:
        try:
            self.handles.append(driver.num_fds())
            self.memory_mib.append(driver.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            return


def strike(process: Command, rng: random.Random) -> str:
    """A fault, at random; the driver may outlive it."""
    kinds = ["driver killed", "worker killed", "GCS killed", "SIGTERM", "raylet killed"]
    kind = rng.choice(kinds)
    if kind == "driver killed":
        process.kill()
    elif kind == "SIGTERM":
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    else:
        part = {
            "worker killed": "ImplicitFunc",
            "GCS killed": "gcs_server",
            "raylet killed": "raylet/raylet",
        }
        for victim in list_children(process.pid, part[kind])[:1]:
            victim.kill()
    return kind


def train(study: StudyRunner, process: Command, seconds: float, watch: Watch) -> None:
    """Let the driver be for so long from its first epoch on, as long as it is alive."""
    driver, before, until = (
        psutil.Process(process.pid),
        study.stderr_text.count(": epoch "),
        math.inf,
    )
    while process.poll() is None and time.monotonic() < until:
        time.sleep(1)
        if until == math.inf and study.stderr_text.count(": epoch ") > before:
            until = time.monotonic() + seconds
        if until < math.inf:  # not while Ray starts, when there are few handles
            watch.sample(driver)


@pytest.mark.skipif(not IS_FULL_RUN, reason="half an hour; its short form is in test_driver.py")
def test_grid_with_a_fault_every_20_seconds_trains_each_trial_once(
    tmp_path: Path, data_file: Path, row: FaultRow
) -> None:
    grid = ("--config", "cnn-config-2", "--config", "mlnn-config-2", "--max-epochs", "6")
    study = StudyRunner(tmp_path, data_file, "s", *grid, "--seeds", str(SEEDS))
    rng, struck, watch, began = random.Random(11), list[str](), Watch(), time.monotonic()
    process = study.start()
    while True:
        train(study, process, PAUSE_S, watch)
        if process.poll() is None:
            struck.append(strike(process, rng))
        if process.poll() == 0:
            break
        if process.poll() is not None:
            assert process.poll() in {3, 143, -signal.SIGKILL}, study.stderr_text
            process = study.resume()
    trials = study.ledger.read_trials()
    assert [trial.state for trial in trials] == ["complete"] * 2 * SEEDS
    entered = [line for line in study.stderr_text.splitlines() if ": complete after" in line]
    assert len(entered) == len({line.partition(":")[0] for line in entered}) == 2 * SEEDS
    assert len(study.ledger.read_test_evaluations()) == 2 * SEEDS
    first, last = (
        watch.handles[: len(watch.handles) // 3],
        watch.handles[-len(watch.handles) // 3 :],
    )
    assert max(last) < 1.5 * max(first)
    assert max(watch.memory_mib[-100:]) < 1.3 * max(watch.memory_mib[:100])
    counts = ", ".join(f"{struck.count(kind)} x {kind}" for kind in sorted(set(struck)))
    row(
        f"{2 * SEEDS} short trials, a random fault after every {PAUSE_S} s of training",
        "all once; file handles and memory flat",
        f"all {2 * SEEDS} once, in {(time.monotonic() - began) / 60:.0f} min, after {len(struck)} "
        f"faults ({counts}); handles {min(watch.handles)} to {max(watch.handles)}, memory of the "
        f"driver at most {max(watch.memory_mib):.0f} MiB",
    )
