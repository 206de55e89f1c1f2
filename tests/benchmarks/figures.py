"""What the benchmarks have in common: a figure beside its bar, the machine, a table, JSON.

Each script of this folder is run by itself (`python -m tests.benchmarks.loop`), all of them by
`make bench`; with `--full`, longer.
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

from study.lifecycle.study_record import _cpu_model

LIBRARIES = ("torch", "ray", "optuna", "numpy", "scikit-learn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured.

    Attributes:
        what: in words.
        value: the median, where it was measured several times.
        unit: of the value; empty for a ratio.
        at_least: the bar, where more is better; None for none.
        at_most: the bar, where less is better; None for none.
        detail: how it was measured, and how far it spread.
    """

    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value comes up to its bar; None where there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, str]:
    """The median of the rounds' ratios, and their range in words.

    Both sides of a round were measured one right after the other: on a machine that others use too,
    the speed of a minute says little, the ratio within it more.
    """
    each = [a / b for a, b in zip(above, below, strict=True)]
    if len(each) == 1:
        return each[0], "one round"
    return statistics.median(each), f"{len(each)} rounds, {min(each):.2f} to {max(each):.2f}"


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def about() -> dict[str, Any]:
    """When and on what figures were measured."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": f"{os.cpu_count()} cores of an {_cpu_model()}",
        "memory": f"{memory:.0f} GiB",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "load": round(os.getloadavg()[0], 1),
        "versions": {"python": platform.python_version()} | {n: version(n) for n in LIBRARIES},
    }


def about_words(known: Mapping[str, Any]) -> str:
    """A line of `about`."""
    versions = ", ".join(f"{name} {number}" for name, number in known["versions"].items())
    return (
        f"{known['measured_at'][:10]}, {known['processor']}, {known['memory']}, GPU: "
        f"{known['gpu']}; {versions}"
    )


def table(figures: Sequence[Figure]) -> str:
    """The figures as Markdown."""
    lines = ["| what | figure | wanted | how |", "|---|--:|--:|---|"]
    for figure in figures:
        value = f"{number(figure.value)} {figure.unit}".rstrip()
        shown = f"**{value}, short of it**" if figure.met is False else value
        lines.append(f"| {figure.what} | {shown} | {wanted(figure)} | {figure.detail} |")
    return "\n".join(lines)


def wanted(figure: Figure) -> str:
    """The bar in words."""
    if figure.at_least is not None:
        return f"≥ {number(figure.at_least)}"
    return "" if figure.at_most is None else f"≤ {number(figure.at_most)}"


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main(measure: Callable[[bool], Iterator[Figure]]) -> None:
    """Run one script's measurements: print each figure as it comes, then the table, and JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="longer, and all variants")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    known, found, began = about(), [], time.perf_counter()
    for figure in measure(options.full):
        found.append(figure)
        value = f"{number(figure.value)} {figure.unit} {wanted(figure)}"
        print(f"{figure.what}: {value}\n    {figure.detail}", flush=True)
    took_s = time.perf_counter() - began
    print(f"\n{table(found)}\n\n{about_words(known)}\n{took_s:.0f} s")
    if options.json:
        figures = [asdict(figure) for figure in found]
        options.json.write_text(json.dumps(known | {"figures": figures}, indent=1) + "\n")
    sys.exit(any(figure.met is False for figure in found))
