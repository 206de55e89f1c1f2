"""Every machine of a cluster: what it is, and whether it sees a study's folder."""

import hashlib
import platform
import socket
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bloodnets.errors import DataError, MachineError
from bloodnets.storage.backends import Place, everywhere, place, storage_at

ANSWER_S = 60
"""A machine starts a process that imports PyTorch before it answers."""

ALIKE = ("bloodstudy", "torch", "ray", "numpy")
"""Libraries whose versions must be the same everywhere, or one seed gives several weights."""


class Node(NamedTuple):
    """A machine, as a process on it finds it.

    Attributes:
        host: its name.
        versions: of Python and of `ALIKE`.
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


def nodes(
    where: Place, mark: str, arrays: Sequence[NDArray[np.uint8]] = ()
) -> Iterator[tuple[str, Node | Exception]]:
    """Ask each machine of the cluster, all at once.

    Args:
        where: the study's folder is.
        mark: a file in it, by which a machine knows that it sees the same folder.
        arrays: data to send there.

    Yields:
        The machine's address, and what it answered, or why it did not.
    """
    data = ray.put(list(arrays))
    # No core is asked for: a machine whose cores are all taken answers as well.
    ask = ray.remote(num_cpus=0, max_retries=0)(describe_here)
    asked = {
        node["NodeManagerAddress"]: ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(everywhere(where), mark, data)
        for node in ray.nodes()
        if node["Alive"]
    }
    for address, answer in asked.items():
        try:
            yield address, ray.get(answer, timeout=ANSWER_S)
        except (RayError, TimeoutError) as error:
            yield address, error


def describe_here(where: str, mark: str, arrays: Sequence[NDArray[np.uint8]]) -> Node:
    """The machine that this runs on; arguments as of `nodes`."""
    return Node(
        host=socket.gethostname(),
        versions=versions_here(),
        gpus=tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())),
        cuda=torch.version.cuda,
        sha256=_digest(arrays),
        problem=_problem(where, mark),
    )


def versions_here() -> dict[str, str]:
    """Of Python and of `ALIKE`."""
    return {"Python": platform.python_version()} | {name: version(name) for name in ALIKE}


def _digest(arrays: Sequence[NDArray[np.uint8]]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest() if arrays else ""


def _problem(where: str, mark: str) -> str | None:
    """Read a file of the study's folder and write one beside it; what is wrong, if anything."""
    try:
        storage = storage_at(place(where), patience_s=0)
        if not storage.exists(mark):
            return "it does not see what the study began there"
        storage.write(f"{mark}-{socket.gethostname()}", mark.encode())
    except (OSError, DataError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def refuse_unfit(where: Place, mark: str) -> None:
    """Refuse a cluster with a machine that is not like this one, before a trial runs.

    Args:
        where: the study's folder is.
        mark: a file in it.

    Raises:
        MachineError: names the machine, what it lacks, and a remedy.
    """
    for address, answer in nodes(where, mark):
        if (wrong := fault(answer, where)) is not None:
            raise MachineError(f"the cluster's machine {address} {wrong}")


def fault(
    answer: Node | Exception, where: Place, arrays: Sequence[NDArray[np.uint8]] = ()
) -> str | None:
    """What is wrong with a machine, with a remedy, in words; None if nothing is."""
    if not isinstance(answer, Node):
        reason = " ".join(str(answer).split())[-200:] or type(answer).__name__
        return f"gives no answer: {reason}; is bloodstudy installed there, with the same Python?"
    own = versions_here()
    for name, found in answer.versions.items():
        if found != own[name]:
            return f"({answer.host}) has {name} {found}, this one {own[name]}; install the same"
    if answer.problem is not None:
        return (
            f"({answer.host}) cannot use {where}: {answer.problem}; several machines need a "
            f"folder that all of them mount, or --storage s3://…"
        )
    if answer.sha256 != _digest(arrays):
        return f"({answer.host}) got other data than were sent; see to its memory and network"
    return None


def described(node: Node) -> str:
    """A machine in words."""
    versions = ", ".join(f"{name} {found}" for name, found in node.versions.items())
    gpus = f"{len(node.gpus)} x {node.gpus[0]}" if node.gpus else "no GPU"
    cuda = f"CUDA {node.cuda}" if node.cuda else "a CPU build of PyTorch"
    data = f"; data arrive whole (SHA-256 {node.sha256[:12]}…)" if node.sha256 else ""
    return f"{versions}; {gpus}, {cuda}; sees the storage{data}"
