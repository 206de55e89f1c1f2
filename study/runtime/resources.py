"""Cores, GPUs, and how many trials fit at the same time."""

from pathlib import Path

import joblib
import ray
import torch
import yaml

from bloodnets.errors import MachineError
from study.configs.study_config import StudyConfig
from study.runtime.connection import probe


def available_cores() -> int:
    """Cores that this process may use; its affinity or a container's quota may make them fewer."""
    return int(joblib.cpu_count())


def slots(config: StudyConfig) -> int:
    """Trials at once, as the cluster stands now; at least 1."""
    resources = ray.cluster_resources()
    room = resources.get("CPU", 0) / config.cpus_per_trial
    if config.gpus_per_trial:
        room = min(room, resources.get("GPU", 0) / config.gpus_per_trial)
    return max(1, min(int(room), config.max_concurrent or int(room)))


def check_here(config: StudyConfig) -> None:
    """As `_check_room`, of this machine, before Ray starts."""
    _refuse_more("--cpus-per-trial", config.cpus_per_trial, available_cores(), "CPU")
    gpus = torch.cuda.device_count()
    _refuse_more("--gpus-per-trial", config.gpus_per_trial or 0, gpus, "GPU")


def _check_room(config: StudyConfig) -> None:
    """Ray would wait for ever for a GPU or a core that no node has."""
    most = _most()
    _refuse_more("--cpus-per-trial", config.cpus_per_trial, most["CPU"], "CPU")
    _refuse_more("--gpus-per-trial", config.gpus_per_trial or 0, most["GPU"], "GPU")


def _most() -> dict[str, float]:
    """The most CPUs and GPUs that one machine has, or one that the cluster would start has."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]] + _startable()
    return {key: max((node.get(key, 0) for node in nodes), default=0) for key in ("CPU", "GPU")}


def _startable() -> list[dict[str, float]]:
    """Resources of the machines that `ray up` has told this one, its head, to start on demand."""
    try:
        found = yaml.safe_load((Path.home() / "ray_bootstrap_config.yaml").read_text())
        kinds = found["available_node_types"].values()
        return [kind["resources"] for kind in kinds if kind.get("max_workers")]
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return []


def _refuse_more(option: str, wanted: float, most: float, resource: str) -> None:
    if wanted > most:
        remedy = "use --device cpu, without --gpus-per-trial" if resource == "GPU" else "use fewer"
        raise MachineError(
            f"{option} is {wanted:g}, but no machine has more than {most:g} {resource}s; {remedy}"
        )


def check_machine(config: StudyConfig) -> None:
    """Refuse a cluster that does not answer, and a GPU that is not there, before data are read.

    Raises:
        MachineError: it is so.
    """
    if config.address is not None:
        probe(config.address)
    elif config.gpus_per_trial:
        check_here(config)
