"""Compute how many trials fit on a node, without importing Ray."""

from collections.abc import Mapping

from study.configs.study_config import StudyConfig
from study.runtime.cores import count_available_cores
from study.runtime.gpus import find_gpus


def count_local_trials(config: StudyConfig, gpus: float) -> int:
    """Return how many trials fit on this host at the same time.

    Args:
        config: Settings of the study.
        gpus: GPUs per trial.
    """
    n_gpus = len(find_gpus()) if gpus else 0
    return count_fitting_trials({"CPU": count_available_cores(), "GPU": n_gpus}, config, gpus)


def count_fitting_trials(resources: Mapping[str, float], config: StudyConfig, gpus: float) -> int:
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
