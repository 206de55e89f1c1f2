"""What Ray Tune, the ledger and the screen take from a grid, beside processes that only train."""

import heapq
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bloodnets.data.synthetic import render
from reports.ledger.ledger import Ledger
from study.runtime.resources import available_cores
from tests.benchmarks.figures import Figure, main, timed

TEN_MINUTES_S = 600.0
COMMAND = (sys.executable, "-c", "from study.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Grid:
    """When a grid did what, in seconds after the command was given.

    Attributes:
        first_epoch_s: its first epoch's end, less what that epoch took.
        trained_s: its last trial's end.
        reported_s: its end.
        packed_s: the least that its trials, as long as each took, would have needed in these slots
            one after another, without a pause: the longest first.
    """

    first_epoch_s: float
    trained_s: float
    reported_s: float
    packed_s: float


def packed(durations: Sequence[float], slots: int) -> float:
    """Seconds until all have run, the longest first, each in the slot that is free first."""
    free = [0.0] * slots
    for duration in sorted(durations, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def run_grid(folder: Path, data: Path, epochs: int, slots: int) -> Grid:
    """The command, in a process of its own, as a user gives it."""
    words = ["grid", "--data-file", data, "--epochs", epochs, "--patience", epochs, "--name", "g"]
    words += ["--device", "cpu", "--max-concurrent", slots, "--results", folder]
    began, first, last = time.perf_counter(), 0.0, 0.0
    with subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            now = time.perf_counter() - began
            if ": epoch 1/" in line and not first:
                trial, first = line.partition(":")[0], now
            if ": complete after " in line:
                last = now
    assert process.returncode == 0, f"exit code {process.returncode}"
    ended, ledger = time.perf_counter() - began, Ledger(folder / "g")
    return Grid(
        first_epoch_s=first - ledger.epochs(trial)[1].duration_s,
        trained_s=last,
        reported_s=ended,
        packed_s=packed([trial.duration_s for trial in ledger.trials()], slots),
    )


def run_plain(folder: Path, data: Path, epochs: int, slots: int) -> float:
    """The same trials in a pool of processes, in seconds."""
    words = [sys.executable, "-m", "tests.benchmarks.plain", data, epochs, slots, folder]
    return timed(lambda: subprocess.run([*map(str, words)], check=True, stdout=subprocess.DEVNULL))


def measure(full: bool) -> Iterator[Figure]:
    """Short: two epochs of each of the eight; full: a grid of ten minutes or more."""
    epochs, slots = 30 if full else 2, available_cores()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "cells.npz"
        np.savez(data, allow_pickle=False, **render(scale=1.0))
        grid = run_grid(folder, data, epochs, slots)
        plain_s = run_plain(folder, data, epochs, slots)
    words = f"8 trials of {epochs} epochs in {slots} slots"
    yield Figure(
        what="grid: from the command to its first epoch",
        value=grid.first_epoch_s,
        unit="s",
        at_most=12.0,
    )
    overhead_s = grid.trained_s - grid.packed_s
    yield Figure(
        what="grid through Ray Tune, to its trials one after another in the same slots, "
        "for ten minutes of them",
        value=1 + overhead_s / TEN_MINUTES_S,
        at_most=1.05,
        detail=f"{words}: {grid.trained_s:.0f} s, of which {overhead_s:.1f} s are not theirs",
    )
    yield Figure(
        what="grid through Ray Tune, to a pool of processes",
        value=grid.trained_s / plain_s,
        at_most=1.05 if full else None,
        detail=f"{words}: {grid.trained_s:.0f} s to {plain_s:.0f} s, one run each",
    )
    yield Figure(
        what="its report, after the last trial",
        value=grid.reported_s - grid.trained_s,
        unit="s",
        detail="eight trials; Ray's end included",
    )


if __name__ == "__main__":
    main(measure)
