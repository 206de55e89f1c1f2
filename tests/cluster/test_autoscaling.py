"""Test studies on a cluster that has only a head, for which the autoscaler starts nodes.

The autoscaler is real. Ray's fake provider starts the nodes as processes beside the head's.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from tests.cluster.conftest import TOKEN_ENV
from tests.helpers.network_namespaces import NamespaceNode, run_namespace_nodes, share_token

# The configuration that `ray up` leaves on the head, except for the provider.
CONFIG = {
    "cluster_name": "stand-in",
    "max_workers": 2,
    "idle_timeout_minutes": 10,
    "upscaling_speed": 4.0,
    "provider": {
        "type": "external",
        "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
        "head_node_id": FAKE_HEAD_NODE_ID,
        "launch_multiple": True,
        "disable_node_updaters": True,
    },
    "auth": {},
    "head_node_type": "ray.head.default",
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "worker": {
            "resources": {"CPU": 1},
            "node_config": {},
            "min_workers": 0,
            "max_workers": 2,
        },
    },
    "file_mounts": {},
    "cluster_synced_files": [],
    "file_mounts_sync_continuously": False,
    "rsync_exclude": [],
    "rsync_filter": [],
    "initialization_commands": [],
    "setup_commands": [],
    "head_setup_commands": [],
    "worker_setup_commands": [],
    "head_start_ray_commands": [],
    "worker_start_ray_commands": [],
}
STAND_IN = {
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
}


@pytest.fixture(scope="module")
def head(data_file: Path) -> Iterator[NamespaceNode]:
    with run_namespace_nodes(1) as (node,):
        shutil.copy(data_file, node.home / "cells.npz")
        share_token(node, [])
        node.write_file("ray_bootstrap_config.yaml", yaml.safe_dump(CONFIG))
        words = ["ray", "start", "--head", "--num-cpus=0", "--object-store-memory=100000000"]
        words += ["--autoscaling-config=/root/ray_bootstrap_config.yaml"]
        node.run(words, env=TOKEN_ENV | STAND_IN)
        yield node


def workers(head: NamespaceNode) -> int:
    count = "import ray; ray.init('auto'); print('alive', sum(n['Alive'] for n in ray.nodes()) - 1)"
    said = head.run(["python", "-c", count], env=TOKEN_ENV).stdout
    return int(said.split("alive ")[1])


def test_grid_makes_the_autoscaler_start_nodes(head: NamespaceNode) -> None:
    assert workers(head) == 0
    words = [
        "bloodstudy",
        "grid",
        "--address",
        "auto",
        "--data-file",
        "cells.npz",
        "--max-epochs",
        "10",
    ]
    words += ["--config", "mlnn-config-1", "--config", "mlnn-config-2"]
    run = head.run(words, env=TOKEN_ENV, timeout_s=280)
    assert run.stdout.count(": complete after 10 epochs") == 2
    assert workers(head) == 2


def test_grid_that_needs_more_than_any_node_has_is_refused(head: NamespaceNode) -> None:
    words = ["bloodstudy", "grid", "--address", "auto", "--data-file", "cells.npz"]
    run = head.run([*words, "--cpus-per-trial", "2"], env=TOKEN_ENV, check=False)
    assert run.returncode == 3
    assert re.search(r"--cpus-per-trial is 2, but no node has more than 1 CPU;", run.stdout)
