"""What a machine of a cluster says of itself, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest
from ray.exceptions import GetTimeoutError

from bloodnets.errors import ResourceError
from bloodnets.storage.local import LocalStorage
from bloodnets.trainable import _open_study_storage as worker_storage
from study.runtime.node_check import NodeInfo, collect_node_info, find_node_problem, format_node
from tests.helpers.specs import make_spec

ARRAYS = [np.arange(9, dtype=np.uint8), np.ones(3, np.uint8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    LocalStorage(tmp_path).write("checkpoints/.mark", b"")
    return tmp_path


def here(folder: Path, probe_file: str = "checkpoints/.mark") -> NodeInfo:
    return collect_node_info(str(folder), probe_file, ARRAYS)


def test_find_node_problem_local_node_is_none(folder: Path) -> None:
    node = here(folder)
    assert find_node_problem(node, folder, ARRAYS) is None
    assert "; data arrive whole (SHA-256 " in format_node(node)
    names = {path.name for path in (folder / "checkpoints").iterdir()}
    assert names == {".mark", f".mark-{node.host}"}  # it has written there, too


def test_find_node_problem_other_folder_has_a_remedy(folder: Path, tmp_path: Path) -> None:
    node = here(folder, "checkpoints/.another")
    assert node.problem is not None
    error = find_node_problem(node, folder, ARRAYS)
    assert error is not None
    words = error.problem
    assert words.startswith(f"({node.host}) cannot use {folder}: it does not see what the study")
    assert error.path == str(folder)
    assert error.remedy is not None
    assert error.remedy.endswith("--storage s3://…")


def test_collect_node_info_unwritable_folder_is_a_problem(folder: Path) -> None:
    (folder / "file").write_text("")
    node = collect_node_info("/proc", "version", [])
    assert node.problem is not None
    assert find_node_problem(node, Path("/proc")) is not None


def test_find_node_problem_other_versions_or_data_are_named(folder: Path) -> None:
    node = here(folder)
    older = node._replace(versions=node.versions | {"torch": "2.4.0"})
    assert f"({node.host}) has torch 2.4.0, this one {node.versions['torch']}; install" in str(
        find_node_problem(older, folder, ARRAYS)
    )
    assert "got other data than were sent" in str(find_node_problem(node, folder, ARRAYS[:1]))


def test_find_node_problem_no_answer_names_the_reason(folder: Path) -> None:
    words = str(find_node_problem(ModuleNotFoundError("No module named 'study'"), folder))
    assert "gives no answer: No module named 'study'; is bloodstudy installed there" in words
    assert "GetTimeoutError" in str(find_node_problem(GetTimeoutError(), folder))


@pytest.mark.parametrize("probe_file", ["checkpoints/.another", "checkpoints"])
def test_a_worker_on_a_machine_that_joined_later_looks_for_the_mark(
    folder: Path, probe_file: str
) -> None:
    assert worker_storage(make_spec(folder, "checkpoints/.mark")).location == folder
    with pytest.raises(
        ResourceError, match=r"cannot use .*: it does not see there what the study"
    ) as caught:
        worker_storage(make_spec(folder, probe_file))
    assert caught.value.path == str(folder)
    assert caught.value.remedy is not None
