"""Fixtures shared by the unit tests: a few synthetic cells, and one Ray per test process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from tests.helpers.trial_results import skip_fsync

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def no_fsync() -> Iterator[None]:
    """Do not wait for the disk: a file takes milliseconds, and tests write thousands."""
    with skip_fsync():
        yield


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> BloodCells:
    """Return synthetic cells, about 120 in train, loaded from a file as a user's would be."""
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.01))
    return load_file(path)


@pytest.fixture(scope="session")
def ray_folder() -> Iterator[Path]:
    """Start Ray on this host, with one core, and yield the folder of its files.

    Its workers preload `wave`, which nothing else imports.
    """
    import ray

    from study.runtime.environment import RAY_ENVIRONMENT
    from study.runtime.ray_internals import start_ray

    # Not in pytest's folder: the path of a socket has at most 107 bytes.
    folder = Path(f"/tmp/bs-test-{os.getpid()}")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in RAY_ENVIRONMENT.items():
            patch.setenv(name, value)
        # Workers do not import from the current folder, but have to import functions of tests.
        patch.setenv("PYTHONPATH", str(ROOT))
        start_ray(str(folder), num_cpus=1, object_store_memory=2**27, preload=("wave",))
    for number, handler in handlers.items():
        signal.signal(number, handler)
    yield folder
    ray.shutdown()
