"""Settings of small studies."""

from pathlib import Path
from typing import Any

from study.configs.study_config import GridConfig, SearchConfig
from tests.helpers.search_builder import SEARCH_RECORD

RESOURCES: dict[str, Any] = {
    "name": "s",
    "cpus_per_trial": 1,
    "gpus_per_trial": 0.0,
    "max_concurrent": None,
    "address": None,
}


def make_grid_config(storage_root: Path, **changes: Any) -> GridConfig:
    """Return the settings of a grid on this host: one configuration, one seed, one epoch."""
    settings: dict[str, Any] = {
        "configurations": ("mlnn-config-2",),
        "seeds": 1,
        "max_epochs": 1,
        "patience": 1,
        "width": None,
        "batch_size": 16,
        "precision": "float32",
    }
    return GridConfig(storage_root=storage_root, **RESOURCES | settings | changes)


def make_search_config(storage_root: Path, **changes: Any) -> SearchConfig:
    """Return the settings of a search on this host."""
    settings = RESOURCES | {"search": SEARCH_RECORD} | changes
    return SearchConfig(storage_root=storage_root, **settings)
