"""A Ray for the tests that need a real one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from study.runtime.ray_internals import start_ray


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """The folder of a Ray on this host, with one core."""
    # Not below pytest's own: the path of a socket has room for 107 bytes.
    folder = Path(f"/tmp/bs-test-{os.getpid()}")
    start_ray(str(folder), num_cpus=1, object_store_memory=2**27)
    yield folder
    ray.shutdown()
