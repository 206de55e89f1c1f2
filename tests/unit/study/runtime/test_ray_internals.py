"""The private API of Ray's core is still there, and does what we use it for."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
import ray
from ray.exceptions import RpcError
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from study.runtime.connection import is_listening
from study.runtime.ray_internals import connect_gcs, find_actor_node


class Empty:
    """Class of an actor without methods."""


def test_start_ray_puts_its_files_into_the_given_folder(ray_folder: Path) -> None:
    assert list(ray_folder.glob("session_*/sockets"))


def test_start_ray_leaves_out_unused_services(ray_folder: Path) -> None:
    # Processes of other tests may just be ending.
    children = psutil.Process().children(recursive=True)
    names = psutil.process_iter(["pid", "cmdline"])
    pids = {child.pid for child in children}
    commands = " ".join(
        " ".join(process.info["cmdline"] or ()) for process in names if process.pid in pids
    )
    assert "gcs_server" in commands
    for service in ("dashboard/dashboard.py", "log_monitor.py", "autoscaler"):
        assert service not in commands


def test_start_ray_preloads_modules_in_workers(ray_folder: Path) -> None:
    def list_modules() -> set[str]:
        return set(sys.modules)

    assert "wave" in ray.get(ray.remote(list_modules).remote())


def test_start_ray_keeps_an_idle_worker_whose_core_is_reserved(ray_folder: Path) -> None:
    def get_pid() -> int:
        return os.getpid()

    remote_get_pid = ray.remote(get_pid)
    idle_pid = ray.get(remote_get_pid.remote())
    group = placement_group([{"CPU": 1}])
    ray.get(group.ready())
    try:
        time.sleep(2)  # a worker that Ray may end is ended after a second
        strategy = PlacementGroupSchedulingStrategy(group)
        pid = ray.get(remote_get_pid.options(num_cpus=1, scheduling_strategy=strategy).remote())
    finally:
        remove_placement_group(group)
    assert pid == idle_pid


def test_connect_gcs_answers_for_a_cluster_and_raises_elsewhere(ray_folder: Path) -> None:
    address = ray.get_runtime_context().gcs_address
    connect_gcs(address)
    with pytest.raises((RpcError, RuntimeError, OSError, ValueError)):
        connect_gcs("no address")


def test_find_actor_node_of_a_live_actor_is_this_node(ray_folder: Path) -> None:
    actor = ray.remote(num_cpus=0)(Empty).remote()
    ray.get(actor.__ray_ready__.remote())
    node = find_actor_node(actor._actor_id.hex())
    assert node is not None
    assert node.node_id == ray.get_runtime_context().get_node_id()
    assert node.raylet_address is not None
    assert is_listening(node.raylet_address)


def test_find_actor_node_without_an_actor_is_none() -> None:
    assert find_actor_node(None) is None
