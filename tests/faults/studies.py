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

FULL = os.environ.get("BLOODSTUDY_FAULTS") == "full"
"""Whether faults are injected as often as the README's table says; `make faults` sets it."""

BLOODSTUDY = Path(sys.executable).with_name("bloodstudy")

TIMES = {"started_at", "duration_s", "host", "attempts", "files"}
"""Of a record: what differs between two runs of the same trial. `files` holds the epochs' hash, and
they their durations; the other files are compared byte by byte."""


def often(full: int, short: int) -> int:
    """How often to inject a fault."""
    return full if FULL else short


class Study:
    """One study of the command, begun and gone on with."""

    def __init__(self, folder: Path, data_file: Path, name: str, *options: str, kind: str = "grid"):
        folder.mkdir(exist_ok=True)
        self.folder = folder / name
        self.words = [
            kind, "--data-file", str(data_file), "--results", str(folder), "--name", name, *options
        ]  # fmt: skip
        self.log = folder / f"{name}.err"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder)

    @property
    def said(self) -> str:
        """All that its processes wrote to stderr."""
        return self.log.read_text()

    def begin(self, **environment: str) -> subprocess.Popen[str]:
        return self._run(self.words, environment)

    def resume(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        return self._run(["resume", str(self.folder), *options], environment)

    def whole(self) -> Ledger:
        """Run to its end without a fault."""
        assert self.begin().wait(250) == 0, self.said
        return self.ledger

    def resumed(self) -> Ledger:
        """Go on to the end."""
        assert self.resume().wait(250) == 0, self.said
        return self.ledger

    def _run(self, words: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        with self.log.open("a") as log:
            return subprocess.Popen(
                [BLOODSTUDY, *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True,
                env=os.environ | environment, start_new_session=True,
            )  # fmt: skip

    def wait_for(self, pattern: str, process: subprocess.Popen[str], count: int = 1) -> None:
        """Until it has said so."""
        wait_until(lambda: len(re.findall(pattern, self.said)) >= count, process, self.log)


def wait_until(
    reached: Callable[[], bool], process: subprocess.Popen[str], log: Path, seconds: float = 120
) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"it did not come to that: {process.poll()}\n{log.read_text()}")
        time.sleep(0.02)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The driver and all that it started."""
    own = psutil.Process(process.pid)
    return [own, *own.children(recursive=True)]


def named(process: subprocess.Popen[str], part: str) -> list[psutil.Process]:
    """Those of its processes whose command line holds this."""
    found = []
    for each in psutil.Process(process.pid).children(recursive=True):
        try:
            if part in " ".join(each.cmdline()):
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes in which trials run; Ray calls a trainable function ImplicitFunc."""
    return named(process, "ImplicitFunc")


def survivors(processes: list[psutil.Process], seconds: float = 90) -> list[psutil.Process]:
    """Those that are still there after so long."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return alive


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def states(ledger: Ledger) -> dict[str, int]:
    """Epochs behind each trial that has begun and not ended."""
    return {trial.id: n for trial in ledger.planned() if (n := ledger.state_epochs(trial.id))}


def reported(said: str) -> dict[str, int]:
    """The last epoch of each trial that a driver had heard of."""
    return {trial: int(n) for trial, n in re.findall(r"^(\S+): epoch (\d+)/", said, re.MULTILINE)}


def assert_equal(ledger: Ledger, other: Ledger) -> None:
    """Of two studies of the same trials: weights, predictions, records, epochs and tables."""
    found, wanted = contents(ledger), contents(other)
    assert found.keys() == wanted.keys()
    unequal = [name for name in found if found[name] != wanted[name]]
    assert not unequal, unequal


def contents(ledger: Ledger) -> dict[str, Any]:
    """All of a study that does not depend on when and how often it was run."""
    found: dict[str, Any] = {"plan": [trial.id for trial in ledger.planned()]}
    for trial in ledger.trials():
        record = {key: value for key, value in asdict(trial).items() if key not in TIMES}
        epochs = [asdict(epoch) | {"duration_s": 0} for epoch in ledger.epochs(trial.id)]
        found[trial.id] = (record, epochs)
    for folder in ("models", "predictions"):
        for path in sorted((ledger.folder / folder).iterdir()):
            found[f"{folder}/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted((ledger.folder / "report").rglob("*.csv")):
        table = pd.read_csv(path)
        timeless = table.drop(columns=table.filter(regex="duration|images_per_s").columns)
        found[f"report/{path.name}"] = timeless.to_csv()
    found["looks"] = sorted((look.trial, look.reason) for look in ledger.looks())
    return found
