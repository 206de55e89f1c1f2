"""Print the plan and the estimated cost of a study for `--dry-run`.

The data are loaded first, so that nothing is printed if they cannot be used. PyTorch is imported
only after the heading of the plan.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.status import Status
from rich.table import Table

from bloodnets.config import TrialConfig
from reports.format.text import describe_search_settings, label, make_data_label
from reports.format.units import format_count, format_duration
from study.configs.search_space import contains, count_retrained_trials, make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.console.data_warnings import print_data_warnings
from study.console.time_left import get_network

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.lifecycle.epoch_timing import NetworkCost

_TIMING_STATUS = "timing a few steps"

COLUMNS = ("trials", "max epochs", "s/epoch", "disk MB")

LoadCells = Callable[[], "BloodCells"]


class CostEstimate(NamedTuple):
    """Cost of one configuration's trials.

    Attributes:
        configuration: Name of the configuration.
        n_trials: Number of trials.
        total_epochs: Maximum number of epochs, summed over its trials.
        epoch_duration_s: Seconds per epoch on the cores of one trial.
        disk_bytes: Bytes that its trials leave in the study's folder.
    """

    configuration: str
    n_trials: int
    total_epochs: int
    epoch_duration_s: float
    disk_bytes: int


def print_dry_run(config: GridConfig | SearchConfig, load_cells: LoadCells) -> None:
    """Print the plan of a study to standard output, and then its maximum cost.

    Args:
        config: Settings of the study.
        load_cells: Function that loads the data of the study.
    """
    cells = _load_checked(config, load_cells)
    console = Console(highlight=False)
    if isinstance(config, GridConfig):
        _print_grid_plan(console, config, cells)
    else:
        _print_search_plan(console, config, cells)
    _print_trial_resources(console, config, cells)


def _print_trial_resources(
    console: Console, config: GridConfig | SearchConfig, cells: "BloodCells"
) -> None:
    from study.lifecycle.trial_resources import describe_trial_resources, resolve_gpu_shares

    config = resolve_gpu_shares(config, cells)
    cluster: AbstractContextManager[None] = nullcontext()
    if config.address is not None:
        from study.runtime.session import join_briefly

        cluster = join_briefly(config.address)
    with cluster:
        lines = list(describe_trial_resources(config))
    for line in lines:
        console.print(line, markup=False)


def _print_grid_plan(console: Console, config: GridConfig, cells: "BloodCells") -> None:
    """Print a row per configuration, and the total trials, epochs, disk space and time."""
    name_width = max(map(len, ("configuration", *config.configurations)))
    _print_row(console, f"{'configuration':<{name_width}}", COLUMNS, style="bold")
    costs = []
    with console.status(_TIMING_STATUS) as status:
        for cost in _estimate_costs(config, cells, status):
            numbers = (
                f"{cost.n_trials}",
                f"{cost.total_epochs}",
                f"{cost.epoch_duration_s:.1f}",
                f"{cost.disk_bytes / 1e6:.0f}",
            )
            _print_row(console, f"{cost.configuration:<{name_width}}", numbers)
            costs.append(cost)
    trials, epochs, megabytes = (
        sum(cost.n_trials for cost in costs),
        sum(cost.total_epochs for cost in costs),
        sum(cost.disk_bytes for cost in costs) / 1e6,
    )
    at_once = _estimate_concurrency(config, trials)
    seconds = sum(cost.total_epochs * cost.epoch_duration_s for cost in costs) / at_once
    patient = all(
        trial.config["patience"] >= trial.config["max_epochs"] for trial in config.plan_trials()
    )
    sooner = "" if patient else "Early stopping usually ends trials sooner. "
    console.print(
        f"{format_count(trials, 'trial')} in {config.location}: at most "
        f"{format_count(epochs, 'epoch')}, {megabytes:.0f} MB and {format_duration(seconds)}, with "
        f"{at_once} in parallel on this machine's CPU. "
        f"{sooner}{_describe_data(cells)}",
        markup=False,
    )


def _load_checked(config: GridConfig | SearchConfig, load_cells: LoadCells) -> "BloodCells":
    """Load the data, and check that the study can be trained on them."""
    cells = load_cells()
    # Imports NumPy, which should not delay the first line of the output.
    from study.lifecycle.data_check import check_data

    check_data(config, cells)
    return cells


def _print_row(console: Console, name: str, texts: Iterable[str], *, style: str = "") -> None:
    """Print one row immediately, which rich's tables cannot do."""
    columns = (f"{text:>{len(heading)}}" for text, heading in zip(texts, COLUMNS, strict=True))
    console.print("  ".join((name, *columns)), style=style, markup=False, soft_wrap=True)


