"""Check the software of each node of a cluster, and its access to a study's storage."""

import hashlib
import socket
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bloodnets.errors import DataError, ResourceError
from bloodnets.storage.location import StudyPath, parse_location, to_absolute_str
from bloodnets.storage.remote import open_storage
from bloodnets.versions import collect_versions, get_significant_version
from study.runtime.gpus import find_gpu_error, find_gpus
from study.runtime.software import hash_sources

ANSWER_TIMEOUT_S = 60
"""Seconds to wait for a node, which first starts a process that imports PyTorch."""


class NodeInfo(NamedTuple):
    """Properties of a node, as a task on the node finds them.

    Attributes:
        host: Host name.
        versions: Versions from `get_local_versions`, by name.
        gpus: Names of the GPUs that PyTorch can use.
        gpu_problem: Reason why PyTorch cannot use the node's GPU; None if it can, or without a GPU.
        cuda: CUDA version of the PyTorch build; None for a CPU build.
        sha256: SHA-256 of the received data, in hexadecimal; empty if none were sent.
        problem: Reason why the node cannot use the study's storage; None if it can.
    """

    host: str
    versions: dict[str, str]
    gpus: tuple[str, ...]
    gpu_problem: str | None
    cuda: str | None
    sha256: str
    problem: str | None


def query_nodes(
    location: StudyPath, probe_file: str, arrays: Sequence[NDArray[np.uint8]] = ()
) -> Iterator[tuple[str, NodeInfo | Exception]]:
    """Query all nodes of the cluster in parallel.

    Args:
        location: Folder or address of the study.
        probe_file: File in it, by which a node recognizes the driver's storage.
        arrays: Data to send to each node; uint8 arrays of any shape.

    Yields:
        Address of a node, and its properties or the exception that prevented an answer.
    """
    array_ref = ray.put(list(arrays))
    # Requests no core, so a node responds even if all its cores are in use.
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
    """Return the properties of the node that runs this function.

    Args:
        location: Folder or address of the study, absolute.
        probe_file: File in it, by which a node recognizes the driver's storage.
        arrays: Data received from the driver; uint8 arrays of any shape.
    """
    import torch

    gpu_error = find_gpu_error()
    return NodeInfo(
        host=socket.gethostname(),
        versions=get_local_versions(),
        gpus=find_gpus(),
        gpu_problem=gpu_error.problem if gpu_error else None,
        cuda=torch.version.cuda,
        sha256=_compute_sha256(arrays),
        problem=_find_storage_problem(location, probe_file),
    )


def get_local_versions() -> dict[str, str]:
    """Return the versions of Python and the libraries, and a hash of the source code, by name."""
    source_code = hashlib.sha256("".join(hash_sources().values()).encode()).hexdigest()[:12]
    return collect_versions() | {"source code": source_code}


def _compute_sha256(arrays: Sequence[NDArray[np.uint8]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest() if arrays else ""


def _find_storage_problem(location: str, probe_file: str) -> str | None:
    """Look for the probe file and write another one; return the problem, or None."""
    try:
        storage = open_storage(parse_location(location), retry_timeout_s=0)
        if not storage.exists(probe_file):
            return "the file that the driver wrote there was not found"
        storage.write(f"{probe_file}-{socket.gethostname()}", probe_file.encode())
    except (OSError, DataError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def require_uniform_nodes(location: StudyPath, probe_file: str, *, uses_gpus: bool = True) -> None:
    """Raise if a node differs from this host or cannot use the storage, before a trial runs.

    Args:
        location: Folder or address of the study.
        probe_file: File in it that the driver wrote.
        uses_gpus: Whether trials run on GPUs.

    Raises:
        ResourceError: A node differs; the error's `path` is its address.
    """
    for address, answer in query_nodes(location, probe_file):
        if (error := find_node_problem(answer, location, uses_gpus=uses_gpus)) is not None:
            raise ResourceError(
                f"node {address} {error.problem}",
                path=address,
                remedy=error.remedy,
            )


def find_node_problem(
    answer: NodeInfo | Exception,
    location: StudyPath,
    arrays: Sequence[NDArray[np.uint8]] = (),
    *,
    uses_gpus: bool = True,
) -> ResourceError | None:
    """Return the problem of a node as an error that is not raised; None if there is none.

    Args:
        answer: What `query_nodes` yielded for the node.
        location: Folder or address of the study.
        arrays: Data that were sent to the node; uint8 arrays of any shape.
        uses_gpus: Whether trials run on GPUs.
    """
    if not isinstance(answer, NodeInfo):
        reason = " ".join(str(answer).split())[-200:] or type(answer).__name__
        return ResourceError(
            f"did not respond: {reason}",
            remedy="check that bloodstudy is installed there with the same Python version",
        )
    if (error := _find_other_version(answer)) is not None:
        return error
    if uses_gpus and answer.gpu_problem is not None:
        return ResourceError(
            f"({answer.host}) cannot run trials on its GPU: {answer.gpu_problem}",
            remedy="check its driver and its build of PyTorch, or use --device cpu",
        )
    if answer.problem is not None:
        return ResourceError(
            f"({answer.host}) cannot use {location}: {answer.problem}",
            path=str(location),
            remedy="use a folder that all nodes mount, or --storage s3://…",
        )
    if answer.sha256 != _compute_sha256(arrays):
        return ResourceError(
            f"({answer.host}) received data that differ from those sent",
            value=answer.sha256,
            remedy="check its memory and network",
        )
    return None


def _find_other_version(node: NodeInfo) -> ResourceError | None:
    local_versions = get_local_versions()
    for name, node_version in node.versions.items():
        local_version = local_versions[name]
        if get_significant_version(name, node_version) != get_significant_version(
            name, local_version
        ):
            return ResourceError(
                f"({node.host}) has {name} {node_version}, but this machine has {local_version}",
                value=node_version,
                remedy="install the same version on all nodes",
            )
    return None


def format_node(node: NodeInfo) -> str:
    """Return the properties of a node as one line of text."""
    versions = ", ".join(f"{name} {node_version}" for name, node_version in node.versions.items())
    gpus = f"{len(node.gpus)} x {node.gpus[0]}" if node.gpus else "no GPU"
    cuda = f"CUDA {node.cuda}" if node.cuda else "a CPU build of PyTorch"
    data_note = f"; data arrive intact (SHA-256 {node.sha256[:12]}…)" if node.sha256 else ""
    return f"{versions}; {gpus}, {cuda}; can access the storage{data_note}"
