"""All uses of the private API of Ray's core, each with its reason and the upstream issue.

`tune_internals` has those of Ray Tune. Ray does not guarantee compatibility for them. So
`pyproject.toml` limits Ray to the versions with which the tests of these two modules pass.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import ray
from ray._private import utils, worker
from ray._private.node import Node
from ray._private.state import actors
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.job_config import JobConfig

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
        raylet_address: Host and port of the node's raylet; None if the cluster has lost the node.
    """

    node_id: str
    address: str
    raylet_address: str | None


def find_actor_node(actor_id: str | None) -> ActorNode | None:
    """Return the node on which an actor runs or ran; None if it was never placed on one.

    `ray.util.state.get_actor` is public, but needs the dashboard's server, which is not started.

    Args:
        actor_id: Id in hexadecimal, e.g. that of a `RayActorError`; None if Ray names no actor.
    """
    address = actors(actor_id).get("Address", {}) if actor_id else {}
    if not address.get("NodeID"):
        return None
    raylet_addresses = {
        node["NodeID"]: f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
        for node in ray.nodes()
        if node["Alive"]
    }
    node_id = address["NodeID"]
    return ActorNode(node_id, address["IPAddress"], raylet_addresses.get(node_id))


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

    Raises:
        Exception: Ray did not start; after its timeout of 30 s, the exception is a plain one.
    """
    with _without_unused_services(), _without_sigterm_handler():
        try:
            ray.init(
                # Without "local", Ray may join a cluster of another program.
                address="local",
                num_cpus=num_cpus,
                object_store_memory=object_store_memory,
                include_dashboard=False,
                log_to_driver=False,
                job_config=_make_job_config(),
                _temp_dir=temp_folder,
                _system_config=_SYSTEM_CONFIG | {"preload_python_modules": list(preload)},
            )
        except BaseException:
            ray.shutdown()  # Ray may already have connected
            raise


def join_ray(address: str) -> None:
    """Join a cluster.

    Args:
        address: Address of the cluster.

    Raises:
        Exception: The cluster cannot be joined.
    """
    # A driver that joins through `ray://` adds no folders to the workers' import path.
    job_config = None if address.startswith("ray://") else _make_job_config()
    with _without_sigterm_handler():
        ray.init(address=address, log_to_driver=False, job_config=job_config)


def shut_down_ray(restore_handlers: Callable[[], None]) -> None:
    """Shut Ray down without a time in which SIGTERM kills this process.

    Ray's C++ code removes the process's handler when the driver disconnects. Ray then takes more
    than a second to end its processes.

    Args:
        restore_handlers: Function that installs the process's signal handlers again.
    """
    if (node := worker._global_node) is not None:
        end_processes = node.kill_all_processes

        def restore_and_end_processes(**options: object) -> None:
            restore_handlers()
            end_processes(**options)

        node.kill_all_processes = restore_and_end_processes
    ray.shutdown()


class _FixedPath(list[str]):
    """Folders that Ray puts first on the workers' import path; it cannot add any."""

    def extend(self, folders: Iterable[str]) -> None:
        """Ignore the current folder and that of the script, which Ray adds."""


def _make_job_config() -> JobConfig:
    """Return a configuration with which workers do not import from the driver's current folder.

    A user's file `random.py` or `torch.py` there would replace the library.
    """
    job_config = JobConfig()
    vars(job_config).update(_py_driver_sys_path=_FixedPath())
    return job_config


@contextmanager
def _without_sigterm_handler() -> Iterator[None]:
    """Keep the process's handler for SIGTERM within the context; Ray's raises `SystemExit`."""
    set_handler = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda _: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = set_handler


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
