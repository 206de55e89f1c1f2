"""A grid that is not finished."""

from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.open_grid import build_open_grid


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a grid with a complete and a failed trial, and one that has not ended."""
    return build_open_grid(tmp_path / "s")
