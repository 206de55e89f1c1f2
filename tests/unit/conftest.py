"""Fixtures shared by the unit tests."""

from collections.abc import Iterator

import numpy as np
import pytest

from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from tests.helpers.trial_results import skip_fsync


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
