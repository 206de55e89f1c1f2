"""Benchmark commands as a user runs them: in separate processes, timed from outside.

Study files are built without training (`tests.helpers.grid_builder`), except for the first step.
Each figure is the median of the rounds, with their range.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from tests.benchmarks.figures import Measurement, run_benchmark
from tests.helpers.grid_builder import build_grid, make_published_matrices

COMMAND = (sys.executable, "-c", "from study.cli.main import main; main()")
FIRST_LINE_MAX_S = 1.0
N_LISTED_STUDIES = 10
LARGE_STUDY_SEEDS = 25
"""Number of seeds of the eight configurations: 200 trials in total."""

GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTimes:
    """Output times, run time and peak memory of a command.

    Attributes:
        lines: Lines of standard output and standard error, each after its time in seconds.
        total_s: Run time of the command, in seconds.
        peak_bytes: Peak resident memory of its process or its largest child, in bytes.
    """

    lines: Sequence[tuple[float, str]]
    total_s: float
    peak_bytes: int

    @property
    def first_line_s(self) -> float:
        """Time of the first line, in seconds."""
        return self.lines[0][0]


def run_command(*arguments: object) -> CommandTimes:
    """Run `bloodstudy` without a terminal, and return its times."""
    start_s = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = [(time.perf_counter() - start_s, line) for line in process.stdout]
    _, wait_status, usage = os.wait4(process.pid, 0)
    total_s = time.perf_counter() - start_s
    process.returncode = os.waitstatus_to_exitcode(wait_status)
    process.stdout.close()
    assert process.returncode == 0, "".join(line for _, line in lines)
    return CommandTimes(lines=lines, total_s=total_s, peak_bytes=1024 * usage.ru_maxrss)


def measure(full: bool) -> Iterator[Measurement]:
    rounds = 5 if full else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "cells.npz"
        np.savez(data, allow_pickle=False, **generate_synthetic_arrays(scale=1.0))
        yield from measure_start(folder, data, rounds)
        yield from measure_dry_runs(folder, data, rounds)
        yield from measure_checks(folder, data, rounds)
        yield from measure_reports(folder, rounds if full else 1)


def measure_start(folder: Path, data: Path, rounds: int) -> Iterator[Measurement]:
    """Yield the figures of a one-trial, one-epoch grid on as many cells as BloodMNIST has."""
    first_line_s, first_step_s = [], []
    for number in range(rounds):
        study = folder / f"start-{number}"
        options = ["--config", "mlnn-config-1", "--max-epochs", 1, "--device", "cpu"]
        options += ["--data-file", data, "--storage", folder, "--name", study.name]
        times = run_command("grid", *options)
        (trial,) = Ledger(study).list_planned_trials()
        (epoch,) = Ledger(study).read_epochs(trial.id)
        epoch_end_s = next(seconds for seconds, line in times.lines if ": epoch 1/1" in line)
        first_line_s.append(times.first_line_s)
        first_step_s.append(epoch_end_s - epoch.duration_s)
    yield summarize("grid: first line", first_line_s, at_most=FIRST_LINE_MAX_S)
    yield summarize("grid: from the command to the first training step", first_step_s, at_most=9)


def measure_dry_runs(folder: Path, data: Path, rounds: int) -> Iterator[Measurement]:
    """Yield the figures of dry runs of a grid, an ablation and a search."""
    for words in ("grid", "grid --ablation", "search --family both"):
        options = ["--dry-run", "--data-file", data, "--storage", folder]
        times = [run_command(*words.split(), *options) for _ in range(rounds)]
        first_line_s, total_s = [t.first_line_s for t in times], [t.total_s for t in times]
        yield summarize(f"{words} --dry-run: first line", first_line_s, at_most=FIRST_LINE_MAX_S)
        yield summarize(f"{words} --dry-run", total_s, at_most=5)


def measure_checks(folder: Path, data: Path, rounds: int) -> Iterator[Measurement]:
    """Yield the figures of read-only commands: status, the list of studies, and doctor."""
    studies = folder / "studies"
    for number in range(N_LISTED_STUDIES):
        build_grid(studies / f"grid-{number}", make_published_matrices())
    for label, arguments in (
        ("status of a study of eight trials", ["grid-0"]),
        (f"status: list of {N_LISTED_STUDIES} studies", []),
    ):
        times = [run_command("status", *arguments, "--storage", studies) for _ in range(rounds)]
        yield summarize(label, [t.total_s for t in times], at_most=0.7)
    options = ["--data-file", data, "--storage", studies]
    times = [run_command("doctor", *options) for _ in range(rounds)]
    yield summarize("doctor: first line", [t.first_line_s for t in times], at_most=FIRST_LINE_MAX_S)
    yield summarize("doctor", [t.total_s for t in times])


def measure_reports(folder: Path, rounds: int) -> Iterator[Measurement]:
    """Yield the figures of `bloodstudy report`, imports included."""
    eight, large = folder / "eight", folder / "large"
    build_grid(eight, make_published_matrices())
    build_grid(large, make_published_matrices(LARGE_STUDY_SEEDS))
    for study, n_trials, max_s in ((eight, 8, 6.0), (large, 8 * LARGE_STUDY_SEEDS, 20.0)):
        times = [run_command("report", study) for _ in range(rounds)]
        yield summarize(f"report of {n_trials} trials", [t.total_s for t in times], at_most=max_s)
    yield Measurement(
        what=f"report of {n_trials} trials: peak memory",
        value=max(t.peak_bytes for t in times) / GB,
        unit="GB",
        at_most=0.5,
        detail="resident",
    )


def summarize(what: str, durations: Sequence[float], at_most: float | None = None) -> Measurement:
    """Return the median duration of the rounds as a figure."""
    spread = f"{len(durations)} rounds, {min(durations):.2f} to {max(durations):.2f}"
    return Measurement(
        what=what,
        value=median(durations),
        unit="s",
        at_most=at_most,
        detail="one round" if len(durations) == 1 else spread,
    )


if __name__ == "__main__":
    run_benchmark(measure)
