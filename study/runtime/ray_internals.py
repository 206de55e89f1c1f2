"""All uses of the private API of Ray's core, each with its reason and the upstream issue.

`tune_internals` has those of Ray Tune. Ray does not guarantee compatibility for them. So
`pyproject.toml` limits Ray to the versions with which the tests of these two modules pass.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import ray
from ray._private import utils
from ray._private.node import Node
from ray._private.state import actors
from ray._raylet import GcsClient  # type: ignore[attr-defined]

_UNUSED_SERVICES = ("start_api_server", "start_log_monitor", "start_monitor")
"""Methods of `Node` that start services which a study does not use.

They start the dashboard's server (even without a dashboard), the process that copies the output of
workers to the driver, and the autoscaler. Each takes half a second of a core, and `ray.init` waits
for the first."""

_SYSTEM_CONFIG = {"idle_worker_killing_time_threshold_ms": 600_000}
"""Idle time in milliseconds before Ray ends a worker; the default is one second.

Ray ends an idle worker as soon as its core is reserved, and Tune reserves a trial's core before it
requests a worker."""


class ActorNode(NamedTuple):
    """Node of an actor.

    Attributes:
        node_id: Id of the node, in hexadecimal.
        address: IP address of the node.
        is_alive: Whether the cluster still has the node.
    """

    node_id: str
    address: str
    is_alive: bool


def find_actor_node(actor_id: str | None) -> ActorNode | None:
    """Return the node on which an actor runs or ran; None if it was never placed on one.

    `ray.util.state.get_actor` is public, but needs the dashboard's server, which is not started.

    Args:
        actor_id: Id in hexadecimal, e.g. that of a `RayActorError`; None if Ray names no actor.
    """
    address = actors(actor_id).get("Address", {}) if actor_id else {}
    if not address.get("NodeID"):
        return None
    is_alive = any(node["NodeID"] == address["NodeID"] and node["Alive"] for node in ray.nodes())
    return ActorNode(address["NodeID"], address["IPAddress"], is_alive)


def connect_gcs(address: str) -> None:
    """Connect to a cluster's control service (GCS), as the command `ray health-check` does.

    `ray.init` retries for minutes if another kind of server listens there (ray#43070).

    Args:
        address: Host and port, e.g. `10.0.0.1:6379`.

    Raises:
        RpcError: The service does not respond.
        AuthenticationError: The service rejects our token.
    """
    GcsClient(address=address)


def start_ray(
    temp_folder: str, *, num_cpus: int, object_store_memory: int, preload: Sequence[str] = ()
) -> None:
    """Start Ray on this host with its files in a private folder.

    The argument `_temp_dir` of `ray.init` is private. The length of socket paths limits its length
    (ray#7945).

    Args:
        temp_folder: Folder for Ray's logs and sockets.
        num_cpus: Number of cores that trials may use. Ray starts a worker for each immediately.
        object_store_memory: Size of the object store in bytes.
        preload: Modules that each worker imports when it starts, not when it gets its first trial
            (ray#33572).
    """
    with _without_unused_services():
        ray.init(
            # Without "local", Ray may join a cluster of another program.
            address="local",
            num_cpus=num_cpus,
            object_store_memory=object_store_memory,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=temp_folder,
            _system_config=_SYSTEM_CONFIG | {"preload_python_modules": list(preload)},
        )


@contextmanager
def _without_unused_services() -> Iterator[None]:
    """Start Ray without the services in `_UNUSED_SERVICES` within the context.

    `ray start` has options for this, but `ray.init` has none (ray#46732). Ray needs the dashboard's
    agent. The context selects the minimal agent of an installation without `ray[default]`. The full
    agent listens on a fixed port, and `ray.init` takes three seconds longer if that is in use.
    """
    check_dependencies = utils.get_dashboard_dependency_error
    starters = {name: getattr(Node, name) for name in _UNUSED_SERVICES}
    utils.get_dashboard_dependency_error = lambda: ImportError("the dashboard is not used")
    for name in starters:
        setattr(Node, name, lambda self, **_: None)
    try:
        yield
    finally:
        utils.get_dashboard_dependency_error = check_dependencies
        for name, starter in starters.items():
            setattr(Node, name, starter)
