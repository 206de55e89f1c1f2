"""Check the available cores and GPUs, and compute how many trials fit at the same time."""

from pathlib import Path

import ray
import yaml

from bloodnets.errors import ResourceError
from study.configs.study_config import StudyConfig
from study.runtime.connection import check_reachable
from study.runtime.cores import count_available_cores
from study.runtime.gpus import find_gpus


def count_usable_cores(config: StudyConfig, n_trials: int) -> int:
    """Return how many cores the trials would use at the same time if this host had enough.

    Args:
        config: Settings of the study, for its resources.
        n_trials: Number of trials, at least 1.
    """
    n_at_once = min(n_trials, config.max_concurrent or n_trials)
    if config.gpus_per_trial:
        n_at_once = min(n_at_once, max(1, int(len(find_gpus()) / config.gpus_per_trial)))
    return n_at_once * config.cpus_per_trial


def compute_max_parallel_trials(config: StudyConfig) -> int:
    """Return how many trials the connected cluster can now run at the same time, at least 1."""
    resources = ray.cluster_resources()
    capacity = resources.get("CPU", 0) / config.cpus_per_trial
    if config.gpus_per_trial:
        capacity = min(capacity, resources.get("GPU", 0) / config.gpus_per_trial)
    return max(1, min(int(capacity), config.max_concurrent or int(capacity)))


def check_local_resources(config: StudyConfig) -> None:
    """Raise if a trial requests more cores or GPUs than this host has; Ray need not run.

    Raises:
        ResourceError: This host has fewer cores or GPUs.
    """
    _require_at_most("--cpus-per-trial", config.cpus_per_trial, count_available_cores(), "CPU")
    if config.gpus_per_trial:
        _require_at_most("--gpus-per-trial", config.gpus_per_trial, len(find_gpus()), "GPU")


def check_cluster_resources(config: StudyConfig) -> None:
    """Raise if no node has the cores or GPUs of a trial, for which Ray would wait forever.

    Raises:
        ResourceError: All nodes of the connected cluster have fewer cores or GPUs.
    """
    largest = find_largest_node()
    _require_at_most("--cpus-per-trial", config.cpus_per_trial, largest["CPU"], "CPU")
    _require_at_most("--gpus-per-trial", config.gpus_per_trial or 0, largest["GPU"], "GPU")


def find_largest_node() -> dict[str, float]:
    """Return the highest number of CPUs and of GPUs of any node.

    Nodes that the autoscaler can start are included.

    Returns:
        Numbers under the keys "CPU" and "GPU".
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]] + _list_startable_nodes()
    return {key: max((node.get(key, 0) for node in nodes), default=0) for key in ("CPU", "GPU")}


def _list_startable_nodes() -> list[dict[str, float]]:
    """Return the resources of the node types that this host, the head, can start on demand."""
    try:
        cluster_config = yaml.safe_load((Path.home() / "ray_bootstrap_config.yaml").read_text())
        node_types = cluster_config["available_node_types"].values()
        return [node_type["resources"] for node_type in node_types if node_type.get("max_workers")]
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return []


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
        check_reachable(config.address)
    else:
        check_local_resources(config)
