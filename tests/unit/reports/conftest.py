"""Studies that many tests read, built, analyzed and drawn once; a test that changes one copies it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from reports.ledger.states import DataKind
from reports.sections.findings import analyze
from reports.sections.order import make_sections
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import worsen_matrix
from tests.helpers.report_frames import ASYMMETRIC, ReportedStudy


@pytest.fixture(scope="session")
def reported_grid(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A grid on the official data: two families, three seeds, trials that failed or are missing.

    cnn-config-1 and -3 are the same function; cnn-config-1 and -2 have no seed in common. The test
    images are available, and black.
    """
    better = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 1, 2)]
    poorer = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (10, 11, 12)]
    missing = [("cnn-config-2", 0), ("cnn-config-2", 2), ("cnn-config-3", 0)]
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("reported") / "full",
        {"mlnn-config-1": poorer} | {f"cnn-config-{i}": better for i in (1, 2, 3)},
        failed_trials={("cnn-config-1", 1): "out of memory"},
        missing_trials=missing,
    )
    analysis = analyze(ledger, np.zeros((int(ASYMMETRIC.sum()), 28, 28, 3), dtype=np.uint8))
    return ReportedStudy(analysis, make_sections(analysis))


@pytest.fixture(scope="session")
def reported_synthetic(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A grid on synthetic cells: one function twice, one seed."""
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("reported") / "demo",
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]},
        kind=DataKind.SYNTHETIC,
    )
    analysis = analyze(ledger, None)
    return ReportedStudy(analysis, make_sections(analysis))


@pytest.fixture(scope="session")
def reported_search(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A search of 14 trials, one of which diverged, with its confirmation."""
    record = replace(search_builder.SEARCH_RECORD, n_trials=14, retrain_top=2, retrain_seeds=2)
    ledger = search_builder.build_search(
        tmp_path_factory.mktemp("reported") / "tuned", search=record, diverged_numbers=[3]
    )
    analysis = analyze(ledger, None)
    return ReportedStudy(analysis, make_sections(analysis))
