"""Estimate the training time of a network on this host from a few steps."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells, Split
from bloodnets.models import build_model, count_parameters
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState

MAX_TIMED_STEPS = 12
MIN_TIMED_STEPS = 2
TIMING_BUDGET_S = 0.5
"""Approximate time for the timed steps; a large network has fewer steps, with less noise each."""


class NetworkCost(NamedTuple):
    """Cost of one trial.

    Attributes:
        epoch_duration_s: Seconds per epoch on the CPU of this host.
        weight_bytes: Size of the network's weights in bytes.
    """

    epoch_duration_s: float
    weight_bytes: int


def measure_network_cost(config: TrialConfig, cells: BloodCells, threads: int) -> NetworkCost:
    """Train a few steps and return the cost of a trial.

    Args:
        config: Configuration of the trial.
        cells: Data of the study.
        threads: Threads of the trial.
    """
    previous_threads = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        epoch_duration_s = _measure_epoch_s(config, cells)
    finally:
        torch.set_num_threads(previous_threads)
    return NetworkCost(epoch_duration_s, 4 * count_parameters(build_model(config, cells.shape)))


def _measure_epoch_s(config: TrialConfig, cells: BloodCells) -> float:
    """Return the seconds per epoch, measured on a few steps after a warm-up step."""
    state = TrainingState.create(config, cells.shape, torch.device("cpu"))
    n_epoch_steps = len(cells.train.labels) / config.batch_size
    first_step_s = _time_short_epoch(state, config, cells, n_steps=1) / n_epoch_steps
    n_steps = min(MAX_TIMED_STEPS, max(MIN_TIMED_STEPS, int(TIMING_BUDGET_S / first_step_s)))
    return _time_short_epoch(state, config, cells, n_steps=n_steps)


def _time_short_epoch(
    state: TrainingState, config: TrialConfig, cells: BloodCells, *, n_steps: int
) -> float:
    """Train an epoch of a few steps and return the seconds that a full epoch would take."""
    n_images = min(n_steps * config.batch_size, len(cells.train.labels))
    fraction = n_images / len(cells.train.labels)
    sizes = (math.ceil(fraction * len(split.labels)) for split in (cells.train, cells.val))
    train_split, val_split = (
        DeviceSplit.from_numpy(Split(split.images[:n], split.labels[:n]), torch.device("cpu"))
        for split, n in zip((cells.train, cells.val), sizes, strict=True)
    )
    config = replace(config, max_epochs=2, patience=2)
    result = next(train(state, config, train_split=train_split, val_split=val_split))
    return result.duration_s / fraction
