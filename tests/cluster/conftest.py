"""Shared code of the cluster tests: Ray clusters of simulated nodes, and an S3 server."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.network_namespaces import ROOT, NamespaceNode, run_namespace_nodes, share_token
from tests.helpers.s3 import S3_ENV, S3_PORT

CLUSTER_FILE = Path(__file__).with_name("cluster.local.yaml")

TOKEN_ENV = {"RAY_AUTH_MODE": "token"}
SSHD_CONFIG = """
HostKey /root/host_key
PasswordAuthentication no
PermitRootLogin prohibit-password
UsePAM no
PidFile /run/sshd.pid
"""
SMALL_NODE_OPTIONS = ("--num-cpus=1", "--object-store-memory=100000000")


def join_ray_cluster(
    node: NamespaceNode, head: NamespaceNode, env: Mapping[str, str] = TOKEN_ENV
) -> str:
    """Start Ray on a node, join the head's cluster, and return the command's output."""
    command = ["ray", "start", f"--address={head.address}:6379", *SMALL_NODE_OPTIONS]
    return node.run(command, env=dict(env)).stdout


@contextmanager
def start_ray_cluster(
    n_nodes: int, n_spare: int = 0, env: Mapping[str, str] = TOKEN_ENV
) -> Iterator[Sequence[NamespaceNode]]:
    """Start Ray on `n_nodes` nodes, the first as head; spare nodes have no token and stay out."""
    with run_namespace_nodes(n_nodes + n_spare) as nodes:
        head, *other_nodes = nodes[:n_nodes]
        share_token(head, other_nodes)
        head.run(
            [
                "ray",
                "start",
                "--head",
                "--port=6379",
                "--dashboard-host=127.0.0.1",
                *SMALL_NODE_OPTIONS,
            ],
            env=dict(env),
        )
        for node in other_nodes:
            join_ray_cluster(node, head, env)
        yield nodes


def make_s3_env(node: NamespaceNode) -> dict[str, str]:
    """Return the environment variables that point AWS's library to the server on a node."""
    return S3_ENV | {"AWS_ENDPOINT_URL": f"http://{node.address}:{S3_PORT}"}


@contextmanager
def serve_s3(node: NamespaceNode) -> Iterator[None]:
    """Run an S3-compatible server on a node."""
    (node.home / "store").mkdir()
    command = ["python", "-m", "tests.helpers.s3", node.address, str(S3_PORT), "/root/store"]
    with node.start_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def make_ssh_key(folder: Path) -> Path:
    """Return a new private key in a folder; skip the test if SSH is not installed."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    if lacking := [name for name in ("sshd", "ssh", "rsync") if not shutil.which(name, path=path)]:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def serve_ssh(node: NamespaceNode, public_key: str, env: Mapping[str, str]) -> None:
    """Let a node accept logins with a key; their shells have bloodstudy and the variables."""
    node.run(["mkdir", "/run/sshd"])
    node.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/host_key"])
    node.write_file(".ssh/authorized_keys", public_key)
    exports = " ".join(f"{name}={value}" for name, value in env.items())
    # Replaces the setup commands of the cluster file, which install from the internet.
    node.write_file(
        ".bashrc",
        f"export PATH={sys.prefix}/bin:$PATH PYTHONPATH={ROOT} RAY_AUTH_MODE=token\n"
        f"export PYTHONDONTWRITEBYTECODE=1 RAY_USAGE_STATS_ENABLED=0 {exports}\n",
    )
    node.run(["ln", "-s", sys.prefix, "/root/venv"])
    node.write_file("sshd_config", SSHD_CONFIG)
    node.run(["/usr/sbin/sshd", "-f", "/root/sshd_config"])


def read_cluster_file() -> dict[str, Any]:
    """Return the contents of cluster.local.yaml."""
    config: dict[str, Any] = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))
    return config


def write_cluster_file(laptop: NamespaceNode, others: Sequence[NamespaceNode]) -> None:
    """Write cluster.local.yaml with the addresses of these nodes and nothing to install."""
    head, *workers = (node.address for node in others)
    config = read_cluster_file()
    config["provider"] |= {"head_ip": head, "worker_ips": workers}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": "~/key"}
    config["setup_commands"] = config["setup_commands"][:1]
    token = "~/.ray/auth_token"
    config["file_mounts"] = {token: config["file_mounts"][token]}
    laptop.write_file("cluster.yaml", yaml.safe_dump(config))
