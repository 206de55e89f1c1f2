"""What a study would cost, before it starts: `--dry-run`.

The plan is printed at once. The data are loaded after that, and PyTorch is imported after that.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.status import Status
from rich.table import Table

from bloodnets.config import Family, Precision, TrialConfig
from reports.format.text import describe_search_settings, label, make_data_label
from reports.format.units import format_count
from study.configs.search_space import contains, make_baseline_configs
from study.configs.study_config import GridConfig, SearchConfig
from study.console.format import format_duration

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.lifecycle.epoch_timing import NetworkCost

_TIMING_STATUS = "timing a few steps"

COLUMNS = ("trials", "epochs at most", "s an epoch", "disk MB")

LoadCells = Callable[[], "BloodCells"]


class NetworkShape(NamedTuple):
    """What the time of a training step depends on; the other settings matter little.

    Attributes:
        family: Network family.
        width: First-stage channels of a residual network; None for the others.
        batch_size: Images per step.
        precision: Precision of matrix products.
    """

    family: Family
    width: int | None
    batch_size: int
    precision: Precision

    @classmethod
    def from_config(cls, config: TrialConfig) -> "NetworkShape":
        """Return the shape of a configuration."""
        return cls(config.family, config.width, config.batch_size, config.precision)


class CostEstimate(NamedTuple):
    """The cost of one configuration's trials.

    Attributes:
        configuration: Name of the configuration.
        n_trials: Number of trials.
        total_epochs: Maximum number of epochs of all its trials together.
        epoch_duration_s: Seconds per epoch with the cores of one trial.
        disk_bytes: Bytes that its trials leave in the study's folder.
    """

    configuration: str
    n_trials: int
    total_epochs: int
    epoch_duration_s: float
    disk_bytes: int


def print_dry_run(config: GridConfig | SearchConfig, load_cells: LoadCells) -> None:
    """Print to standard output what a study would do, and then what it would cost at most.

    Args:
        config: Settings of the study.
        load_cells: Function that loads the data of the study.
    """
    console = Console(highlight=False)
    if isinstance(config, GridConfig):
        _print_grid_plan(console, config, load_cells)
    else:
        _print_search_plan(console, config, load_cells)


def _print_grid_plan(console: Console, config: GridConfig, load_cells: LoadCells) -> None:
    """Print a row per configuration, and trials, epochs, disk space and time of all."""
    name_width = max(map(len, ("configuration", *config.configurations)))
    _print_row(console, f"{'configuration':<{name_width}}", COLUMNS, style="bold")
    cells = load_cells()
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
    sooner = "" if patient else "Early stopping usually ends sooner. "
    console.print(
        f"{format_count(trials, 'trial')} into {config.location}: at most "
        f"{format_count(epochs, 'epoch')}, {megabytes:.0f} MB, and {format_duration(seconds)} with "
        f"{at_once} at once on this machine's CPU. "
        f"{sooner}{_describe_data(cells)}",
        markup=False,
    )


def _print_row(console: Console, name: str, texts: Iterable[str], *, style: str = "") -> None:
    """Print one row as soon as it is known, which rich's tables cannot do."""
    columns = (f"{text:>{len(heading)}}" for text, heading in zip(texts, COLUMNS, strict=True))
    console.print("  ".join((name, *columns)), style=style, markup=False, soft_wrap=True)


def _estimate_costs(
    config: GridConfig, cells: "BloodCells", status: Status
) -> Iterator[CostEstimate]:
    """Yield what the trials of each configuration cost."""
    trials = config.plan_trials()
    prediction_bytes = (len(cells.val.labels) + len(cells.test.labels)) * (8 * 4 + 1)
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
    """Yield what a trial of each configuration costs; of each shape, one network is timed."""
    from study.lifecycle.epoch_timing import measure_network_cost

    costs: dict[NetworkShape, NetworkCost] = {}
    for config in configs:
        shape = NetworkShape.from_config(config)
        if shape not in costs:
            status.update(f"{_TIMING_STATUS}: {label(shape.family)}")
            costs[shape] = measure_network_cost(config, cells, threads)
        yield costs[shape]


def _print_search_plan(console: Console, config: SearchConfig, load_cells: LoadCells) -> None:
    """Print the search space, and then the time that the search would take."""
    search = config.search
    baselines = make_baseline_configs(search)
    first = [name for name, known in baselines.items() if contains(known, search)]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in (
        *describe_search_settings(search),
        ("First", ", ".join(first) or f"none of {', '.join(baselines)}: outside the space"),
    ):
        table.add_row(name, value)
    console.print(table)
    cells = load_cells()
    with console.status(_TIMING_STATUS) as status:
        costs = _measure_costs(baselines.values(), cells, config.cpus_per_trial, status)
        epoch_s = max(cost.epoch_duration_s for cost in costs)
    # Beside the best, the best with a name; all of them if the search can't tell.
    baseline = 1 if first else len(baselines)
    again = (search.retrain_top + baseline) * search.retrain_seeds if search.retrain_top else 0
    epochs = (search.n_trials + again) * search.max_epochs
    at_once = _estimate_concurrency(config, search.n_trials)
    console.print(
        f"{format_count(search.n_trials, 'trial')} and at most {again} of the confirmation into "
        f"{config.location}: at most {format_count(epochs, 'epoch')}, and "
        f"{format_duration(epochs * epoch_s / at_once)} with {at_once} at once on this machine's "
        f"CPU. ASHA spares most of the search's share. "
        f"{_describe_data(cells)}",
        markup=False,
    )


def _describe_data(cells: "BloodCells") -> str:
    from study.datasets.data_record import make_data_record

    return make_data_label(make_data_record(cells)).short


def _estimate_concurrency(config: GridConfig | SearchConfig, n_trials: int) -> int:
    from study.runtime.cores import count_available_cores

    max_parallel = max(1, count_available_cores() // config.cpus_per_trial)
    return min(max_parallel, config.max_concurrent or max_parallel, n_trials)
