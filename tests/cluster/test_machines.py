"""Test Ray on three nodes: each runs a task, and joining or commanding them needs the token."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

import psutil
import pytest

from tests.cluster.conftest import TOKEN_ENV, join_ray_cluster, start_ray_cluster
from tests.helpers.network_namespaces import ROOT, NamespaceNode, run_namespace_nodes

QUERY_NODES = """
import json, socket, ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On
ray.init(address="auto", log_to_driver=False)
@ray.remote(num_cpus=0)
def where():
    return socket.gethostname(), ray.util.get_node_ip_address(), open("/root/mine").read()
nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
found = [where.options(scheduling_strategy=On(node, soft=False)).remote() for node in nodes]
print("found", json.dumps(ray.get(found)))
"""

STATUS = """
import sys, urllib.request, urllib.error
request = urllib.request.Request("http://127.0.0.1:8265/api/jobs/")
if len(sys.argv) > 1:
    request.add_header("Authorization", f"Bearer {sys.argv[1]}")
try:
    print("status", urllib.request.urlopen(request, timeout=20).status)
except urllib.error.HTTPError as error:
    print("status", error.code)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Sequence[NamespaceNode]]:
    """Yield three nodes of a Ray cluster, and a fourth that has not joined."""
    with start_ray_cluster(3, n_spare=1) as made:
        yield made


def last(node: NamespaceNode, *words: str) -> str:
    return node.run(words, env=TOKEN_ENV).stdout.splitlines()[-1]


def test_namespace_nodes_each_run_a_task(cluster: Sequence[NamespaceNode]) -> None:
    for node in cluster:
        node.write_file("mine", f"home of {node.name}")
    word, _, found = last(cluster[0], "python", "-c", QUERY_NODES).partition(" ")
    assert word == "found"
    expected = [[node.name, node.address, f"home of {node.name}"] for node in cluster[:3]]
    assert sorted(json.loads(found)) == expected


def test_ray_cluster_refuses_a_node_without_the_token(cluster: Sequence[NamespaceNode]) -> None:
    head, stranger = cluster[0], cluster[3]
    stranger.write_file(".ray/auth_token", "0" * 64)
    with pytest.raises(AssertionError, match=r"(?i)unauthenticated|invalid auth|token"):
        join_ray_cluster(stranger, head)
    assert not stranger.list_processes("raylet")


def test_ray_jobs_port_requires_the_token(cluster: Sequence[NamespaceNode]) -> None:
    head, other = cluster[:2]
    token = (head.home / ".ray/auth_token").read_text().strip()
    assert last(head, "python", "-c", STATUS) == "status 401"
    assert last(head, "python", "-c", STATUS, "0" * 64) in {"status 401", "status 403"}
    assert last(head, "python", "-c", STATUS, token) == "status 200"
    reach = f"import socket; socket.create_connection(('{head.address}', 8265), 5)"
    refused = other.run(["python", "-c", reach], check=False)
    assert refused.returncode != 0
    assert "ConnectionRefusedError" in refused.stdout


def test_ray_token_is_readable_by_its_owner_only(cluster: Sequence[NamespaceNode]) -> None:
    files = [node.home / ".ray/auth_token" for node in cluster[:3]]
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3
    assert len({file.read_text() for file in files}) == 1


def test_namespace_nodes_share_only_read_only_code() -> None:
    with run_namespace_nodes(2) as (one, two):
        for folder in ("/tmp", "/root", "/run", "/dev/shm"):
            one.run(["touch", f"{folder}/here"])
            assert two.run(["test", "-e", f"{folder}/here"], check=False).returncode == 1
        assert one.run(["touch", ROOT / "README.md"], check=False).returncode != 0
        assert one.run(["python", "-c", "import study"]).returncode == 0


def inside(holder: int) -> list[psutil.Process]:
    """Return all processes of a node, including its first one."""
    own = os.readlink(f"/proc/{holder}/ns/pid")
    found = []
    for process in psutil.process_iter():
        with suppress(OSError):  # the process has ended or belongs to the system
            if os.readlink(f"/proc/{process.pid}/ns/pid") == own:
                found.append(process)
    return found


def assert_gone(processes: Sequence[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


def test_namespace_nodes_end_with_a_failed_block() -> None:
    left: list[psutil.Process] = []

    def block() -> None:
        with run_namespace_nodes(1) as (node,):
            node.run(["sh", "-c", "setsid nohup sleep 1234 >/dev/null 2>&1 &"])
            left.extend(inside(node.pid))
            raise KeyError

    with pytest.raises(KeyError):
        block()
    assert len(left) == 2
    assert_gone(left)


def test_namespace_nodes_end_when_the_tests_are_killed() -> None:
    script = """
import time
from tests.helpers.network_namespaces import run_namespace_nodes
with run_namespace_nodes(1) as (node,):
    node.run(["sh", "-c", "setsid nohup sleep 1234 >/dev/null 2>&1 &"])
    print(node.pid, flush=True)
    time.sleep(100)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as killed:
        try:
            assert killed.stdout is not None
            left = inside(int(killed.stdout.readline()))
        finally:
            killed.kill()
    assert len(left) == 2
    assert_gone(left)
