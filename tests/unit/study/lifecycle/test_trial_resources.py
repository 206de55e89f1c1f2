"""The share of a GPU that a trial takes, and what is said about it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.medmnist import BloodCells
from reports.ledger.records import GpusPerTrial
from reports.ledger.search_record import SearchRecord
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL
from study.lifecycle import trial_resources
from study.lifecycle.trial_resources import describe_trial_resources, resolve_gpu_shares
from study.runtime import resources
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, SEARCH_RECORD
from tests.helpers.study_configs import make_grid_config, make_search_config

SetGpus = Callable[[int, float], None]


@pytest.fixture
def set_gpus(monkeypatch: pytest.MonkeyPatch) -> SetGpus:
    """Return a function that sets the number of GPUs of a host with 16 cores, and their memory."""

    def set_numbers(n_gpus: int, gibibytes: float) -> None:
        for module in (resources, trial_resources):
            monkeypatch.setattr(module, "find_gpus", lambda: ("GPU",) * n_gpus)
        monkeypatch.setattr(resources, "count_available_cores", lambda: 16)
        monkeypatch.setattr(trial_resources, "read_gpu_memory", lambda: int(gibibytes * 2**30))

    return set_numbers


def enlarge(cells: BloodCells, side: int) -> BloodCells:
    """Return the cells with an image of another size."""
    images = np.zeros((1, side, side, 3), np.uint8)
    return replace(cells, train=cells.train._replace(images=images))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("mlnn-config-1", "cnn-config-1"), 0.25),
        (("resnet", "resnet-no-decay"), 1.0),
        (("mlnn-config-1", "resnet", "cnn-config-1"), {"mlnn": 0.25, "resnet": 1.0, "cnn": 0.25}),
    ],
)
def test_resolve_gpu_shares_depend_on_the_families(
    names: tuple[str, ...],
    expected: GpusPerTrial,
    cells: BloodCells,
    tmp_path: Path,
    set_gpus: SetGpus,
) -> None:
    set_gpus(1, 16)
    for given in (None, DEFAULT_GPUS_PER_TRIAL):
        config = make_grid_config(tmp_path, configurations=names, gpus_per_trial=given)
        assert resolve_gpu_shares(config, cells).gpus_per_trial == expected


@pytest.mark.parametrize(
    ("search", "expected"), [(SEARCH_RECORD, 0.25), (RESNET_SEARCH_RECORD, 1.0)]
)
def test_resolve_gpu_shares_of_a_search_are_those_of_its_families(
    search: SearchRecord,
    expected: float,
    cells: BloodCells,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("study.runtime.session.has_gpu", lambda address: address == "head:6379")
    settings = {"search": search, "gpus_per_trial": None}
    config = make_search_config(tmp_path, address="head:6379", **settings)
    assert resolve_gpu_shares(config, cells).gpus_per_trial == expected
    config = make_search_config(tmp_path, address="other:6379", **settings)
    assert resolve_gpu_shares(config, cells).gpus_per_trial == 0.0


def test_resolve_gpu_shares_given_number_is_kept(
    cells: BloodCells, tmp_path: Path, set_gpus: SetGpus
) -> None:
    set_gpus(1, 16)
    config = make_grid_config(tmp_path, configurations=("resnet",), gpus_per_trial=0.1)
    assert resolve_gpu_shares(config, cells) == config


def test_resolve_gpu_shares_without_a_gpu_are_0(
    cells: BloodCells, tmp_path: Path, set_gpus: SetGpus
) -> None:
    set_gpus(0, 0)
    config = make_grid_config(tmp_path, gpus_per_trial=None)
    assert resolve_gpu_shares(config, cells).gpus_per_trial == 0.0


@pytest.mark.parametrize(("gibibytes", "expected"), [(80, 0.25), (20, 1 / 3), (8, 1.0), (1, 1.0)])
def test_resolve_gpu_shares_of_large_images_are_at_least_those_of_the_memory(
    gibibytes: float, expected: float, cells: BloodCells, tmp_path: Path, set_gpus: SetGpus
) -> None:
    set_gpus(1, gibibytes)
    config = make_grid_config(tmp_path, configurations=("mlnn-config-2",), gpus_per_trial=None)
    assert resolve_gpu_shares(config, enlarge(cells, 64)).gpus_per_trial == expected
    assert resolve_gpu_shares(config, cells).gpus_per_trial == (0.25 if gibibytes > 4 else 1.0)


def test_describe_trial_resources_on_this_host_says_share_and_trials(
    tmp_path: Path, set_gpus: SetGpus
) -> None:
    set_gpus(2, 16)
    names = ("mlnn-config-1", "cnn-config-1", "resnet")
    shares = {"mlnn": 0.25, "cnn": 0.25, "resnet": 1.0}
    config = make_grid_config(tmp_path, configurations=names, gpus_per_trial=shares)
    small, large = describe_trial_resources(config)
    assert "MLNN and CNN" in small
    assert "1 core and 0.25 GPU each: 8 at once" in small
    assert "ResNet" in large
    assert "1 core and 1 GPU each: 2 at once" in large
    (line,) = describe_trial_resources(replace(config, gpus_per_trial=0.0))
    assert "GPU" not in line
    assert "1 core each: 16 at once" in line


def test_describe_trial_resources_on_a_cluster_counts_by_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_resources, "list_fitting_trials", lambda config, gpus: [4, 4, 16])
    config = make_grid_config(tmp_path, gpus_per_trial=0.25, address="head:6379")
    (line,) = describe_trial_resources(config)
    assert "4 at once on each of 2 nodes, 16 at once on one node" in line
