"""Count the files and hops that a reader follows from a command to a trial's ledger entry.

The runs are real: synthetic cells, one trial at a time, with `sys.setprofile` in every thread of
the driver and the worker. A function counts at its first call. A hop is a first call in a different
file from the previous one.

`tests.helpers.call_recorder` defines what counts as a function. In the driver, only the main thread
is followed, and files are written in it.

`python -m tests.benchmarks.trace` takes a minute or two on idle cores and ten on busy ones. It
exits with 1 if a bound is exceeded.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from study.runtime.cores import count_available_cores
from tests.helpers.call_recorder import ROOT, SETTINGS_VARIABLE, Call, Event, read_events

BLOODSTUDY = (
    sys.executable,
    "-c",
    "import pytest; from tests.helpers.immediate_writer import write_immediately; "
    "write_immediately(pytest.MonkeyPatch()); from study.cli.main import main; main()",
)
GRID = "grid --config mlnn-config-1 --config cnn-config-2 --max-epochs 2 --data synthetic"
SEARCH = "search --trials 3 --max-epochs 3 --retrain-top 1 --data synthetic"

# Qualified names of functions, in any file.
TRIALS_START, TRIAL_END = "run_trials", "Ledger.write_trial"
PROPOSAL_START, PROPOSAL_END = "ProposalSearcher.suggest", "OptunaStudy.tell"

# One trial, from the plan to its entry in the ledger. The path from the command to the plan has
# no bound: it passes each step of preparation (options, data, record, lock, Ray) once.
# Two of the files are the log of the study, to which each start and end is appended. Files have up
# to about 250 lines: the ledger and its callback, once two long files, are five. One file, with
# five and three hops, is the watch for trials that stand still. One file, with two hops, is the
# share of a GPU that each family of networks takes. Two files, with seven hops, write to the ledger
# in threads. One more is Optuna's file.
MAX_TRIAL_FILES, MAX_TRIAL_HOPS = 25, 72
MAX_PROPOSAL_FILES, MAX_PROPOSAL_HOPS = 23, 67


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Path through the code that a reader follows.

    Attributes:
        name: Description of the path.
        calls: First calls, in order.
        max_files: Largest allowed number of files; None for no bound.
        max_hops: Largest allowed number of hops; None for no bound.
    """

    name: str
    calls: Sequence[Call]
    max_files: int | None = None
    max_hops: int | None = None

    @property
    def n_files(self) -> int:
        """Number of different files."""
        return len({call.file for call in self.calls})

    @property
    def n_hops(self) -> int:
        """Number of hops."""
        return count_hops(self.calls)

    @property
    def is_met(self) -> bool:
        """Whether both bounds are met."""
        return (self.max_files is None or self.n_files <= self.max_files) and (
            self.max_hops is None or self.n_hops <= self.max_hops
        )


def count_hops(calls: Iterable[Call]) -> int:
    """Count the calls in a different file from the previous call."""
    return sum(before.file != after.file for before, after in pairwise(calls))


