"""Shared code of the cluster tests: Ray clusters of simulated nodes, and an S3 server."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.helpers.network_namespaces import NamespaceNode, run_namespace_nodes, share_token
from tests.helpers.s3 import S3_ENV, S3_PORT

TOKEN_ENV = {"RAY_AUTH_MODE": "token"}
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
