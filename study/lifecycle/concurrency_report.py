"""Recommend resources per trial from a measurement, for `doctor --measure-concurrency`."""

from collections.abc import Iterator, Mapping

from rich.console import Console

from bloodnets.config import TrialConfig
from bloodnets.errors import ResourceError
from reports.format.text import label
from reports.format.units import format_count
from study.configs.presets import DEFAULT_GPUS_PER_TRIAL, PUBLISHED, RESNET
from study.console.phase import show_phase
from study.lifecycle.concurrency import Throughput, TrialPool
from study.runtime.cores import count_available_cores
from study.runtime.gpus import find_gpus

CONFIGS: tuple[TrialConfig, ...] = (PUBLISHED["mlnn-config-2"], PUBLISHED["cnn-config-2"], RESNET)
"""One configuration per family; Adam moves more bytes than SGD."""

MAX_TRIALS = 8
"""Maximum number of trials at the same time."""

DURATION_S = 2.0
"""Seconds for which each number of trials trains."""

MIN_SHARE_OF_BEST = 0.95
"""Share of the highest throughput that a recommended number of trials has at least.

Smaller differences are noise, and with fewer trials at the same time, each one is faster."""

_CELL_WIDTH = 20

Throughputs = Mapping[str, Mapping[int, Throughput]]
"""Results by family and by number of trials."""


def report_concurrency() -> Iterator[str]:
    """Measure trials on the first GPU of this host, or else on its CPU, and yield lines to print.

    The trials on a CPU share its cores equally. A number of trials that fails is not exceeded.
    """
    gpus, cores = find_gpus(), count_available_cores()
    device_type = "cuda" if gpus else "cpu"
    counts = list_trial_counts(cores)
    n_cores = counts[-1]
    device = f"one {gpus[0]}" if gpus else f"{format_count(n_cores, 'core')} of the CPU"
    yield f"Training speed and memory of trials that share {device}:"
    yield _format_row(
        "trials" if gpus else "trials x cores", [label(config.family) for config in CONFIGS]
    )
    results: dict[str, dict[int, Throughput]] = {config.family: {} for config in CONFIGS}
    failures: dict[str, str] = {}
    with TrialPool(device_type, counts[-1]) as pool:
        for n_trials in counts:
            threads = 1 if gpus else n_cores // n_trials
            for config in CONFIGS:
                if config.family not in failures:
                    measured = _measure(pool, config, n_trials, threads)
                    if isinstance(measured, str):
                        failures[config.family] = measured
                    else:
                        results[config.family][n_trials] = measured
            cells = [_format_cell(results[config.family].get(n_trials)) for config in CONFIGS]
            yield _format_row(str(n_trials) if gpus else f"{n_trials} x {threads}", cells)
    yield from failures.values()
    yield from describe_recommendation(results, n_cores=None if gpus else n_cores)


def list_trial_counts(n_cores: int) -> list[int]:
    """Return the numbers of trials to measure: powers of two, up to that of the cores.

    A trial needs a core, also on a GPU.
    """
    max_trials = min(n_cores, MAX_TRIALS)
    return [2**exponent for exponent in range(max_trials.bit_length())]


def recommend_trial_count(throughputs: Mapping[int, Throughput]) -> int:
    """Return the smallest number of trials whose throughput is close to the highest.

    Args:
        throughputs: Results by number of trials; at least one.
    """
    best = max(throughput.images_per_s for throughput in throughputs.values())
    return min(
        n_trials
        for n_trials, throughput in throughputs.items()
        if throughput.images_per_s >= MIN_SHARE_OF_BEST * best
    )


def describe_recommendation(results: Throughputs, *, n_cores: int | None) -> Iterator[str]:
    """Yield a line for each recommended value of an option.

    Args:
        results: Results of the measurement. A family without any is not named.
        n_cores: Cores that the trials on a CPU shared; None for trials on a GPU.
    """
    families_by_option: dict[str, list[str]] = {}
    for family, throughputs in results.items():
        if throughputs:
            n_trials = recommend_trial_count(throughputs)
            value, default = (
                (1 / n_trials, DEFAULT_GPUS_PER_TRIAL[family])
                if n_cores is None
                else (n_cores / n_trials, 1)
            )
            option = f"--{'gpus' if n_cores is None else 'cpus'}-per-trial {value:g}"
            option += " (the default)" if value == default else ""
            families_by_option.setdefault(option, []).append(label(family))
    for option, families in families_by_option.items():
        yield f"Recommended for {', '.join(families)}: {option}"


def _measure(pool: TrialPool, config: TrialConfig, n_trials: int, threads: int) -> Throughput | str:
    """Return the result of a measurement, or the reason why there is none."""
    trials = f"{format_count(n_trials, 'trial')} of {label(config.family)}"
    # Without a terminal, the lines of the table show the progress.
    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    try:
        with show_phase(console, f"training {trials} …"):
            return pool.measure(config, n_trials, threads=threads, duration_s=DURATION_S)
    except ResourceError as error:
        return f"{trials}: {error}"


def _format_row(first: str, cells: list[str]) -> str:
    return f"{first:<14}" + "".join(f"{cell:>{_CELL_WIDTH}}" for cell in cells)


def _format_cell(throughput: Throughput | None) -> str:
    if throughput is None:
        return "failed"
    gibibytes = throughput.memory_bytes / 2**30
    return f"{throughput.images_per_s:,.0f}/s, {gibibytes:.1f} GiB"
