"""What the tests of faults share: the table of what was reached."""

from collections.abc import Callable

import pytest

from tests.faults.studies import IS_FULL_RUN

FaultRow = Callable[[str, str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults" in item.path.as_posix() and IS_FULL_RUN:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> FaultRow:
    """Keeps a line of the table, which `tests/conftest.py` prints."""
    return lambda fault, promise, reached: record_property("fault", (fault, promise, reached))