def run_traced(command: str, *, start: str, end: str) -> tuple[list[Event], list[Event]]:
    """Run `bloodstudy`, and return the events of the driver and of the workers.

    Args:
        command: Arguments after `bloodstudy`, separated by spaces.
        start: Qualified name of the function that begins the path; see `Recorder`.
        end: Qualified name of the function that ends the path; see `Recorder`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sitecustomize.py").write_text(
            "from tests.helpers.call_recorder import record_this_process\nrecord_this_process()\n"
        )
        environment = os.environ | {
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            SETTINGS_VARIABLE: json.dumps((name, start, end)),
        }
        # One trial at a time: the order of calls does not depend on which trial is faster.
        options = ["--device", "cpu", "--cpus-per-trial", str(count_available_cores())]
        options += ["--storage", str(folder / "studies"), "--name", "traced"]
        with subprocess.Popen(
            [*BLOODSTUDY, *command.split(), *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            messages = process.communicate()[1]
        if process.returncode:
            sys.exit(f"{messages}\nbloodstudy {command} ended with {process.returncode}")
        driver_path = folder / f"{process.pid}.jsonl"
        worker_paths = sorted(set(folder.glob("*.jsonl")) - {driver_path})
        workers = [event for path in worker_paths for event in read_events(path)]
        return [event for event in read_events(driver_path) if event.is_main], workers


def select_calls(events: Sequence[Event]) -> list[Call]:
    """Return each function called, once, in the order of the first calls."""
    return list(dict.fromkeys(event.call for event in events if event.kind == "call"))


def select_path(events: Sequence[Event], *, from_start: bool, to_last_end: bool) -> list[Call]:
    """Return the first calls on a path.

    Args:
        events: Events of a driver.
        from_start: Whether the path begins at the start event instead of with the command.
        to_last_end: Whether the path leads to the last end event instead of the first one after the
            start.
    """
    kinds = [event.kind for event in events]
    start = kinds.index("start") if "start" in kinds else len(kinds)
    ends = [index for index, kind in enumerate(kinds) if kind == "end" and index > start]
    if not ends:
        sys.exit("the path to follow has no start or no end: was a function renamed?")
    last = ends[-1] if to_last_end else ends[0]
    return select_calls(events[start if from_start else 0 : last])


def measure() -> list[Trace]:
    """Run a grid and a search, and return their traces."""
    grid, grid_workers = run_traced(GRID, start=TRIALS_START, end=TRIAL_END)
    search, search_workers = run_traced(SEARCH, start=PROPOSAL_START, end=PROPOSAL_END)
    return [
        Trace(
            name="grid, driver: up to the last trial in the ledger",
            calls=select_path(grid, from_start=False, to_last_end=True),
        ),
        Trace(
            name="grid, driver: up to the first trial in the ledger",
            calls=select_path(grid, from_start=False, to_last_end=False),
        ),
        Trace(
            name=f"grid, driver: from {TRIALS_START} to the first trial",
            calls=select_path(grid, from_start=True, to_last_end=False),
            max_files=MAX_TRIAL_FILES,
            max_hops=MAX_TRIAL_HOPS,
        ),
        Trace(name="grid, driver: with the report", calls=select_calls(grid)),
        Trace(name="grid, worker", calls=select_calls(grid_workers)),
        Trace(
            name="search, driver: one proposal",
            calls=select_path(search, from_start=True, to_last_end=False),
            max_files=MAX_PROPOSAL_FILES,
            max_hops=MAX_PROPOSAL_HOPS,
        ),
        Trace(name="search, driver: with the report", calls=select_calls(search)),
        Trace(name="search, worker", calls=select_calls(search_workers)),
    ]


def format_table(traces: Sequence[Trace]) -> str:
    """Format the figures as a table, with the bound after each figure."""
    lines = [f"{'':50} {'files':>10} {'functions':>10} {'hops':>10}"]
    for trace in traces:
        files = _format_figure(trace.n_files, trace.max_files)
        hops = _format_figure(trace.n_hops, trace.max_hops)
        missed = "" if trace.is_met else "  missed"
        lines.append(f"{trace.name:50} {files:>10} {len(trace.calls):>10} {hops:>10}{missed}")
    return "\n".join(lines)


def format_calls(trace: Trace) -> str:
    """Format the first calls in order, with an empty line at each hop."""
    lines = [f"# {trace.name}"]
    file = ""
    for call in trace.calls:
        lines += [""] * (call.file != file) + [f"{call.file}: {call.function}"]
        file = call.file
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and exit with 1 if a bound is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.trace")
    parser.add_argument("--list", action="store_true", help="also print the calls")
    parser.add_argument("--json", type=Path, help="also write figures and calls to this file")
    options = parser.parse_args()
    traces = measure()
    if options.list:
        print("\n\n".join(map(format_calls, traces)), end="\n\n")
    print(format_table(traces))
    if options.json:
        rows = [
            {
                "name": trace.name,
                "files": trace.n_files,
                "functions": len(trace.calls),
                "hops": trace.n_hops,
                "max_files": trace.max_files,
                "max_hops": trace.max_hops,
                "calls": trace.calls,
            }
            for trace in traces
        ]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(not all(trace.is_met for trace in traces))


def _format_figure(value: int, bound: int | None) -> str:
    return str(value) if bound is None else f"{value} (≤ {bound})"


if __name__ == "__main__":
    main()
