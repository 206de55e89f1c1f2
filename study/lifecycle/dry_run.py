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
from reports.format.text import data_words, search_words
from reports.format.units import plural
from study.configs.search_space import inside, named
from study.configs.study_config import GridConfig, SearchConfig
from study.console.format import duration
from study.datasets.data_record import data_record
from study.runtime.resources import available_cores

TIMED_STEPS = 12


class PlannedCost(NamedTuple):
    """The cost of one configuration's trials.

    Attributes:
        configuration: its name.
        trials: how many.
        epochs: at most, of all its trials together.
        epoch_s: seconds an epoch on one of this machine's CPU cores.
        disk_bytes: that its trials leave in the study's folder.
    """

    configuration: str
    trials: int
    epochs: int
    epoch_s: float
    disk_bytes: int


def costs(config: GridConfig, cells: BloodCells) -> Iterator[PlannedCost]:
    """Time a few steps of each configuration on one CPU core, and add up."""
    trials = config.trials()
    predictions = (len(cells.val.labels) + len(cells.test.labels)) * (8 * 4 + 1)
    for name in config.configurations:
        own = [TrialConfig.from_dict(t.config) for t in trials if t.configuration == name]
        weights = 4 * count_parameters(build_model(own[0]))
        yield PlannedCost(
            configuration=name,
            trials=len(own),
            epochs=sum(trial.max_epochs for trial in own),
            epoch_s=_epoch_s(own[0], cells, config.cpus_per_trial),
            disk_bytes=len(own) * (weights + predictions),
        )


def _epoch_s(config: TrialConfig, cells: BloodCells, threads: int) -> float:
    """Seconds an epoch, from a short one: the second, since the first also warms up."""
    cpu = torch.device("cpu")
    images = min(TIMED_STEPS * config.batch_size, len(cells.train.labels))
    share = images / len(cells.train.labels)
    few, fewer = (
        DeviceSplit.of(Split(*(part[: math.ceil(share * len(part))] for part in split)), cpu)
        for split in (cells.train, cells.val)
    )
    config = replace(config, max_epochs=2)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        *_, second = train(TrainingState.start(config, cpu), config, train=few, val=fewer)
    finally:
        torch.set_num_threads(before)
    return second.duration_s / share


def print_dry_run(config: GridConfig | SearchConfig, cells: BloodCells) -> None:
    """Show what a study would do and cost."""
    if isinstance(config, GridConfig):
        print_grid_plan(config, cells)
    else:
        print_search_plan(config, cells)


def print_grid_plan(config: GridConfig, cells: BloodCells) -> None:
    """Print trials, epochs, disk and time, each at most, to standard output."""
    planned = list(costs(config, cells))
    table = Table(box=None, header_style="bold")
    table.add_column("configuration", no_wrap=True)
    for heading in ("trials", "epochs at most", "s an epoch", "disk MB"):
        table.add_column(heading, justify="right")
    for cost in planned:
        table.add_row(
            cost.configuration,
            f"{cost.trials}",
            f"{cost.epochs}",
            f"{cost.epoch_s:.1f}",
            f"{cost.disk_bytes / 1e6:.0f}",
        )
    console = Console(highlight=False)
    console.print(table)
    trials, epochs, megabytes = (
        sum(cost.trials for cost in planned),
        sum(cost.epochs for cost in planned),
        sum(cost.disk_bytes for cost in planned) / 1e6,
    )
    at_once = _at_once(config, trials)
    seconds = sum(cost.epochs * cost.epoch_s for cost in planned) / at_once
    patient = all(
        trial.config["patience"] >= trial.config["max_epochs"] for trial in config.trials()
    )
    sooner = "" if patient else "Early stopping usually ends sooner. "
    console.print(
        f"{plural(trials, 'trial')} into {config.place}: at most {plural(epochs, 'epoch')}, "
        f"{megabytes:.0f} MB, and {duration(seconds)} with {at_once} at once on this machine's "
        f"CPU. {sooner}{data_words(data_record(cells)).short}",
        markup=False,
    )


def print_search_plan(config: SearchConfig, cells: BloodCells) -> None:
    """Print the space, and the time that a search would take, to standard output."""
    search, console = config.search, Console(highlight=False)
    first = [name for name, known in named(search).items() if inside(known, search)]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in (
        *search_words(search),
        ("First", ", ".join(first) or f"none of {', '.join(named(search))}: outside the space"),
    ):
        table.add_row(name, value)
    console.print(table)
    epoch_s = max(_epoch_s(known, cells, config.cpus_per_trial) for known in named(search).values())
    # Beside the best, the best with a name; all of them if the search can't tell.
    baseline = 1 if first else len(named(search))
    again = (search.confirm + baseline) * search.confirm_seeds if search.confirm else 0
    epochs = (search.trials + again) * search.max_epochs
    at_once = _at_once(config, search.trials)
    console.print(
        f"{plural(search.trials, 'trial')} and at most {again} of the confirmation into "
        f"{config.place}: at most {plural(epochs, 'epoch')}, and "
        f"{duration(epochs * epoch_s / at_once)} with {at_once} at once on this machine's CPU. "
        f"ASHA spares most of the search's share. {data_words(data_record(cells)).short}",
        markup=False,
    )


def _at_once(config: GridConfig | SearchConfig, trials: int) -> int:
    fit = max(1, available_cores() // config.cpus_per_trial)
    return min(fit, config.max_concurrent or fit, trials)
