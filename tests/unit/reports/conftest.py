"""Studies that many tests read, each built and analyzed once per session."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.ledger.states import DataKind
from reports.sections.findings import analyze
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, worsen_matrix
from tests.helpers.report_frames import ReportedStudy
from tests.helpers.search_builder import build_search
from tests.helpers.small_studies import SMALL_MATRICES, SMALL_SEARCH


@pytest.fixture(scope="session")
def small_grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete grid of two configurations and two seeds; not to be changed."""
    return build_grid(tmp_path_factory.mktemp("small") / "grid", SMALL_MATRICES).folder


@pytest.fixture
def grid_copy(small_grid: Path, tmp_path: Path) -> Path:
    """A copy of `small_grid`, to be changed."""
    return Path(shutil.copytree(small_grid, tmp_path / "grid"))


@pytest.fixture(scope="session")
def small_search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete search of ten trials, of which 5 failed and 6 diverged; not to be changed."""
    folder = tmp_path_factory.mktemp("small") / "search"
    failed = {5: "RuntimeError: x"}
    build_search(folder, search=SMALL_SEARCH, failed_numbers=failed, diverged_numbers=[6])
    return folder


@pytest.fixture
def search_copy(small_search: Path, tmp_path: Path) -> Path:
    """A copy of `small_search`, to be changed."""
    return Path(shutil.copytree(small_search, tmp_path / "search"))


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
    return ReportedStudy(analysis)


@pytest.fixture(scope="session")
def reported_folds(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A cross-validation of two families, one seed on three folds, without a failure."""
    better = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 1, 2)]
    poorer = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (10, 11, 13)]
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("reported") / "folds",
        {"mlnn-config-1": poorer, "cnn-config-1": better},
        folds=3,
    )
    return ReportedStudy(analyze(ledger, None))


@pytest.fixture(scope="session")
def reported_synthetic(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A grid on synthetic cells: one function twice, one seed."""
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("reported") / "demo",
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]},
        kind=DataKind.SYNTHETIC,
    )
    return ReportedStudy(analyze(ledger, None))


@pytest.fixture(scope="session")
def reported_medmnist(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A grid on TissueMNIST with 64 x 64 pixels: one function twice, one seed."""
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("reported") / "tissue",
        {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]},
        kind=DataKind.MEDMNIST,
    )
    return ReportedStudy(analyze(ledger, None))


@pytest.fixture(scope="session")
def reported_search(tmp_path_factory: pytest.TempPathFactory) -> ReportedStudy:
    """A search of 14 trials, one of which diverged, with its confirmation."""
    record = replace(search_builder.SEARCH_RECORD, n_trials=14, retrain_top=2, retrain_seeds=2)
    ledger = search_builder.build_search(
        tmp_path_factory.mktemp("reported") / "tuned", search=record, diverged_numbers=[3]
    )
    return ReportedStudy(analyze(ledger, None))
