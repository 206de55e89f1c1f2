"""Estimate the memory of a trial, and check before Ray starts that it is available."""

from collections.abc import Iterable

import psutil

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.errors import ResourceError
from reports.format.text import label
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.runtime.cores import count_available_cores
from study.runtime.gpus import find_gpus

PROCESS_BYTES = 0.45 * 2**30
"""Memory of a worker with Ray, PyTorch and the optimized layouts of its small tensors, in bytes."""

WEIGHT_COPIES = 14
"""Copies of the weights: weights, gradients, two moments of Adam, the best weights, and the parts
of a checkpoint as tensors and as bytes."""

ACTIVATION_COPIES = 2
"""Outputs of layers that are held at once, relative to those of the forward pass.

On one core, the peak was 0.9 (ResNet at 64 pixels) to 1.7 times the forward pass (CNN at 128)."""


def check_trial_memory(
    config: GridConfig | SearchConfig, shape: DataShape, *, n_copied_images: int = 0
) -> None:
    """Raise if the trials of a study on the CPU of this host would need more memory than is free.

    Networks for images of at most the size of BloodMNIST's are not checked: they need 0.7 GiB, and
    the check would have to import PyTorch. Neither are trials on a GPU or in a cluster.

    Args:
        config: Settings of the study.
        shape: Shape of its data.
        n_copied_images: Images that each trial copies: those of train and val in a
            cross-validation, or else 0.

    Raises:
        ResourceError: A trial, or the trials that run at the same time, would need more memory.
    """
    uses_gpu = bool(find_gpus() if config.gpus_per_trial is None else config.gpus_per_trial)
    if shape.side <= BLOODMNIST_SHAPE.side or uses_gpu or config.address is not None:
        return
    configs = list_configs(config)
    largest = max(configs, key=lambda trial: estimate_trial_bytes(trial, shape))
    image_bytes = shape.side**2 * shape.channels
    trial_bytes = estimate_trial_bytes(largest, shape) + n_copied_images * image_bytes
    available_bytes = psutil.virtual_memory().available
    n_fitting = int(available_bytes / trial_bytes)
    n_parallel = max(1, count_available_cores() // config.cpus_per_trial)
    n_parallel = min(n_parallel, config.max_concurrent or n_parallel)
    if n_fitting >= n_parallel:
        return
    side = f"{shape.side} x {shape.side} pixels"
    amount = f"{trial_bytes / 2**30:.1f} GiB of memory"
    raise ResourceError(
        f"a trial of the {label(largest.family)} at {side} needs about {amount}, and "
        f"{available_bytes / 2**30:.1f} GiB are free"
        + (f" for {n_parallel} trials in parallel" if n_fitting else ""),
        value=available_bytes,
        remedy=f"add --max-concurrent {n_fitting}" if n_fitting else _suggest_less(largest.family),
    )


def _suggest_less(family: str) -> str:
    """Return the remedy for a network that is too large."""
    if family == "mlnn":  # most of its memory are weights
        return "use smaller images, or another network, e.g. --config cnn-config-1"
    return "use smaller images" + (" or a smaller --width" if family == "resnet" else "")


def estimate_trial_bytes(config: TrialConfig, shape: DataShape) -> float:
    """Return the approximate memory of a trial in bytes, without the images.

    It was measured on a CPU, where the images are in Ray's object store, once for all trials of a
    host. A trial on a GPU needs less for its weights, because checkpoints are in main memory.

    Args:
        config: Configuration of the trial.
        shape: Shape of its data.
    """
    # PyTorch takes seconds to import.
    import torch  # noqa: PLC0415

    from bloodnets.models import build_model, count_activations, count_parameters  # noqa: PLC0415
    from bloodnets.training.training_step import get_part_size  # noqa: PLC0415

    with torch.device("meta"):  # without memory
        model = build_model(config, shape)
    n_images = min(config.batch_size, get_part_size(config.batch_size, shape.side))
    n_values = WEIGHT_COPIES * count_parameters(model)
    n_values += ACTIVATION_COPIES * n_images * count_activations(model, shape)
    return PROCESS_BYTES + 4 * n_values


def list_configs(config: GridConfig | SearchConfig) -> Iterable[TrialConfig]:
    """Return one configuration of each network."""
    if isinstance(config, SearchConfig):
        return list(make_baseline_configs(config.search).values())
    trials = {trial.configuration: trial for trial in config.plan_trials()}
    return [TrialConfig.from_dict(trial.config) for trial in trials.values()]
