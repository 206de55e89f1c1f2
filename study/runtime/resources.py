"""Check the available cores and GPUs, and compute how many trials fit at the same time.

Ray is imported only for a cluster, or if it is already running.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from bloodnets.errors import ResourceError
from study.configs.study_config import StudyConfig
from study.runtime.cores import count_available_cores
from study.runtime.gpus import find_gpus


def count_usable_cores(config: StudyConfig, n_trials: int) -> int:
    """Return how many cores the trials would use at the same time if this host had enough.

    Args:
        config: Settings of the study, for its resources.
        n_trials: Number of trials, at least 1.
    """
    n_at_once = min(n_trials, config.max_concurrent or n_trials)
    if gpus := min(config.gpu_shares):
        n_at_once = min(n_at_once, max(1, int(len(find_gpus()) / gpus)))
    return n_at_once * config.cpus_per_trial


def compute_max_parallel_trials(config: StudyConfig) -> int:
    """Return how many trials the connected cluster can now run at the same time, at least 1.

    If the families of a grid have different shares of a GPU, these are trials with the smallest.
    """
    gpus = min(config.gpu_shares)
    n_trials = sum(_count_fitting_trials(node, config, gpus) for node in _list_nodes())
    return max(1, min(n_trials, config.max_concurrent or n_trials))


def compute_reachable_trials(config: StudyConfig) -> int:
    """Return how many trials can run at the same time once the autoscaler has started its nodes.

    Without an autoscaler on this host, this is `compute_max_parallel_trials`.
    """
    n_trials = sum(_count_startable_trials(config, min(config.gpu_shares)))
    return max(
        compute_max_parallel_trials(config), min(n_trials, config.max_concurrent or n_trials)
    )


def list_fitting_trials(config: StudyConfig, gpus: float) -> list[int]:
    """Return how many trials fit at the same time on each node, without nodes on which none fits.

    Args:
        config: Settings of the study. Without an address, the node is this host. Otherwise, the
            nodes are those of the connected cluster, or those that its autoscaler can start if more
            trials fit on them.
        gpus: GPUs per trial.
    """
    if config.address is None:
        n_gpus = len(find_gpus()) if gpus else 0
        host = {"CPU": count_available_cores(), "GPU": n_gpus}
        return [_count_fitting_trials(host, config, gpus)]
    started = [_count_fitting_trials(node, config, gpus) for node in _list_nodes()]
    counts = max(started, _count_startable_trials(config, gpus), key=sum)
    return [count for count in counts if count]


def _list_nodes() -> list[dict[str, float]]:
    """Return the resources of each node of the connected cluster."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _count_startable_trials(config: StudyConfig, gpus: float) -> list[int]:
    """Return how many trials fit on each node that the autoscaler can start."""
    autoscaler = _read_autoscaler()
    counts = [
        _count_fitting_trials(node_type.resources, config, gpus)
        for node_type in autoscaler.node_types
        for _ in range(node_type.max_workers)
    ]
    return sorted(counts, reverse=True)[: autoscaler.max_workers]


def _count_fitting_trials(resources: Mapping[str, float], config: StudyConfig, gpus: float) -> int:
    """Return how many trials fit on a node at the same time.

    Args:
        resources: Resources of the node, e.g. under the keys "CPU" and "GPU".
        config: Settings of the study.
        gpus: GPUs per trial.
    """
    n_trials = int(resources.get("CPU", 0) / config.cpus_per_trial)
    if not gpus:
        return n_trials
    n_gpus = int(resources.get("GPU", 0))
    if gpus < 1:  # a trial is on one GPU, so the rest of a GPU may be too small
        return min(n_trials, n_gpus * int(1 / gpus))
    return min(n_trials, int(n_gpus / gpus))


def check_local_resources(config: StudyConfig) -> None:
    """Raise if a trial requests more cores or GPUs than this host has; Ray need not run.

    Raises:
        ResourceError: This host has fewer cores or GPUs.
    """
    _require_at_most("--cpus-per-trial", config.cpus_per_trial, count_available_cores(), "CPU")
    if gpus := max(config.gpu_shares):
        _require_at_most("--gpus-per-trial", gpus, len(find_gpus()), "GPU")


def check_cluster_resources(config: StudyConfig) -> None:
    """Raise if no node has the cores or GPUs of a trial, for which Ray would wait forever.

    Raises:
        ResourceError: All nodes of the connected cluster have fewer cores or GPUs.
    """
    largest = find_largest_node()
    _require_at_most("--cpus-per-trial", config.cpus_per_trial, largest["CPU"], "CPU")
    _require_at_most("--gpus-per-trial", max(config.gpu_shares), largest["GPU"], "GPU")


def find_largest_node() -> dict[str, float]:
    """Return the highest number of CPUs and of GPUs of any node.

    Nodes that the autoscaler can start are included.

    Returns:
        Numbers under the keys "CPU" and "GPU".
    """
    nodes = _list_nodes()
    nodes += [node_type.resources for node_type in _read_autoscaler().node_types]
    return {key: max((node.get(key, 0) for node in nodes), default=0) for key in ("CPU", "GPU")}


class _NodeType(NamedTuple):
    """Type of node that the autoscaler can start.

    Attributes:
        resources: Resources of a node, e.g. under the keys "CPU" and "GPU".
        max_workers: Maximum number of nodes, at least 1.
    """

    resources: dict[str, float]
    max_workers: int


class _Autoscaler(NamedTuple):
    """Nodes that this host, the head of a cluster, can start on demand.

    Attributes:
        node_types: Types of these nodes; empty if this host is no head.
        max_workers: Maximum number of nodes of all types.
    """

    node_types: tuple[_NodeType, ...] = ()
    max_workers: int = 0


def _read_autoscaler() -> _Autoscaler:
    """Return the nodes in the file that `ray up` leaves on the head."""
    try:
        content = yaml.safe_load((Path.home() / "ray_bootstrap_config.yaml").read_text())
        node_types = tuple(
            _NodeType(node_type["resources"], n_nodes)
            for node_type in content["available_node_types"].values()
            if (n_nodes := node_type.get("max_workers"))
        )
        return _Autoscaler(node_types, content["max_workers"])
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return _Autoscaler()


def _require_at_most(option: str, requested: float, limit: float, resource: str) -> None:
    if requested > limit:
        unit = resource if limit == 1 else f"{resource}s"
        remedy = "use --device cpu, without --gpus-per-trial" if resource == "GPU" else "use fewer"
        raise ResourceError(
            f"{option} is {requested:g}, but no node has more than {limit:g} {unit}",
            value=requested,
            remedy=remedy,
        )


def check_compute(config: StudyConfig) -> None:
    """Raise if the cluster does not respond or this host is too small, before data are read.

    Raises:
        ResourceError: The cluster does not respond, or this host has fewer CPUs or GPUs.
    """
    if config.address is not None:
        from study.runtime.connection import check_reachable

        check_reachable(config.address)
    else:
        check_local_resources(config)
