"""Failures that belong to a node, and nodes that are avoided because of them."""

import pickle
from pathlib import Path

import pytest
import ray
from ray.util import placement_group_table

from bloodnets.errors import ResourceError
from study.runtime.node_failures import (
    MAX_START_FAILURES,
    NodeAvoider,
    NodeFailureError,
    NodeFailureKind,
)


def make_failure(
    kind: NodeFailureKind = NodeFailureKind.START, node_id: str | None = None
) -> NodeFailureError:
    node_id = node_id or ray.get_runtime_context().get_node_id()
    return NodeFailureError(kind=kind, reason="no torch", node_id=node_id, address="10.0.0.1")


def test_node_failure_error_pickled_keeps_its_fields_and_is_not_counted() -> None:
    error = pickle.loads(pickle.dumps(make_failure(node_id="1")))
    assert (error.kind, error.reason, error.node_id, error.address, error.preempted) == (
        NodeFailureKind.START,
        "no torch",
        "1",
        "10.0.0.1",
        True,
    )


def test_record_failure_of_the_only_node_raises_after_the_third_in_a_row(ray_folder: Path) -> None:
    avoider, failure = NodeAvoider({"CPU": 1, "GPU": 0}), make_failure()
    for _ in range(MAX_START_FAILURES - 1):
        avoider.record_failure(failure)
    avoider.record_success("10.0.0.1")
    for _ in range(MAX_START_FAILURES - 1):
        avoider.record_failure(failure)
    with pytest.raises(ResourceError) as caught:
        avoider.record_failure(failure)
    assert (caught.value.path, caught.value.problem) == ("10.0.0.1", str(failure))


def test_record_failure_of_another_node_leaves_this_one_in_use(ray_folder: Path) -> None:
    avoider, failure = NodeAvoider({"CPU": 1, "GPU": 0}), make_failure(node_id="ab" * 28)
    n_groups = len(placement_group_table())
    for _ in range(2 * MAX_START_FAILURES):
        avoider.record_failure(failure)
    assert len(placement_group_table()) == n_groups


@pytest.mark.parametrize("kind", [NodeFailureKind.REUSE, NodeFailureKind.DEATH])
def test_record_failure_after_the_start_is_not_counted(
    ray_folder: Path, kind: NodeFailureKind
) -> None:
    avoider = NodeAvoider({"CPU": 1, "GPU": 0})
    for _ in range(2 * MAX_START_FAILURES):
        avoider.record_failure(make_failure(kind))
    for _ in range(MAX_START_FAILURES - 1):
        avoider.record_failure(make_failure())
    with pytest.raises(ResourceError):  # only now, so the others were not counted
        avoider.record_failure(make_failure())
