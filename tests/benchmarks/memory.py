"""What a study takes of memory and of the disk: of the command itself, looked at from outside.

The grid is trained on drawn cells as many as BloodMNIST has, the search on few: neither a model nor
a state is larger for more images. Linux alone: its `/proc` tells what a process held at most.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bloodnets.data.synthetic import render
from bloodnets.storage.checkpoint_header import STATES
from tests.benchmarks.figures import Figure, main
from tests.faults.studies import Study, kill, named, workers

MB, MIB = 10**6, 2**20
EVERY_S = 0.2
CNNS = ("cnn-config-1", "cnn-config-2", "cnn-config-3", "cnn-config-4")


@dataclass(slots=True)
class Seen:
    """The most that was seen of a study's processes, in bytes.

    Attributes:
        store: of Ray's object store, where the data are.
        worker: resident memory of the largest process that trains, that of the store included.
        private: of that, what no other process shares.
        driver: resident memory of the driver, until the trials have ended.
        at_once: processes that train, not bytes.
    """

    store: int = 0
    worker: int = 0
    private: int = 0
    driver: int = 0
    at_once: int = 0


def measure(full: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from of_memory(folder, full=full)
        yield from of_disk(folder, max_epochs=8 if full else 2)


def of_memory(folder: Path, *, full: bool) -> Iterator[Figure]:
    """Figures of grids of CNNs, one trial at once and two."""
    data = folder / "cells.npz"
    arrays_bytes = draw(data, scale=1)
    epochs = ("--epochs", "2" if full else "1")
    one = grid(folder, data, "one", at_once=1, options=epochs)
    two = grid(folder, data, "two", at_once=2, options=epochs, trials=4 if full else 2)
    yield Figure(
        what="data in the object store, two trials at once to one",
        value=two.store / one.store,
        at_most=1.05,
        detail=f"{two.store / MB:.1f} and {one.store / MB:.1f} MB; the file has "
        f"{arrays_bytes / MB:.1f}",
    )
    yield Figure(
        what="memory of a process that trains a CNN, batch 64",
        value=max(one.worker, two.worker) / MIB,
        unit="MiB",
        at_most=700,
        detail=f"resident, the data included: alone {one.worker / MIB:.0f}, "
        f"two at once {two.worker / MIB:.0f}",
    )
    yield Figure(what="of it private", value=max(one.private, two.private) / MIB, unit="MiB")
    yield Figure(what="memory of the driver", value=two.driver / MIB, unit="MiB")


def of_disk(folder: Path, *, max_epochs: int) -> Iterator[Figure]:
    """Figures of a search of fifty trials of both families."""
    data = folder / "few.npz"
    draw(data, scale=0.02)
    options = ("--trials", "50", "--family", "both", "--max-epochs", str(max_epochs))
    study = Study(folder, data, "search", *options, "--device", "cpu", kind="search")
    most = 0

    def look(_: object) -> None:
        nonlocal most
        most = max(most, size(study.folder))

    watch(study, look)
    models = list((study.folder / "models").iterdir())
    yield Figure(
        what="a search of 50 trials on the disk, at most",
        value=most / MB,
        unit="MB",
        at_most=2000,
        detail=f"at the end {size(study.folder) / MB:.0f}; {len(models)} models, "
        f"at most {max_epochs} epochs a trial",
    )
    yield Figure(
        what="of it states of trials, at the end",
        value=size(study.folder / STATES) / MB,
        unit="MB",
        at_most=0,
    )


def draw(path: Path, *, scale: float) -> int:
    """Write a file of drawn cells; the bytes of its arrays."""
    arrays = render(scale=scale)
    np.savez(path, allow_pickle=False, **arrays)
    return sum(array.nbytes for array in arrays.values())


def grid(
    folder: Path, data: Path, name: str, *, at_once: int, options: tuple[str, ...], trials: int = 1
) -> Seen:
    """Train so many CNNs, and look at the processes."""
    chosen = [word for name in CNNS[:trials] for word in ("--config", name)]
    concurrent = ("--max-concurrent", str(at_once), "--device", "cpu")
    study = Study(folder, data, name, *chosen, *options, *concurrent)
    seen = Seen()
    watch(study, lambda driver: look_at(driver, seen))
    assert seen.at_once == at_once
    return seen


def watch(study: Study, look: Callable[[subprocess.Popen[str]], None]) -> None:
    """Run a study to its end, and look now and then."""
    process = study.begin()
    try:
        while process.poll() is None:
            # Processes and files come and go while they are looked at.
            with suppress(psutil.Error, OSError):
                look(process)
            time.sleep(EVERY_S)
    finally:
        if process.poll() is None:
            kill(process)
    assert process.returncode == 0, study.said


def look_at(driver: subprocess.Popen[str], seen: Seen) -> None:
    """Look at the processes of a study."""
    for raylet in named(driver, "raylet"):
        seen.store = max(seen.store, store_bytes(raylet))
    training = workers(driver)
    seen.at_once = max(seen.at_once, len(training))
    for worker in training:
        seen.worker = max(seen.worker, most_resident(worker))
        seen.private = max(seen.private, worker.memory_full_info().uss)
    if training:
        seen.driver = max(seen.driver, psutil.Process(driver.pid).memory_info().rss)


def store_bytes(process: psutil.Process) -> int:
    """What the object store that this process has open takes of memory: its file's blocks.

    The file has room for half a gigabyte, and a page of memory only where something was put.
    """
    files = Path(f"/proc/{process.pid}/fd").iterdir()
    stores = [file.stat() for file in files if "plasma" in os.readlink(file)]
    return max((512 * store.st_blocks for store in stores), default=0)


def most_resident(process: psutil.Process) -> int:
    """Resident memory of a process at its most, as the system has counted it since it began."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0  # it is just ending


def size(folder: Path) -> int:
    """Bytes of the files in a folder, which may not be there."""
    found = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                found += (Path(root) / name).lstat().st_size
    return found


if __name__ == "__main__":
    main(measure)
