"""Fixtures of the fault tests: rows of the fault table, and a study without a fault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.faults.studies import GRID_OPTIONS, IS_FULL_RUN
from tests.helpers.trained_studies import train_once

FaultRow = Callable[[str, str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults" in item.path.as_posix() and IS_FULL_RUN:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> FaultRow:
    """Return a function that adds a row to the fault table, which `tests/conftest.py` prints."""
    return lambda fault, promise, reached: record_property("fault", (fault, promise, reached))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Ledger:
    """Train the grid into which faults are injected, without a fault, as a reference."""
    arguments = ("grid", "--data-file", data_file, *GRID_OPTIONS)
    # The other studies have the same name, which their tables contain.
    study = train_once(tmp_path_factory, "s", *arguments)
    assert study.exit_code == 0, study.stderr
    return study.ledger
