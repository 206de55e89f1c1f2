"""Choose the share of a GPU that a trial takes, and say how many trials fit on a node.

Ray is imported only for a cluster.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bloodnets.data.medmnist import BloodCells
from reports.format.text import label
from reports.format.units import format_count
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL
from study.configs.study_config import GridConfig, SearchConfig
from study.lifecycle.trial_memory import estimate_trial_bytes, list_configs
from study.runtime.gpus import find_gpus, read_gpu_memory
from study.runtime.resources import list_fitting_trials


def resolve_gpu_shares(
    config: GridConfig | SearchConfig, cells: BloodCells
) -> GridConfig | SearchConfig:
    """Return the settings with the GPUs per trial of the families that the study trains.

    Without a number from the user, each family takes its default share, or more if images are so
    large that fewer trials fit into the memory of a GPU of this host. The memory of the GPUs of a
    cluster is not known.

    Args:
        config: Settings of the study.
        cells: Data of the study.

    Raises:
        ResourceError: The cluster cannot be joined.
    """
    gpus = config.gpus_per_trial
    if gpus is None:
        gpus = DEFAULT_GPUS_PER_TRIAL if _has_gpu(config.address) else 0.0
    if isinstance(gpus, Mapping):
        gpus = {family: gpus[family] for family in config.families}
        if config.address is None:
            gpus = _raise_to_memory(gpus, config, cells)
        if len(set(gpus.values())) == 1:
            gpus = next(iter(gpus.values()))
    return replace(config, gpus_per_trial=gpus)


def _has_gpu(address: str | None) -> bool:
    if address is None:
        return bool(find_gpus())
    from study.runtime.session import has_gpu

    return has_gpu(address)


def _raise_to_memory(
    shares: Mapping[str, float], config: GridConfig | SearchConfig, cells: BloodCells
) -> dict[str, float]:
    """Return shares of a GPU that are at least the share of its memory that a trial needs."""
    gpu_bytes = read_gpu_memory()
    # Each trial copies the images to its GPU.
    data_bytes = sum(split.images.nbytes for split in (cells.train, cells.val, cells.test))
    raised = dict(shares)
    for trial in list_configs(config):
        trial_bytes = estimate_trial_bytes(trial, cells.shape) + data_bytes
        n_fitting = max(1, int(gpu_bytes / trial_bytes))
        raised[trial.family] = max(raised[trial.family], 1 / n_fitting)
    return raised


def describe_trial_resources(config: GridConfig | SearchConfig) -> Iterator[str]:
    """Yield a sentence on the resources of a trial, or one for each share of a GPU.

    Args:
        config: Settings of the study, with its GPUs per trial. The cluster must be joined, if there
            is one.
    """
    families_by_share: dict[float, list[str]] = {}
    for family in config.families:
        families_by_share.setdefault(config.get_gpus(family), []).append(label(family))
    for gpus, families in families_by_share.items():
        names = f" of {' and '.join(families)}" if len(families_by_share) > 1 else ""
        resources = format_count(config.cpus_per_trial, "core")
        if gpus:
            resources += f" and {gpus:.3g} GPU{'s' if gpus > 1 else ''}"
        counts = Counter(list_fitting_trials(config, gpus))
        fits = ", ".join(
            f"{n_trials} at once on {_describe_nodes(config, n_nodes)}"
            for n_trials, n_nodes in counts.items()
        )
        yield f"Trials{names} take {resources} each: {fits or 'no node has these'}."


def _describe_nodes(config: GridConfig | SearchConfig, n_nodes: int) -> str:
    if config.address is None:
        return "this machine"
    return "one node" if n_nodes == 1 else f"each of {n_nodes} nodes"
