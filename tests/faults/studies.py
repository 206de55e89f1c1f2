"""Studies in processes of their own, to be struck; and what two of them have in common."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from reports.ledger.ledger import Ledger

IS_FULL_RUN = os.environ.get("BLOODSTUDY_FAULTS") == "full"
"""Whether faults are injected as often as the README's table says; `make faults` sets it."""

BLOODSTUDY_PATH = Path(sys.executable).with_name("bloodstudy")

VARYING_FIELDS = {"started_at", "duration_s", "host", "attempts", "files"}
"""Of a record: what differs between two runs of the same trial. `files` holds the epochs' hash, and
they their durations; the other files are compared byte by byte."""


def choose_repeats(full_count: int, short_count: int) -> int:
    """How often to inject a fault."""
    return full_count if IS_FULL_RUN else short_count


class StudyRunner:
    """One study of the command, begun and gone on with."""

    def __init__(self, folder: Path, data_file: Path, name: str, *options: str, kind: str = "grid"):
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

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return self._start_process(self.arguments, environment)

    def resume(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        return self._start_process(["resume", str(self.folder), *options], environment)

    def run_to_end(self) -> Ledger:
        """Run to its end without a fault."""
        assert self.start().wait(250) == 0, self.stderr_text
        return self.ledger

    def resume_to_end(self) -> Ledger:
        """Go on to the end."""
        assert self.resume().wait(250) == 0, self.stderr_text
        return self.ledger

    def _start_process(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.Popen[str]:
        with self.log_path.open("a") as log_file:
            return subprocess.Popen(
                [BLOODSTUDY_PATH, *arguments],
                stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file, text=True,
                env=os.environ | environment, start_new_session=True,
            )  # fmt: skip

    def wait_for_output(self, pattern: str, process: subprocess.Popen[str], count: int = 1) -> None:
        """Until it has said so."""
        wait_until(
            lambda: len(re.findall(pattern, self.stderr_text)) >= count, process, self.log_path
        )


def wait_until(
    condition: Callable[[], bool],
    process: subprocess.Popen[str],
    log_path: Path,
    timeout_s: float = 120,
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"it did not come to that: {process.poll()}\n{log_path.read_text()}")
        time.sleep(0.02)


def list_process_tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The driver and all that it started."""
    driver = psutil.Process(process.pid)
    return [driver, *driver.children(recursive=True)]


def list_children(process: subprocess.Popen[str], substring: str) -> list[psutil.Process]:
    """Those of its processes whose command line holds this."""
    matches = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if substring in " ".join(child.cmdline()):
                matches.append(child)
        except psutil.NoSuchProcess:
            continue
    return matches


def list_workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes in which trials run; Ray calls a trainable function ImplicitFunc."""
    return list_children(process, "ImplicitFunc")


def wait_for_survivors(
    processes: list[psutil.Process], timeout_s: float = 90
) -> list[psutil.Process]:
    """Those that are still there after so long."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return alive


def kill_process(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


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
