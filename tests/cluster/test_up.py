"""Test `ray up`, a grid and `ray down` with cluster.local.yaml, over SSH to three nodes."""

import json
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.conftest import (
    make_s3_env,
    make_ssh_key,
    read_cluster_file,
    serve_s3,
    serve_ssh,
    write_cluster_file,
)
from tests.cluster.test_machines import QUERY_NODES
from tests.helpers.aws import read_aws_cluster_file
from tests.helpers.network_namespaces import NamespaceNode, run_namespace_nodes, share_token
from tests.helpers.s3 import S3_BUCKET


@pytest.fixture(scope="module")
def reached(
    tmp_path_factory: pytest.TempPathFactory, data_file: Path
) -> Iterator[Sequence[NamespaceNode]]:
    """Yield a laptop with key, token and storage, and three nodes with SSH but without Ray."""
    key = make_ssh_key(tmp_path_factory.mktemp("keys"))
    with run_namespace_nodes(4) as made:
        laptop, *others = made
        share_token(laptop, [])
        laptop.write_file("key", key.read_text())
        shutil.copy(data_file, others[0].home / "cells.npz")
        for node in others:
            serve_ssh(node, key.with_suffix(".pub").read_text(), make_s3_env(laptop))
        with serve_s3(laptop):
            yield made


def of_ray(node: NamespaceNode) -> list[str]:
    """Return the command lines of Ray's processes on a node."""
    lines = node.run(["ps", "-eww", "-o", "args="]).stdout.splitlines()
    return [line for line in lines if re.search(r"raylet|gcs_server|ray::|monitor\.py", line)]


def where(laptop: NamespaceNode) -> list[str]:
    """Return the names of the nodes on which a task ran, as reported by the head."""
    done = laptop.run(["ray", "exec", "cluster.yaml", "python ~/on_each.py"], check=False)
    found = re.search(r"^found (.*?)\s*$", done.stdout, re.MULTILINE)
    return sorted(name for name, *_ in json.loads(found[1])) if found else [done.stdout]


@pytest.mark.timeout(700)
def test_ray_up_joins_all_nodes_and_ray_down_leaves_nothing(
    reached: Sequence[NamespaceNode],
) -> None:
    laptop, *others = reached
    write_cluster_file(laptop, others)
    others[0].write_file("on_each.py", QUERY_NODES)
    for node in others:
        node.write_file("mine", node.name)
    laptop.run(["ray", "up", "--yes", "--no-config-cache", "cluster.yaml"], timeout_s=200)
    deadline = time.monotonic() + 240
    names = [node.name for node in others]
    while (found := where(laptop)) != names and time.monotonic() < deadline:
        time.sleep(2)
    assert found == names
    for node in others:
        token = node.home / ".ray/auth_token"
        assert token.read_text() == (laptop.home / ".ray/auth_token").read_text()
        assert token.stat().st_mode & 0o077 == 0
    assert not of_ray(laptop)
    assert all(of_ray(node) for node in others)
    studies = f"s3://{S3_BUCKET}/studies"
    grid = "bloodstudy grid --address auto --data-file cells.npz --max-epochs 1 --cpus-per-trial 2"
    configurations = "--config mlnn-config-1 --config mlnn-config-2"
    command = f"{grid} {configurations} --storage {studies} --name up"
    done = laptop.run(["ray", "exec", "cluster.yaml", command], timeout_s=240)
    assert f"Report: {studies}/up/report/index.html" in done.stdout
    report = ["bloodstudy", "report", f"{studies}/up"]
    laptop.run(report, env=make_s3_env(laptop))
    assert (laptop.home / "up-report/index.html").stat().st_size > 10**5
    laptop.run(["ray", "down", "--yes", "cluster.yaml"], timeout_s=200)
    assert not of_ray(others[0])
    for node in others[1:]:
        ssh = ["ssh", "-i", "/root/key", "-o", "StrictHostKeyChecking=no", node.address]
        laptop.run([*ssh, "venv/bin/ray stop"])
    assert {node.name: of_ray(node) for node in others} == {name: [] for name in names}


def test_cluster_local_yaml_has_the_commands_of_cluster_yaml() -> None:
    ours, aws = read_cluster_file(), read_aws_cluster_file()
    for same in ("file_mounts", "rsync_exclude", "worker_start_ray_commands"):
        assert ours[same] == aws[same]
    # These hosts may all have a GPU, and the head is like any other.
    assert ours["setup_commands"] == aws["setup_commands"] + aws["worker_setup_commands"]
    start = [" ".join(each["head_start_ray_commands"]) for each in (ours, aws)]
    assert start[0] == start[1].replace(" --num-cpus=0", "").replace(
        "RAY_AUTH_MODE", "RAY_enable_autoscaler_v2=0 RAY_AUTH_MODE"
    )
