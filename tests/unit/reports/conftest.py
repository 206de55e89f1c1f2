"""Studies that many tests read, built once; a test that changes one gets a copy."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.grid_builder import build_grid
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
