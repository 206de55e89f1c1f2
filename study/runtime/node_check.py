"""Every machine of a cluster: what it is, and whether it sees a study's folder."""

import hashlib
import platform
import socket
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bloodnets.errors import DataError, ResourceError
from bloodnets.storage.location import StudyPath, parse_location, to_absolute_str
from bloodnets.storage.remote import open_storage
from study.runtime.software import hash_sources

ANSWER_TIMEOUT_S = 60
"""A machine starts a process that imports PyTorch before it answers."""

UNIFORM_LIBRARIES = ("bloodstudy", "torch", "ray", "numpy")
"""Libraries whose versions must be the same everywhere, or one seed gives several weights."""


class NodeInfo(NamedTuple):
    """A machine, as a process on it finds it.

    Attributes:
        host: its name.
        versions: as of `get_local_versions`.
        gpus: names of those that PyTorch sees.
        cuda: that PyTorch was built for; None for CPUs alone.
        sha256: of the data that were sent there; empty if none were.
        problem: why it cannot use the study's folder; None if it can.
    """

    host: str
    versions: dict[str, str]
    gpus: tuple[str, ...]
    cuda: str | None
    sha256: str
    problem: str | None


def query_nodes(
    location: StudyPath, probe_file: str, arrays: Sequence[NDArray[np.uint8]] = ()
) -> Iterator[tuple[str, NodeInfo | Exception]]:
    """Ask each machine of the cluster, all at once.

    Args:
        location: the study's folder is.
        probe_file: a file in it, by which a machine knows that it sees the same folder.
        arrays: data to send there.

    Yields:
        The machine's address, and what it answered, or why it did not.
    """
    array_ref = ray.put(list(arrays))
    # No core is asked for: a machine whose cores are all taken answers as well.
    remote_function = ray.remote(num_cpus=0, max_retries=0)(collect_node_info)
    pending = {
        node["NodeManagerAddress"]: remote_function.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(to_absolute_str(location), probe_file, array_ref)
        for node in ray.nodes()
        if node["Alive"]
    }
    for address, answer in pending.items():
        try:
            yield address, ray.get(answer, timeout=ANSWER_TIMEOUT_S)
        except (RayError, TimeoutError) as error:
            yield address, error


def collect_node_info(
    location: str, probe_file: str, arrays: Sequence[NDArray[np.uint8]]
) -> NodeInfo:
    """The machine that this runs on; arguments as of `query_nodes`."""
    import torch

    return NodeInfo(
        host=socket.gethostname(),
        versions=get_local_versions(),
        gpus=tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())),
        cuda=torch.version.cuda,
        sha256=_compute_sha256(arrays),
        problem=_find_storage_problem(location, probe_file),
    )


def get_local_versions() -> dict[str, str]:
    """Return the versions of Python and of `UNIFORM_LIBRARIES`, and a hash of our source code."""
    libraries = {name: version(name) for name in UNIFORM_LIBRARIES}
    source_code = hashlib.sha256("".join(hash_sources().values()).encode()).hexdigest()[:12]
    return {"Python": platform.python_version()} | libraries | {"source code": source_code}


def _compute_sha256(arrays: Sequence[NDArray[np.uint8]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest() if arrays else ""


def _find_storage_problem(location: str, probe_file: str) -> str | None:
    """Read a file of the study's folder and write one beside it; what is wrong, if anything."""
    try:
        storage = open_storage(parse_location(location), retry_timeout_s=0)
        if not storage.exists(probe_file):
            return "it does not see what the study began there"
        storage.write(f"{probe_file}-{socket.gethostname()}", probe_file.encode())
    except (OSError, DataError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def require_uniform_nodes(location: StudyPath, probe_file: str) -> None:
    """Refuse a cluster with a machine that is not like this one, before a trial runs.

    Args:
        location: the study's folder is.
        probe_file: a file in it.

    Raises:
        ResourceError: A node differs; the error's `path` is its address.
    """
    for address, answer in query_nodes(location, probe_file):
        if (error := find_node_problem(answer, location)) is not None:
            raise ResourceError(
                f"the cluster's machine {address} {error.problem}",
                path=address,
                remedy=error.remedy,
            )


def find_node_problem(
    answer: NodeInfo | Exception, location: StudyPath, arrays: Sequence[NDArray[np.uint8]] = ()
) -> ResourceError | None:
    """Return what is wrong with a node and its remedy, without raising; None if nothing is."""
    if not isinstance(answer, NodeInfo):
        reason = " ".join(str(answer).split())[-200:] or type(answer).__name__
        return ResourceError(
            f"gives no answer: {reason}",
            remedy="is bloodstudy installed there, with the same Python?",
        )
    local_versions = get_local_versions()
    for name, node_version in answer.versions.items():
        if node_version != local_versions[name]:
            return ResourceError(
                f"({answer.host}) has {name} {node_version}, this one {local_versions[name]}",
                value=node_version,
                remedy="install the same",
            )
    if answer.problem is not None:
        return ResourceError(
            f"({answer.host}) cannot use {location}: {answer.problem}",
            path=str(location),
            remedy="several machines need a folder that all of them mount, or --storage s3://…",
        )
    if answer.sha256 != _compute_sha256(arrays):
        return ResourceError(
            f"({answer.host}) got other data than were sent",
            value=answer.sha256,
            remedy="see to its memory and network",
        )
    return None


def format_node(node: NodeInfo) -> str:
    """A machine in words."""
    versions = ", ".join(f"{name} {node_version}" for name, node_version in node.versions.items())
    gpus = f"{len(node.gpus)} x {node.gpus[0]}" if node.gpus else "no GPU"
    cuda = f"CUDA {node.cuda}" if node.cuda else "a CPU build of PyTorch"
    data_note = f"; data arrive whole (SHA-256 {node.sha256[:12]}…)" if node.sha256 else ""
    return f"{versions}; {gpus}, {cuda}; sees the storage{data_note}"
