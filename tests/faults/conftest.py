"""What the tests of faults share: the table of what was reached, and a study without a fault."""

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
    """Keeps a line of the table, which `tests/conftest.py` prints."""
    return lambda fault, promise, reached: record_property("fault", (fault, promise, reached))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Ledger:
    """The grid that others are struck in, trained without a fault."""
    arguments = ("grid", "--data-file", data_file, *GRID_OPTIONS)
    study = train_once(tmp_path_factory, "s", *arguments)  # named like those: tables name it
    assert study.exit_code == 0, study.stderr
    return study.ledger
