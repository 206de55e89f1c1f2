"""A dry run prints its plan after it has loaded the data, and times each shape of network once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.errors import DataError
from reports.format.data_warnings import list_data_warnings
from study.configs.presets import ABLATIONS, CONFIGURATIONS, PUBLISHED
from study.configs.study_config import GridConfig, SearchConfig
from study.datasets.data_record import make_data_record
from study.lifecycle import epoch_timing
from study.lifecycle.dry_run import print_dry_run
from study.lifecycle.epoch_timing import NetworkCost
from tests.helpers.search_builder import SEARCH_RECORD

STUDY: dict[str, Any] = {
    "name": "s",
    "storage_root": Path("results"),
    "cpus_per_trial": 1,
    "gpus_per_trial": 0,
    "max_concurrent": 1,
    "address": None,
}
GRID: dict[str, Any] = {
    "seeds": 2,
    "max_epochs": 10,
    "patience": 5,
    "width": None,
    "batch_size": None,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> BloodCells:
    path = tmp_path_factory.mktemp("data") / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.01))
    return load_file(path)


def make_grid(*names: str) -> GridConfig:
    return GridConfig(configurations=names, **GRID, **STUDY)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[TrialConfig]:
    """Configurations that are timed; an epoch of each takes ten times its number in seconds."""
    timed: list[TrialConfig] = []

    def measure(config: TrialConfig, cells: BloodCells, threads: int) -> NetworkCost:
        timed.append(config)
        return NetworkCost(epoch_duration_s=10.0 * len(timed), weight_bytes=10**6)

    monkeypatch.setattr(epoch_timing, "measure_network_cost", measure)
    return timed


@pytest.mark.parametrize(
    ("names", "n_shapes"),
    [((*PUBLISHED,), 2), (("resnet", *ABLATIONS), 1), ((*CONFIGURATIONS,), 3)],
)
def test_print_dry_run_times_one_network_per_shape(
    names: tuple[str, ...], n_shapes: int, cells: BloodCells, timed: list[TrialConfig]
) -> None:
    print_dry_run(make_grid(*names), lambda: cells)
    assert len(timed) == n_shapes
    assert len({(config.family, config.width) for config in timed}) == n_shapes


def test_print_dry_run_search_times_one_network_per_family(
    cells: BloodCells, timed: list[TrialConfig]
) -> None:
    print_dry_run(SearchConfig(search=SEARCH_RECORD, **STUDY), lambda: cells)
    assert [config.family for config in timed] == [*SEARCH_RECORD.families]


def test_print_dry_run_row_has_the_cost_of_its_shape(
    cells: BloodCells, timed: list[TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    print_dry_run(make_grid("mlnn-config-1", "cnn-config-1", "mlnn-config-2"), lambda: cells)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    assert [row[:4] for row in rows] == [
        ["mlnn-config-1", "2", "20", "10.0"],
        ["cnn-config-1", "2", "20", "20.0"],
        ["mlnn-config-2", "2", "20", "10.0"],
    ]


@pytest.mark.parametrize(
    "config", [make_grid("cnn-config-1"), SearchConfig(search=SEARCH_RECORD, **STUDY)]
)
def test_print_dry_run_without_usable_data_prints_nothing(
    config: GridConfig | SearchConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    def load_cells() -> BloodCells:
        raise DataError("no data")

    with pytest.raises(DataError, match="no data"):
        print_dry_run(config, load_cells)
    assert capsys.readouterr().out == ""


def test_print_dry_run_warns_of_an_absent_class(
    cells: BloodCells, timed: list[TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    labels = cells.test.labels.copy()
    labels[labels == 3] = 4
    lacking = replace(cells, test=cells.test._replace(labels=labels))
    for config in (make_grid("mlnn-config-1"), SearchConfig(search=SEARCH_RECORD, **STUDY)):
        print_dry_run(config, lambda: lacking)
        output = capsys.readouterr()
        for text in list_data_warnings(make_data_record(lacking)):
            assert text in output.err
        assert "3 immature granulocytes" in output.err
