"""Shared code of the benchmarks: figures with targets, host information, tables and JSON.

Run a single script with, for example, `python -m tests.benchmarks.loop`, and all scripts with
`make bench`. The option `--full` runs them longer.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from study.runtime.cores import read_cpu_model

LIBRARIES = ("torch", "ray", "optuna", "numpy", "scikit-learn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Measured figure with its target.

    Attributes:
        what: Name of the figure, in words.
        value: Measured value; the median if it was measured several times.
        unit: Unit of the value; empty for a ratio.
        at_least: Target if more is better; None if there is none.
        at_most: Target if less is better; None if there is none.
        detail: Method and spread of the measurement, in words.
    """

    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the value meets its target; None if there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def compute_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, str]:
    """Return the median of the rounds' ratios, and their range in words.

    Both sides of a round must be measured back to back: on a shared machine, their ratio is more
    stable than either value.
    """
    ratios = [a / b for a, b in zip(numerators, denominators, strict=True)]
    if len(ratios) == 1:
        return ratios[0], "one round"
    return statistics.median(
        ratios
    ), f"{len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}"


def measure_duration_s(function: Callable[[], object]) -> float:
    """Return the elapsed time of a call of `function`, in seconds."""
    start_s = time.perf_counter()
    function()
    return time.perf_counter() - start_s


def collect_host_info() -> dict[str, Any]:
    """Return date, hardware, load and versions of this measurement."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": f"{os.cpu_count()} cores of an {read_cpu_model()}",
        "memory": f"{memory:.0f} GiB",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "load": round(os.getloadavg()[0], 1),
        "versions": {"python": platform.python_version()} | {n: version(n) for n in LIBRARIES},
    }


def format_host_info(host_info: Mapping[str, Any]) -> str:
    """Format the result of `collect_host_info` as one line."""
    versions = ", ".join(f"{name} {number}" for name, number in host_info["versions"].items())
    return (
        f"{host_info['measured_at'][:10]}, {host_info['processor']}, {host_info['memory']}, GPU: "
        f"{host_info['gpu']}; {versions}"
    )


def format_table(measurements: Sequence[Measurement]) -> str:
    """Format the figures as a Markdown table."""
    lines = ["| figure | value | target | method |", "|---|--:|--:|---|"]
    for measurement in measurements:
        value = f"{format_number(measurement.value)} {measurement.unit}".rstrip()
        value_text = f"**{value} (misses the target)**" if measurement.is_met is False else value
        lines.append(
            f"| {measurement.what} | {value_text} | {format_bound(measurement)} | "
            f"{measurement.detail} |"
        )
    return "\n".join(lines)


def format_bound(measurement: Measurement) -> str:
    """Format the target, for example as `≥ 0.95`."""
    if measurement.at_least is not None:
        return f"≥ {format_number(measurement.at_least)}"
    return "" if measurement.at_most is None else f"≤ {format_number(measurement.at_most)}"


def format_number(value: float) -> str:
    """Format a number with three significant digits; from 100, as an integer."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def run_benchmark(measure: Callable[[bool], Iterator[Measurement]]) -> None:
    """Run one script: print each figure once measured, then the table, and write JSON if asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="run longer, with all variants")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    host_info, measurements, start_s = collect_host_info(), [], time.perf_counter()
    for measurement in measure(options.full):
        measurements.append(measurement)
        value = f"{format_number(measurement.value)} {measurement.unit} {format_bound(measurement)}"
        print(f"{measurement.what}: {value}\n    {measurement.detail}", flush=True)
    duration_s = time.perf_counter() - start_s
    print(f"\n{format_table(measurements)}\n\n{format_host_info(host_info)}\n{duration_s:.0f} s")
    if options.json:
        rows = [asdict(figure) for figure in measurements]
        options.json.write_text(json.dumps(host_info | {"figures": rows}, indent=1) + "\n")
    sys.exit(any(figure.is_met is False for figure in measurements))
