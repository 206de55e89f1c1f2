"""What is refused before data are read, because a trial could never start."""

from pathlib import Path

import pytest
import ray
import yaml

from bloodnets.errors import ResourceError
from reports.ledger.records import GpusPerTrial
from study.configs.study_config import StudyConfig
from study.runtime import resources
from study.runtime.cores import count_available_cores
from study.runtime.resources import (
    check_cluster_resources,
    check_compute,
    compute_max_parallel_trials,
    compute_reachable_trials,
    count_usable_cores,
    find_largest_node,
    list_fitting_trials,
)
from tests.helpers.study_configs import make_grid_config

MIXED = {"cnn": 0.25, "resnet": 1.0}


def make_config(**changes: GpusPerTrial | str | None) -> StudyConfig:
    return make_grid_config(Path("results"), **changes)


@pytest.mark.parametrize(
    ("config", "n_trials", "expected"),
    [
        (make_config(), 3, 3),
        (make_config(cpus_per_trial=2), 3, 6),
        (make_config(cpus_per_trial=2, max_concurrent=2), 3, 4),
        (make_config(max_concurrent=3), 2, 2),
        (make_config(gpus_per_trial=0.25), 9, 8),
        (make_config(gpus_per_trial=4.0), 9, 1),
        (make_config(gpus_per_trial=MIXED), 9, 8),
    ],
)
def test_count_usable_cores_is_that_of_the_trials_at_the_same_time(
    config: StudyConfig, n_trials: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "find_gpus", lambda: ("GPU 0", "GPU 1"))
    assert count_usable_cores(config, n_trials) == expected


def test_check_compute_all_cores_passes() -> None:
    cores = count_available_cores()
    assert check_compute(make_config(cpus_per_trial=cores)) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (make_config(cpus_per_trial=count_available_cores() + 1), count_available_cores() + 1),
        (make_config(gpus_per_trial=1024), 1024),
    ],
)
def test_check_compute_more_than_the_host_has_raises(config: StudyConfig, value: float) -> None:
    with pytest.raises(ResourceError) as caught:
        check_compute(config)
    assert caught.value.value == value


def test_compute_max_parallel_trials_is_bounded_by_cores_gpus_and_request(ray_folder: Path) -> None:
    assert find_largest_node() == {"CPU": 1, "GPU": 0}
    assert compute_max_parallel_trials(make_config()) == 1
    assert compute_max_parallel_trials(make_config(max_concurrent=7)) == 1
    assert compute_max_parallel_trials(make_config(gpus_per_trial=0.5)) == 1  # refused elsewhere


@pytest.mark.parametrize("changes", [{"cpus_per_trial": 2}, {"gpus_per_trial": 1}])
def test_check_cluster_resources_more_than_any_node_has_raises(
    ray_folder: Path, changes: dict[str, float]
) -> None:
    with pytest.raises(ResourceError) as caught:
        check_cluster_resources(make_config(**changes))
    assert caught.value.value in changes.values()


@pytest.mark.parametrize(
    ("changes", "n_trials"),
    [
        ({"gpus_per_trial": 0.25}, 8),
        ({"gpus_per_trial": 1}, 2),
        ({"gpus_per_trial": 0.25, "cpus_per_trial": 4}, 4),
        ({"gpus_per_trial": 0.25, "max_concurrent": 3}, 3),
        ({"gpus_per_trial": 0.4}, 4),
        ({"gpus_per_trial": 2}, 1),
        ({"gpus_per_trial": MIXED}, 8),
    ],
)
def test_compute_max_parallel_trials_on_gpus_counts_shares_of_a_gpu(
    changes: dict[str, GpusPerTrial], n_trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_nodes(monkeypatch, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 16.0})
    assert compute_max_parallel_trials(make_config(**changes)) == n_trials


@pytest.mark.parametrize(
    ("changes", "n_trials"), [({"cpus_per_trial": 2}, 2), ({"gpus_per_trial": 2}, 1)]
)
def test_compute_max_parallel_trials_does_not_divide_a_trial_among_nodes(
    changes: dict[str, float], n_trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_nodes(monkeypatch, *[{"CPU": 3.0, "GPU": 1.0}] * 2)
    assert compute_max_parallel_trials(make_config(**changes)) == n_trials


def set_nodes(monkeypatch: pytest.MonkeyPatch, *resources: dict[str, float]) -> None:
    """Let Ray list these nodes, and one that has left."""
    nodes = [{"Alive": True, "Resources": node} for node in resources]
    nodes.append({"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}})
    monkeypatch.setattr(ray, "nodes", lambda: nodes)


@pytest.fixture
def head_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the file that `ray up` leaves on the head, on a host with no cores."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    set_nodes(monkeypatch, {"CPU": 0.0})
    return tmp_path / "ray_bootstrap_config.yaml"


@pytest.mark.parametrize(
    ("changes", "n_trials"),
    [
        ({}, 4 * 8 + 2 * 4),  # the third small node is over the limit of the cluster
        ({"gpus_per_trial": 0.25}, 4 * 4),
        ({"max_concurrent": 5}, 5),
    ],
)
def test_compute_reachable_trials_includes_nodes_that_the_autoscaler_can_start(
    changes: dict[str, float], n_trials: int, head_file: Path
) -> None:
    node_types = {
        "head": {"resources": {"CPU": 0}, "max_workers": 0},
        "small": {"resources": {"CPU": 4}, "max_workers": 3},
        "large": {"resources": {"CPU": 8, "GPU": 1}, "max_workers": 4},
    }
    head_file.write_text(yaml.safe_dump({"max_workers": 6, "available_node_types": node_types}))
    assert compute_reachable_trials(make_config(**changes)) == n_trials


def test_list_fitting_trials_counts_each_node_on_which_one_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_nodes(monkeypatch, {"CPU": 8.0, "GPU": 1.0}, {"CPU": 16.0, "GPU": 4.0}, {"CPU": 4.0})
    config = make_config(address="10.0.0.1:6379")
    assert list_fitting_trials(config, 0.25) == [4, 16]
    assert list_fitting_trials(config, 1) == [1, 4]
    assert list_fitting_trials(config, 0) == [8, 16, 4]


@pytest.mark.parametrize(("gpus", "n_trials"), [(0, 6), (0.25, 4), (0.4, 2), (1, 1)])
def test_list_fitting_trials_without_a_cluster_counts_this_host(
    gpus: float, n_trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "count_available_cores", lambda: 12)
    monkeypatch.setattr(resources, "find_gpus", lambda: ("GPU 0",))
    assert list_fitting_trials(make_config(cpus_per_trial=2), gpus) == [n_trials]


def test_list_fitting_trials_with_an_autoscaler_counts_the_nodes_that_it_can_start(
    head_file: Path,
) -> None:
    node_types = {"worker": {"resources": {"CPU": 4, "GPU": 1}, "max_workers": 3}}
    head_file.write_text(yaml.safe_dump({"max_workers": 2, "available_node_types": node_types}))
    assert list_fitting_trials(make_config(address="auto"), 1) == [1, 1]


def test_check_compute_largest_share_is_compared_with_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "find_gpus", tuple)
    with pytest.raises(ResourceError) as caught:
        check_compute(make_config(gpus_per_trial=MIXED))
    assert caught.value.value == 1.0


@pytest.mark.parametrize("content", [None, "", "[]", "a: [", "available_node_types: {a: 1}"])
def test_compute_reachable_trials_without_an_autoscaler_is_that_of_the_nodes(
    content: str | None, head_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        head_file.write_text(content)
    set_nodes(monkeypatch, {"CPU": 3.0})
    assert compute_reachable_trials(make_config()) == 3
