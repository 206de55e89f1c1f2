"""What a machine of a cluster says of itself, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest
from ray.exceptions import GetTimeoutError

from bloodnets.errors import ResourceError
from bloodnets.storage.local import LocalStorage
from bloodnets.versions import get_significant_version
from study.runtime.node_check import (
    NodeInfo,
    collect_node_info,
    find_node_problem,
    format_node,
    query_nodes,
    require_uniform_nodes,
)

PROBE_FILE = "checkpoints/.mark"
ARRAYS = [np.arange(9, dtype=np.uint8), np.ones(3, np.uint8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    LocalStorage(tmp_path).write(PROBE_FILE, b"")
    return tmp_path


def here(folder: Path, probe_file: str = PROBE_FILE) -> NodeInfo:
    return collect_node_info(str(folder), probe_file, ARRAYS)


def test_find_node_problem_local_node_is_none(folder: Path) -> None:
    node = here(folder)
    assert find_node_problem(node, folder, ARRAYS) is None
    assert "; data arrive intact (SHA-256 " in format_node(node)
    names = {path.name for path in (folder / "checkpoints").iterdir()}
    assert names == {".mark", f".mark-{node.host}"}  # it has written there, too


def test_find_node_problem_other_folder_has_a_remedy(folder: Path, tmp_path: Path) -> None:
    node = here(folder, "checkpoints/.another")
    assert node.problem is not None
    error = find_node_problem(node, folder, ARRAYS)
    assert error is not None
    assert node.host in error.problem
    assert error.path == str(folder)
    assert "--storage s3://" in str(error.remedy)


def test_collect_node_info_unwritable_folder_is_a_problem(folder: Path) -> None:
    (folder / "file").write_text("")
    node = collect_node_info("/proc", "version", [])
    assert node.problem is not None
    assert find_node_problem(node, Path("/proc")) is not None


def test_find_node_problem_other_versions_or_data_are_named(folder: Path) -> None:
    node = here(folder)
    older = node._replace(versions=node.versions | {"torch": "2.4.0"})
    error = find_node_problem(older, folder, ARRAYS)
    assert error is not None
    assert error.value == "2.4.0"
    for part in (node.host, "torch", node.versions["torch"]):
        assert part in error.problem
    other_data = find_node_problem(node, folder, ARRAYS[:1])
    assert other_data is not None
    assert other_data.value == node.sha256


@pytest.mark.parametrize(("name", "suffix"), [("python", "99"), ("torch", "+cu130")])
def test_find_node_problem_other_patch_or_build_is_none(
    folder: Path, name: str, suffix: str
) -> None:
    node = here(folder)
    significant = get_significant_version(name, node.versions[name])
    other_version = f"{significant}.{suffix}" if name == "python" else f"{significant}{suffix}"
    other = node._replace(versions=node.versions | {name: other_version})
    assert find_node_problem(other, folder, ARRAYS) is None


def test_find_node_problem_unusable_gpu_counts_only_if_trials_use_gpus(folder: Path) -> None:
    node = here(folder)
    assert node.gpu_problem is None
    other = node._replace(gpu_problem="the driver is too old")
    error = find_node_problem(other, folder, ARRAYS)
    assert error is not None
    for part in (node.host, "the driver is too old"):
        assert part in error.problem
    assert find_node_problem(other, folder, ARRAYS, uses_gpus=False) is None


def test_find_node_problem_no_answer_names_the_reason(folder: Path) -> None:
    error = find_node_problem(ModuleNotFoundError("No module named 'study'"), folder)
    assert error is not None
    assert "No module named 'study'" in error.problem
    assert error.remedy is not None
    assert "GetTimeoutError" in str(find_node_problem(GetTimeoutError(), folder))


def test_query_nodes_of_a_local_ray_answers_for_this_host(ray_folder: Path, folder: Path) -> None:
    ((_, node),) = query_nodes(folder, PROBE_FILE, ARRAYS)
    assert node == here(folder)
    require_uniform_nodes(folder, PROBE_FILE)


def test_require_uniform_nodes_other_folder_raises_with_the_address(
    ray_folder: Path, tmp_path: Path
) -> None:
    ((address, _),) = query_nodes(tmp_path, PROBE_FILE)
    with pytest.raises(ResourceError) as caught:
        require_uniform_nodes(tmp_path, PROBE_FILE)
    assert caught.value.path == address
    assert caught.value.remedy is not None
