"""Benchmark the overhead of Ray Tune, the ledger and the display over plain training processes."""

import heapq
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from study.runtime.cores import count_available_cores
from tests.benchmarks.figures import Measurement, measure_duration_s, run_benchmark

TEN_MINUTES_S = 600.0
COMMAND = (sys.executable, "-c", "from study.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class GridTimes:
    """End times of a grid, in seconds after the command was started.

    Attributes:
        last_trial_end_s: End of the last trial.
        grid_end_s: End of the command.
        min_duration_s: Time that its trials would take in the same slots without gaps, with their
            measured durations and the longest first.
    """

    last_trial_end_s: float
    grid_end_s: float
    min_duration_s: float


def compute_packed_s(durations: Sequence[float], slots: int) -> float:
    """Return the time to run all, the longest first, each in the first free slot."""
    free_at_s = [0.0] * slots
    for duration in sorted(durations, reverse=True):
        heapq.heappush(free_at_s, heapq.heappop(free_at_s) + duration)
    return max(free_at_s)


def run_grid(folder: Path, data: Path, epochs: int, slots: int) -> GridTimes:
    """Run a grid in a separate process, and return its end times."""
    arguments = [
        "grid",
        "--data-file",
        data,
        "--max-epochs",
        epochs,
        "--patience",
        epochs,
        "--name",
        "g",
    ]
    arguments += ["--device", "cpu", "--max-concurrent", slots, "--storage", folder]
    start_s, last_trial_end_s = time.perf_counter(), 0.0
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            now_s = time.perf_counter() - start_s
            if ": complete after " in line:
                last_trial_end_s = now_s
    assert process.returncode == 0, f"exit code {process.returncode}"
    end_s, ledger = time.perf_counter() - start_s, Ledger(folder / "g")
    return GridTimes(
        last_trial_end_s=last_trial_end_s,
        grid_end_s=end_s,
        min_duration_s=compute_packed_s(
            [trial.duration_s for trial in ledger.read_trials()], slots
        ),
    )


def run_plain(folder: Path, data: Path, epochs: int, slots: int) -> float:
    """Run the same trials in a pool of processes, and return the elapsed time in seconds."""
    command = [sys.executable, "-m", "tests.benchmarks.plain", data, epochs, slots, folder]
    return measure_duration_s(
        lambda: subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)
    )


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures of a grid of two epochs per trial, or of 30 with `--full`."""
    epochs, slots = 30 if full else 2, count_available_cores()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "cells.npz"
        np.savez(data, allow_pickle=False, **generate_synthetic_arrays(scale=1.0))
        grid = run_grid(folder, data, epochs, slots)
        plain_s = run_plain(folder, data, epochs, slots)
    workload_text = f"8 trials of {epochs} epochs in {slots} slots"
    overhead_s = grid.last_trial_end_s - grid.min_duration_s
    yield Measurement(
        what="grid through Ray Tune, relative to the training time of its trials, for ten minutes "
        "of training",
        value=1 + overhead_s / TEN_MINUTES_S,
        at_most=1.05,
        detail=f"{workload_text}: {grid.last_trial_end_s:.0f} s, of which {overhead_s:.1f} s are "
        "overhead",
    )
    yield Measurement(
        what="grid through Ray Tune, relative to a pool of processes",
        value=grid.last_trial_end_s / plain_s,
        at_most=1.05 if full else None,
        detail=f"{workload_text}: {grid.last_trial_end_s:.0f} s and {plain_s:.0f} s, one run each",
    )
    yield Measurement(
        what="report after the last trial",
        value=grid.grid_end_s - grid.last_trial_end_s,
        unit="s",
        detail="eight trials; shutdown of Ray included",
    )


if __name__ == "__main__":
    run_benchmark(measure)
