"""Test repeated faults until a study is done: each trial ends once, and no usage grows."""

import math
import random
import signal
import time
from pathlib import Path

import psutil

from tests.faults.conftest import FaultRow
from tests.faults.studies import IS_FULL_RUN, StudyRunner, choose_repeats, list_children
from tests.helpers.command import Command

CONFIGURATIONS = ("cnn-config-2", "mlnn-config-2") if IS_FULL_RUN else ("mlnn-config-2",)
N_SEEDS = choose_repeats(25, 6)
N_TRIALS = len(CONFIGURATIONS) * N_SEEDS
PAUSE_S = choose_repeats(20, 1)
SAMPLE_INTERVAL_S = 1 if IS_FULL_RUN else 0.1
FAULTS = ("driver killed", "worker killed", "GCS killed", "SIGTERM", "raylet killed")
"""Faults of the full run. The short run injects one, which the driver survives."""


class Watch:
    """Samples of the driver's file handles and memory while it trains."""

    def __init__(self) -> None:
        self.handles: list[int] = []
        self.memory_mib: list[float] = []

    def sample(self, driver: psutil.Process) -> None:
        try:
            self.handles.append(driver.num_fds())
            self.memory_mib.append(driver.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            return


def strike(process: Command, kind: str) -> None:
    """Inject a fault, which the driver may survive."""
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


def is_training(study: StudyRunner, process: Command) -> bool:
    """Return whether trials are left. After the last one, the driver writes the report."""
    return process.poll() is None and len(find_ends(study)) < N_TRIALS


def find_ends(study: StudyRunner) -> list[str]:
    """Return the lines of the output that state the end of a trial."""
    return [line for line in study.stderr_text.splitlines() if ": complete after" in line]


def train(study: StudyRunner, process: Command, seconds: float, watch: Watch) -> None:
    """Let the study train for `seconds` from its next epoch on, or until all trials ended.

    The driver is sampled between the first end of a trial and the last one. It loads libraries to
    enter the first result, and more to write the report, however long the trials take.
    """
    driver, before, until = (
        psutil.Process(process.pid),
        study.stderr_text.count(": epoch "),
        math.inf,
    )
    while is_training(study, process) and time.monotonic() < until:
        time.sleep(SAMPLE_INTERVAL_S)
        if until == math.inf and study.stderr_text.count(": epoch ") > before:
            until = time.monotonic() + seconds
        # Not while Ray starts, when few handles are open.
        if until < math.inf and find_ends(study) and is_training(study, process):
            watch.sample(driver)


def test_grid_with_one_fault_after_another_trains_each_trial_once(
    tmp_path: Path, data_file: Path, row: FaultRow
) -> None:
    options = [word for name in CONFIGURATIONS for word in ("--config", name)]
    options += ["--max-epochs", "6", "--seeds", str(N_SEEDS)]
    study = StudyRunner(tmp_path, data_file, "s", *options)
    rng, struck, watch, began = random.Random(11), list[str](), Watch(), time.monotonic()
    process = study.start()
    while True:
        train(study, process, PAUSE_S, watch)
        if is_training(study, process) and (IS_FULL_RUN or not struck):
            struck.append(rng.choice(FAULTS) if IS_FULL_RUN else "worker killed")
            strike(process, struck[-1])
        if not is_training(study, process):
            exit_code = process.wait(120)
            if exit_code == 0:
                break
            assert exit_code in {3, 143, -signal.SIGKILL}, study.stderr_text
            process = study.resume()
    trials = study.ledger.read_trials()
    assert [trial.state for trial in trials] == ["complete"] * N_TRIALS
    assert struck
    entered = find_ends(study)
    assert len(entered) == len({line.partition(":")[0] for line in entered}) == N_TRIALS
    assert len({entry.trial_id for entry in study.ledger.log.read_test_evaluations()}) == N_TRIALS
    first, last = (
        watch.handles[: len(watch.handles) // 3],
        watch.handles[-len(watch.handles) // 3 :],
    )
    assert max(last) < 1.5 * max(first)
    n = min(100, len(watch.memory_mib) // 3)
    assert max(watch.memory_mib[-n:]) < 1.3 * max(watch.memory_mib[:n])
    counts = ", ".join(f"{struck.count(kind)} x {kind}" for kind in sorted(set(struck)))
    row(
        f"{N_TRIALS} short trials, a random fault after every {PAUSE_S} s of training",
        "all once; file handles and memory flat",
        f"all {N_TRIALS} once, in {(time.monotonic() - began) / 60:.0f} min, after {len(struck)} "
        f"faults ({counts}); handles {min(watch.handles)} to {max(watch.handles)}, memory of the "
        f"driver at most {max(watch.memory_mib):.0f} MiB",
    )
