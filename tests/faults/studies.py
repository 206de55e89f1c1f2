"""Studies in separate processes for fault injection, and comparison of their results."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.command import Command

IS_FULL_RUN = os.environ.get("BLOODSTUDY_FAULTS") == "full"
"""Whether to inject faults as often as the README's table states; `make faults` sets it."""

GRID_OPTIONS = (
    "--config", "cnn-config-2", "--config", "mlnn-config-1", "--config", "mlnn-config-2",
    "--max-epochs", "12",
)  # fmt: skip
"""Options of the grid of most fault tests; `undisturbed` is the same grid without a fault."""

EPOCH_PATTERN = r"(?m)^\S+: epoch \d+/"

VARYING_FIELDS = {"started_at", "duration_s", "host", "attempts", "files"}
"""Fields of a record that differ between two runs of the same trial. `files` contains the hash of
the epochs, which contain durations; the other files are compared byte by byte."""


def choose_repeats(full_count: int, short_count: int) -> int:
    """Return the number of times to inject a fault."""
    return full_count if IS_FULL_RUN else short_count


class StudyRunner:
    """Study that is started and resumed by the command in separate processes."""

    def __init__(
        self, folder: Path, data_file: Path, name: str, *options: str, kind: str = "grid"
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder / name
        self.arguments = [
            kind, "--data-file", str(data_file), "--storage", str(folder), "--name", name, *options
        ]  # fmt: skip
        self.log_path = folder / f"{name}.err"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder)

    @property
    def stderr_text(self) -> str:
        """Output of its processes to stdout and stderr."""
        return self.log_path.read_text()

    def start(self, *, program: str | None = None) -> Command:
        return self._start(*self.arguments, program=program)

    def resume(self, *options: str, program: str | None = None) -> Command:
        return self._start("resume", str(self.folder), *options, program=program)

    def run_to_end(self) -> Ledger:
        """Run without a fault, and return the ledger."""
        assert self.start().wait(250) == 0, self.stderr_text
        return self.ledger

    def resume_to_end(self) -> Ledger:
        """Resume without another fault, and return the ledger."""
        assert self.resume().wait(250) == 0, self.stderr_text
        return self.ledger

    def _start(self, *arguments: str, program: str | None) -> Command:
        return Command(
            *arguments, stdout_path=self.log_path, stderr_path=self.log_path, program=program
        )

    def wait_for_output(self, pattern: str, command: Command, count: int = 1) -> None:
        """Wait until the output contains `count` matches of a pattern."""
        wait_until(
            lambda: len(re.findall(pattern, self.stderr_text)) >= count, command, self.log_path
        )

    def wait_for_next_epoch(self, command: Command) -> None:
        """Wait until one more epoch has been trained."""
        self.wait_for_output(EPOCH_PATTERN, command, self.count_printed_epochs() + 1)

    def count_printed_epochs(self) -> int:
        return len(re.findall(EPOCH_PATTERN, self.stderr_text))


def wait_until(
    condition: Callable[[], bool],
    command: Command,
    log_path: Path,
    timeout_s: float = 120,
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if command.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"condition not met; exit code {command.poll()}\n{log_path.read_text()}")
        time.sleep(0.02)


def list_children(pid: int, substring: str) -> list[psutil.Process]:
    """Return the descendants of a process whose command line contains `substring`."""
    matches = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if substring in " ".join(child.cmdline()):
                matches.append(child)
    return matches


def list_workers(pid: int) -> list[psutil.Process]:
    """Return the processes in which trials run; Ray calls a trainable function ImplicitFunc."""
    return list_children(pid, "ImplicitFunc")


def wait_for_survivors(
    processes: list[psutil.Process], timeout_s: float = 90
) -> list[psutil.Process]:
    """Wait for processes to end, and return those still alive after the timeout."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return alive


def get_checkpoint_epochs(ledger: Ledger) -> dict[str, int]:
    """Return the number of epochs in the checkpoint of each trial that has one."""
    return {
        trial.id: n_epochs
        for trial in ledger.list_planned_trials()
        if (n_epochs := len(ledger.read_checkpoint_epochs(trial.id)))
    }


def parse_last_epochs(stderr_text: str) -> dict[str, int]:
    """Return the last epoch that the driver printed for each trial."""
    return {
        trial: int(last_epoch)
        for trial, last_epoch in re.findall(r"^(\S+): epoch (\d+)/", stderr_text, re.MULTILINE)
    }


def list_messages(stderr_text: str) -> list[str]:
    """Return the lines of standard error, without the steps before the first trial."""
    return [line for line in stderr_text.splitlines() if not line.endswith(" …")]


def assert_same_results(ledger: Ledger, other: Ledger) -> None:
    """Assert that two studies have equal weights, predictions, records, epochs and tables."""
    results, expected = collect_results(ledger), collect_results(other)
    assert results.keys() == expected.keys()
    unequal = [name for name in results if results[name] != expected[name]]
    assert not unequal, unequal


def collect_results(ledger: Ledger) -> dict[str, Any]:
    """Return all results of a study that do not depend on when and how often it was run."""
    results: dict[str, Any] = {"plan": [trial.id for trial in ledger.list_planned_trials()]}
    for trial in ledger.read_trials():
        record = {key: value for key, value in asdict(trial).items() if key not in VARYING_FIELDS}
        epochs = [asdict(epoch) | {"duration_s": 0} for epoch in ledger.read_epochs(trial.id)]
        results[trial.id] = (record, epochs)
    for folder in ("models", "predictions"):
        for path in sorted((ledger.folder / folder).iterdir()):
            results[f"{folder}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted((ledger.folder / "report").rglob("*.csv")):
        if path.name.startswith("checklist-"):  # has the time of the plan
            continue
        csv_frame = pd.read_csv(path)
        frame_without_times = csv_frame.drop(
            columns=csv_frame.filter(regex="duration|images_per_s|test_evaluations").columns
        )
        results[f"report/{path.name}"] = frame_without_times.to_csv()
    # An attempt that was killed after its test evaluation has another one.
    results["test_evaluations"] = sorted(
        {evaluation.trial_id for evaluation in ledger.log.read_test_evaluations()}
    )
    return results
