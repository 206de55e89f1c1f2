"""What the tests of faults share: a little data, and the table of what was reached."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bloodnets.rendered import render
from tests.faults.studies import FULL

Row = Callable[[str, str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults" in item.path.as_posix() and FULL:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    """Keeps a line of the table, which `tests/conftest.py` prints."""
    return lambda fault, promise, reached: record_property("fault", (fault, promise, reached))


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 600 drawn cells of train: an epoch of a CNN takes about half a second."""
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, allow_pickle=False, **render(scale=0.05))
    return path
