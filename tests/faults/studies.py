"""Studies in processes of their own, to be struck; and what two of them have in common."""

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
"""Whether faults are injected as often as the README's table says; `make faults` sets it."""

GRID_OPTIONS = (
    "--config", "cnn-config-2", "--config", "mlnn-config-1", "--config", "mlnn-config-2",
    "--max-epochs", "12",
)  # fmt: skip
"""The grid in which most faults are injected: `undisturbed` is the same without a fault."""

EPOCH_PATTERN = r"(?m)^\S+: epoch \d+/"

VARYING_FIELDS = {"started_at", "duration_s", "host", "attempts", "files"}
"""Of a record: what differs between two runs of the same trial. `files` holds the epochs' hash, and
they their durations; the other files are compared byte by byte."""


def choose_repeats(full_count: int, short_count: int) -> int:
    """How often to inject a fault."""
    return full_count if IS_FULL_RUN else short_count


class StudyRunner:
    """One study of the command, started and resumed."""

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
        """All that its processes wrote to stderr."""
        return self.log_path.read_text()

    def start(self, *, program: str | None = None) -> Command:
        return self._start(*self.arguments, program=program)

    def resume(self, *options: str, program: str | None = None) -> Command:
        return self._start("resume", str(self.folder), *options, program=program)

    def run_to_end(self) -> Ledger:
        """Run without a fault."""
        assert self.start().wait(250) == 0, self.stderr_text
        return self.ledger

    def resume_to_end(self) -> Ledger:
        """Resume without another fault."""
        assert self.resume().wait(250) == 0, self.stderr_text
        return self.ledger

    def _start(self, *arguments: str, program: str | None) -> Command:
        return Command(
            *arguments, stdout_path=self.log_path, stderr_path=self.log_path, program=program
        )

    def wait_for_output(self, pattern: str, command: Command, count: int = 1) -> None:
        """Wait until the study has printed so many matches of a pattern."""
        wait_until(
            lambda: len(re.findall(pattern, self.stderr_text)) >= count, command, self.log_path
        )

    def wait_for_next_epoch(self, command: Command) -> None:
        """Wait until an epoch more than now has been trained."""
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
            pytest.fail(f"it did not come to that: {command.poll()}\n{log_path.read_text()}")
        time.sleep(0.02)


def list_children(pid: int, substring: str) -> list[psutil.Process]:
    """Return the descendants of a process whose command line holds this."""
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
    """Those that are still there after so long."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return alive


def get_checkpoint_epochs(ledger: Ledger) -> dict[str, int]:
    """Epochs behind each trial that has begun and not ended."""
    return {
        trial.id: n_epochs
        for trial in ledger.list_planned_trials()
        if (n_epochs := ledger.count_checkpoint_epochs(trial.id))
    }


def parse_last_epochs(stderr_text: str) -> dict[str, int]:
    """The last epoch of each trial that a driver had heard of."""
    return {
        trial: int(last_epoch)
        for trial, last_epoch in re.findall(r"^(\S+): epoch (\d+)/", stderr_text, re.MULTILINE)
    }


def assert_same_results(ledger: Ledger, other: Ledger) -> None:
    """Of two studies of the same trials: weights, predictions, records, epochs and tables."""
    results, expected = collect_results(ledger), collect_results(other)
    assert results.keys() == expected.keys()
    unequal = [name for name in results if results[name] != expected[name]]
    assert not unequal, unequal


def collect_results(ledger: Ledger) -> dict[str, Any]:
    """All of a study that does not depend on when and how often it was run."""
    results: dict[str, Any] = {"plan": [trial.id for trial in ledger.list_planned_trials()]}
    for trial in ledger.read_trials():
        record = {key: value for key, value in asdict(trial).items() if key not in VARYING_FIELDS}
        epochs = [asdict(epoch) | {"duration_s": 0} for epoch in ledger.read_epochs(trial.id)]
        results[trial.id] = (record, epochs)
    for folder in ("models", "predictions"):
        for path in sorted((ledger.folder / folder).iterdir()):
            results[f"{folder}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted((ledger.folder / "report").rglob("*.csv")):
        csv_frame = pd.read_csv(path)
        frame_without_times = csv_frame.drop(
            columns=csv_frame.filter(regex="duration|images_per_s").columns
        )
        results[f"report/{path.name}"] = frame_without_times.to_csv()
    results["test_evaluations"] = sorted(
        (evaluation.trial_id, evaluation.reason) for evaluation in ledger.read_test_evaluations()
    )
    return results
