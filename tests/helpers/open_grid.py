"""Build a grid with a complete and a failed trial, and one that has not ended."""

from pathlib import Path

from reports.ledger.ledger import Ledger
from reports.ledger.states import DataKind
from tests.helpers.grid_builder import ASYMMETRIC, build_grid


def build_open_grid(folder: Path) -> Ledger:
    """Build a grid of synthetic cells: cnn-config-1 is complete, mlnn-config-1 failed.

    Args:
        folder: Folder of the study, which must not exist.
    """
    return build_grid(
        folder,
        {name: [ASYMMETRIC] for name in ("cnn-config-1", "mlnn-config-1", "cnn-config-2")},
        kind=DataKind.SYNTHETIC,
        failed_trials={("mlnn-config-1", 0): "out of memory"},
        missing_trials={("cnn-config-2", 0)},
    )
