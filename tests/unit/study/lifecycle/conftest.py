"""A grid that is not finished."""

from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.grid_builder import build_grid, make_published_matrices


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a grid of two trials that ended, and one that did not."""
    matrices = make_published_matrices()
    names = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1")
    return build_grid(
        tmp_path / "s",
        {name: matrices[name] for name in names},
        missing_trials={("cnn-config-1", 0)},
    )
