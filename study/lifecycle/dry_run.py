"""What a study would cost, before it starts: `--dry-run`."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from rich.console import Console
from rich.table import Table

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells, Split
from bloodnets.models import build_model, count_parameters
from bloodnets.training.loop import DeviceSplit, TrainingState, train
from reports.format.text import describe_search_settings, make_data_label
from reports.format.units import format_count
from study.configs.search_space import contains, make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.console.format import format_duration
from study.datasets.data_record import make_data_record
from study.runtime.resources import count_available_cores

TIMED_STEPS = 12


class CostEstimate(NamedTuple):
    """The cost of one configuration's trials.

    Attributes:
        configuration: its name.
        n_trials: how many.
        total_epochs: at most, of all its trials together.
        epoch_duration_s: seconds an epoch on one of this machine's CPU cores.
        disk_bytes: that its trials leave in the study's folder.
    """

    configuration: str
    n_trials: int
    total_epochs: int
    epoch_duration_s: float
    disk_bytes: int


def estimate_costs(config: GridConfig, cells: BloodCells) -> Iterator[CostEstimate]:
    """Time a few steps of each configuration on one CPU core, and add up."""
    trials = config.plan_trials()
    prediction_bytes = (len(cells.val.labels) + len(cells.test.labels)) * (8 * 4 + 1)
    for name in config.configurations:
        configs = [TrialConfig.from_dict(t.config) for t in trials if t.configuration == name]
        weight_bytes = 4 * count_parameters(build_model(configs[0]))
        yield CostEstimate(
            configuration=name,
            n_trials=len(configs),
            total_epochs=sum(trial.max_epochs for trial in configs),
            epoch_duration_s=_measure_epoch_s(configs[0], cells, config.cpus_per_trial),
            disk_bytes=len(configs) * (weight_bytes + prediction_bytes),
        )


def _measure_epoch_s(config: TrialConfig, cells: BloodCells, threads: int) -> float:
    """Seconds an epoch, from a short one: the second, since the first also warms up."""
    cpu = torch.device("cpu")
    n_images = min(TIMED_STEPS * config.batch_size, len(cells.train.labels))
    fraction = n_images / len(cells.train.labels)
    train_split, val_split = (
        DeviceSplit.from_numpy(
            Split(*(part[: math.ceil(fraction * len(part))] for part in split)), cpu
        )
        for split in (cells.train, cells.val)
    )
    config = replace(config, max_epochs=2)
    previous_threads = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        *_, second_epoch = train(
            TrainingState.create(config, cpu), config, train_split=train_split, val_split=val_split
        )
    finally:
        torch.set_num_threads(previous_threads)
    return second_epoch.duration_s / fraction


def print_dry_run(config: GridConfig | SearchConfig, cells: BloodCells) -> None:
    """Show what a study would do and cost."""
    if isinstance(config, GridConfig):
        print_grid_plan(config, cells)
    else:
        print_search_plan(config, cells)


def print_grid_plan(config: GridConfig, cells: BloodCells) -> None:
    """Print trials, epochs, disk and time, each at most, to standard output."""
    planned = list(estimate_costs(config, cells))
    table = Table(box=None, header_style="bold")
    table.add_column("configuration", no_wrap=True)
    for heading in ("trials", "epochs at most", "s an epoch", "disk MB"):
        table.add_column(heading, justify="right")
    for cost in planned:
        table.add_row(
            cost.configuration,
            f"{cost.n_trials}",
            f"{cost.total_epochs}",
            f"{cost.epoch_duration_s:.1f}",
            f"{cost.disk_bytes / 1e6:.0f}",
        )
    console = Console(highlight=False)
    console.print(table)
    trials, epochs, megabytes = (
        sum(cost.n_trials for cost in planned),
        sum(cost.total_epochs for cost in planned),
        sum(cost.disk_bytes for cost in planned) / 1e6,
    )
    at_once = _estimate_concurrency(config, trials)
    seconds = sum(cost.total_epochs * cost.epoch_duration_s for cost in planned) / at_once
    patient = all(
        trial.config["patience"] >= trial.config["max_epochs"] for trial in config.plan_trials()
    )
    sooner = "" if patient else "Early stopping usually ends sooner. "
    console.print(
        f"{format_count(trials, 'trial')} into {config.location}: at most "
        f"{format_count(epochs, 'epoch')}, {megabytes:.0f} MB, and {format_duration(seconds)} with "
        f"{at_once} at once on this machine's CPU. "
        f"{sooner}{make_data_label(make_data_record(cells)).short}",
        markup=False,
    )


def print_search_plan(config: SearchConfig, cells: BloodCells) -> None:
    """Print the space, and the time that a search would take, to standard output."""
    search, console = config.search, Console(highlight=False)
    first = [
        name for name, known in make_baseline_configs(search).items() if contains(known, search)
    ]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in (
        *describe_search_settings(search),
        (
            "First",
            ", ".join(first)
            or f"none of {', '.join(make_baseline_configs(search))}: outside the space",
        ),
    ):
        table.add_row(name, value)
    console.print(table)
    epoch_s = max(
        _measure_epoch_s(known, cells, config.cpus_per_trial)
        for known in make_baseline_configs(search).values()
    )
    # Beside the best, the best with a name; all of them if the search can't tell.
    baseline = 1 if first else len(make_baseline_configs(search))
    again = (search.retrain_top + baseline) * search.retrain_seeds if search.retrain_top else 0
    epochs = (search.n_trials + again) * search.max_epochs
    at_once = _estimate_concurrency(config, search.n_trials)
    console.print(
        f"{format_count(search.n_trials, 'trial')} and at most {again} of the confirmation into "
        f"{config.location}: at most {format_count(epochs, 'epoch')}, and "
        f"{format_duration(epochs * epoch_s / at_once)} with {at_once} at once on this machine's "
        f"CPU. ASHA spares most of the search's share. "
        f"{make_data_label(make_data_record(cells)).short}",
        markup=False,
    )


def _estimate_concurrency(config: GridConfig | SearchConfig, n_trials: int) -> int:
    max_parallel = max(1, count_available_cores() // config.cpus_per_trial)
    return min(max_parallel, config.max_concurrent or max_parallel, n_trials)