def _estimate_costs(
    config: GridConfig, cells: "BloodCells", status: Status
) -> Iterator[CostEstimate]:
    """Yield the cost of each configuration's trials."""
    from bloodnets.data.folds import select_fold

    trials = config.plan_trials()
    cells = select_fold(cells, TrialConfig.from_dict(trials[0].config))
    prediction_bytes = (len(cells.val.labels) + len(cells.test.labels)) * (
        4 * cells.shape.n_classes + 1
    )
    configs = {
        name: [TrialConfig.from_dict(t.config) for t in trials if t.configuration == name]
        for name in config.configurations
    }
    first_configs = [replicates[0] for replicates in configs.values()]
    costs = _measure_costs(first_configs, cells, config.cpus_per_trial, status)
    for (name, replicates), cost in zip(configs.items(), costs, strict=True):
        yield CostEstimate(
            configuration=name,
            n_trials=len(replicates),
            total_epochs=sum(trial.max_epochs for trial in replicates),
            epoch_duration_s=cost.epoch_duration_s,
            disk_bytes=len(replicates) * (cost.weight_bytes + prediction_bytes),
        )


def _measure_costs(
    configs: Iterable[TrialConfig], cells: "BloodCells", threads: int, status: Status
) -> Iterator["NetworkCost"]:
    """Yield the cost per trial of each configuration; each network is timed once."""
    from study.lifecycle.epoch_timing import measure_network_cost

    costs: dict[Hashable, NetworkCost] = {}
    for config in configs:
        network = get_network(config.to_dict())
        if network not in costs:
            status.update(f"{_TIMING_STATUS}: {label(config.family)}")
            costs[network] = measure_network_cost(config, cells, threads)
        yield costs[network]


def _print_search_plan(console: Console, config: SearchConfig, cells: "BloodCells") -> None:
    """Print the search space, and then the maximum number of epochs and time."""
    search = config.search
    baselines = make_baseline_configs(search)
    first = [name for name, known in baselines.items() if contains(known, search)]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in (
        *describe_search_settings(search),
        ("Initial trials", ", ".join(first) or f"none ({', '.join(baselines)}: outside the space)"),
    ):
        table.add_row(name, value)
    console.print(table)
    with console.status(_TIMING_STATUS) as status:
        costs = _measure_costs(baselines.values(), cells, config.cpus_per_trial, status)
        epoch_s = max(cost.epoch_duration_s for cost in costs)
    again = count_retrained_trials(search)
    epochs = (search.n_trials + again) * search.max_epochs
    at_once = _estimate_concurrency(config, search.n_trials)
    console.print(
        f"{format_count(search.n_trials, 'trial')} and at most {again} confirmation trials in "
        f"{config.location}: at most {format_count(epochs, 'epoch')} and "
        f"{format_duration(epochs * epoch_s / at_once)}, with {at_once} in parallel on this "
        f"machine's CPU. ASHA usually saves most of the search's epochs. "
        f"{_describe_data(cells)}",
        markup=False,
    )


def _describe_data(cells: "BloodCells") -> str:
    """Return the short name of the data, after printing warnings about them to standard error."""
    from study.datasets.data_record import make_data_record

    data = make_data_record(cells)
    print_data_warnings(data, quiet=False)
    return make_data_label(data).short


def _estimate_concurrency(config: GridConfig | SearchConfig, n_trials: int) -> int:
    from study.runtime.cores import count_available_cores

    max_parallel = max(1, count_available_cores() // config.cpus_per_trial)
    return min(max_parallel, config.max_concurrent or max_parallel, n_trials)
