"""Benchmark the memory and disk space of a study, measured from outside the command.

The grid is trained on as many synthetic cells as BloodMNIST has. The search uses few, because the
sizes of models and checkpoints do not depend on the number of images. Requires Linux, whose `/proc`
gives the peak memory of a process.
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

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from tests.benchmarks.figures import Measurement, run_benchmark
from tests.faults.studies import StudyRunner, list_children, list_workers
from tests.helpers.command import INSTALLED_COMMAND

MB, MIB = 10**6, 2**20
SAMPLE_INTERVAL_S = 0.2
CNN_CONFIGURATIONS = ("cnn-config-1", "cnn-config-2", "cnn-config-3", "cnn-config-4")


@dataclass(slots=True)
class PeakUsage:
    """Peak resource usage of a study's processes.

    Attributes:
        store_bytes: Memory of Ray's object store, which holds the data, in bytes.
        worker_bytes: Resident memory of a training process, object store included, in bytes.
        private_bytes: Memory of a training process that no other process shares, in bytes.
        driver_bytes: Resident memory of the driver while trials run, in bytes.
        n_workers: Number of concurrent training processes.
    """

    store_bytes: int = 0
    worker_bytes: int = 0
    private_bytes: int = 0
    driver_bytes: int = 0
    n_workers: int = 0


def measure(full: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from measure_memory(folder, full=full)
        yield from measure_disk(folder, max_epochs=8 if full else 2)


def measure_memory(folder: Path, *, full: bool) -> Iterator[Measurement]:
    """Yield the figures of grids of CNNs with one and with two concurrent trials."""
    data = folder / "cells.npz"
    arrays_bytes = write_synthetic_file(data, scale=1)
    epochs = ("--max-epochs", "2" if full else "1")
    one_trial = measure_grid(folder, data, "one", concurrency=1, options=epochs)
    two_trials = measure_grid(
        folder, data, "two", concurrency=2, options=epochs, n_trials=4 if full else 2
    )
    yield Measurement(
        what="data in the object store, two concurrent trials relative to one",
        value=two_trials.store_bytes / one_trial.store_bytes,
        at_most=1.05,
        detail=f"{two_trials.store_bytes / MB:.1f} and {one_trial.store_bytes / MB:.1f} MB; "
        f"the file has {arrays_bytes / MB:.1f}",
    )
    yield Measurement(
        what="memory of a process that trains a CNN, batch 64",
        value=max(one_trial.worker_bytes, two_trials.worker_bytes) / MIB,
        unit="MiB",
        at_most=700,
        detail=f"resident, data included: one trial {one_trial.worker_bytes / MIB:.0f}, "
        f"two concurrent trials {two_trials.worker_bytes / MIB:.0f}",
    )
    yield Measurement(
        what="private memory of that process",
        value=max(one_trial.private_bytes, two_trials.private_bytes) / MIB,
        unit="MiB",
    )
    yield Measurement(what="memory of the driver", value=two_trials.driver_bytes / MIB, unit="MiB")


def measure_disk(folder: Path, *, max_epochs: int) -> Iterator[Measurement]:
    """Yield the figures of a search of 50 trials of both families."""
    data = folder / "few.npz"
    write_synthetic_file(data, scale=0.02)
    options = ("--trials", "50", "--family", "both", "--max-epochs", str(max_epochs))
    study = StudyRunner(folder, data, "search", *options, "--device", "cpu", kind="search")
    peak_bytes = 0

    def record_disk_usage(_: object) -> None:
        nonlocal peak_bytes
        peak_bytes = max(peak_bytes, measure_folder_bytes(study.folder))

    run_and_sample(study, record_disk_usage)
    models = list((study.folder / "models").iterdir())
    yield Measurement(
        what="peak disk space of a search of 50 trials",
        value=peak_bytes / MB,
        unit="MB",
        at_most=2000,
        detail=f"{measure_folder_bytes(study.folder) / MB:.0f} at the end; {len(models)} models, "
        f"at most {max_epochs} epochs per trial",
    )
    yield Measurement(
        what="checkpoints left at the end of that search",
        value=measure_folder_bytes(study.folder / CHECKPOINT_DIR) / MB,
        unit="MB",
        at_most=0,
    )


def write_synthetic_file(path: Path, *, scale: float) -> int:
    """Write a file of synthetic cells, and return the size of its arrays in bytes."""
    arrays = generate_synthetic_arrays(scale=scale)
    np.savez(path, allow_pickle=False, **arrays)
    return sum(array.nbytes for array in arrays.values())


def measure_grid(
    folder: Path,
    data: Path,
    name: str,
    *,
    concurrency: int,
    options: tuple[str, ...],
    n_trials: int = 1,
) -> PeakUsage:
    """Train `n_trials` CNNs, and return the peak usage of the processes."""
    config_options = [word for name in CNN_CONFIGURATIONS[:n_trials] for word in ("--config", name)]
    run_options = ("--max-concurrent", str(concurrency), "--device", "cpu")
    study = StudyRunner(folder, data, name, *config_options, *options, *run_options)
    usage = PeakUsage()
    run_and_sample(study, lambda driver: update_peak_usage(driver, usage))
    assert usage.n_workers == concurrency
    return usage


def run_and_sample(study: StudyRunner, sample: Callable[[subprocess.Popen[str]], None]) -> None:
    """Run a study to its end, and call `sample` at intervals."""
    with study.log_path.open("a") as log_file, subprocess.Popen(
        [INSTALLED_COMMAND, *study.arguments],
        stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            while process.poll() is None:
                # Processes and files may disappear during a sample.
                with suppress(psutil.Error, OSError):
                    sample(process)
                time.sleep(SAMPLE_INTERVAL_S)
        finally:
            process.kill()
    assert process.returncode == 0, study.stderr_text


def update_peak_usage(driver: subprocess.Popen[str], usage: PeakUsage) -> None:
    """Update the peak usage from the current processes of a study."""
    for raylet in list_children(driver.pid, "raylet"):
        usage.store_bytes = max(usage.store_bytes, measure_store_bytes(raylet))
    training_processes = list_workers(driver.pid)
    usage.n_workers = max(usage.n_workers, len(training_processes))
    for worker in training_processes:
        usage.worker_bytes = max(usage.worker_bytes, read_peak_rss_bytes(worker))
        usage.private_bytes = max(usage.private_bytes, worker.memory_full_info().uss)
    if training_processes:
        usage.driver_bytes = max(usage.driver_bytes, psutil.Process(driver.pid).memory_info().rss)


def measure_store_bytes(process: psutil.Process) -> int:
    """Return the memory of the object store that a process has open, in bytes.

    The store's file is sparse, so its allocated blocks are counted instead of its size.
    """
    files = Path(f"/proc/{process.pid}/fd").iterdir()
    stores = [file.stat() for file in files if "plasma" in os.readlink(file)]
    return max((512 * store.st_blocks for store in stores), default=0)


def read_peak_rss_bytes(process: psutil.Process) -> int:
    """Return the peak resident memory of a process since it started, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0  # the process is just ending


def measure_folder_bytes(folder: Path) -> int:
    """Return the size of the files in a folder in bytes; 0 if it does not exist."""
    n_bytes = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                n_bytes += (Path(root) / name).lstat().st_size
    return n_bytes


if __name__ == "__main__":
    run_benchmark(measure)
