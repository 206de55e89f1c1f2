"""Benchmark how time grows with the number of trials, epochs, configurations and seeds.

Trials are empty: they report, write small files and end without training. Everything else is as in
a real study (`measured.py`), on one node with two slots. Reports are made from synthetic studies.

Growth is the time per added unit from the middle size to the large one, divided by that from the
small size to the middle one. Fixed costs cancel in both.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord
from reports.page.publish import write_report
from study.runtime.session import redirect_output
from tests.benchmarks import measured
from tests.benchmarks.figures import Measurement, compute_ratio, run_benchmark
from tests.benchmarks.measured import (
    Meter,
    UsageSample,
    make_study_config,
    sample_usage,
    start_local_cluster,
)
from tests.benchmarks.sleeping import SleepConfig
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix

WORKLOAD_SIZES = (10, 100, 1000)
"""Numbers of trials, and of epochs."""

REPORT_SIZES = {"configurations": (8, 80, 160), "seeds": (8, 120, 240)}
REPORT_SIZES_FULL = {"configurations": (8, 160, 1000), "seeds": (8, 160, 1000)}
"""Numbers of trials in reported studies, far enough apart to differ by seconds."""

MAX_GROWTH_RATIO = 1.3
"""Largest allowed ratio of the times per added unit."""

SLOTS = measured.NODE_CPUS


@dataclass(frozen=True, slots=True)
class Duration:
    """Elapsed time and CPU time of some work.

    Attributes:
        wall_s: Elapsed time, in seconds.
        cpu_s: CPU time of this process, all threads, in seconds.
    """

    wall_s: float
    cpu_s: float

    @classmethod
    def from_samples(cls, first: UsageSample, last: UsageSample) -> "Duration":
        return cls(last.clock_s - first.clock_s, last.cpu_s - first.cpu_s)


ConfigOverrides = Mapping[str, Mapping[str, float]]
DurationsBySize = Mapping[int, Sequence[Duration]]
"""Durations by size, one per round; the sizes of a round are measured one after another."""


class FirstReportMeter(Meter):
    """Meter that also samples usage at the first report, when processes have started."""

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        if not self.n_reports:
            self.first_report = sample_usage()
        super().on_epoch(trial_id, epoch, best_val_macro_f1=best_val_macro_f1, restored=restored)


def measure(full: bool) -> Iterator[Measurement]:
    rounds = 3 if full else 1
    with tempfile.TemporaryDirectory() as name, start_local_cluster(1) as ray_cluster:
        folders = (Path(name) / str(number) for number in count())

        def run_study(trials: int, epochs: int) -> Duration:
            """Measure a study of empty trials, from the first report to the last ledger entry."""
            folder = next(folders)
            study, sleep = measured.make_grid(folder, trials), SleepConfig(epochs=epochs, epoch_s=0)
            config = make_study_config(ray_cluster.address, concurrency=SLOTS)
            with redirect_output(Path(os.devnull)):  # hide Tune's output
                meter = measured.run_study(
                    study,
                    folder / "s",
                    sleep,
                    config,
                    is_terminal=True,
                    meter_class=FirstReportMeter,
                )
            assert isinstance(meter, FirstReportMeter)
            assert (len(meter.end_samples), meter.n_reports) == (trials, trials * epochs)
            return Duration.from_samples(meter.first_report, meter.end_samples[-1])

        yield from summarize_trials(
            measure_rounds(WORKLOAD_SIZES, rounds, lambda trials: run_study(trials, 10))
        )
        yield from summarize_epochs(
            measure_rounds(WORKLOAD_SIZES, rounds, lambda epochs: run_study(SLOTS, epochs))
        )
    yield from measure_reports(REPORT_SIZES_FULL if full else REPORT_SIZES)


def measure_rounds(
    sizes: Sequence[int], rounds: int, function: Callable[[int], Duration]
) -> DurationsBySize:
    """Measure the duration of `function` at each size, round by round."""
    durations = [{size: function(size) for size in sizes} for _ in range(rounds)]
    return {size: [durations_by_size[size] for durations_by_size in durations] for size in sizes}


def summarize_trials(durations: DurationsBySize) -> Iterator[Measurement]:
    """Yield the figures of studies with increasing numbers of trials of ten epochs."""
    max_trials = max(durations)
    wall_s, cpu_s = compute_medians(durations[max_trials])
    label = f"{max_trials:,} empty trials of 10 epochs"
    detail = f"{1e3 * cpu_s / max_trials:.0f} ms of the driver's CPU time; {SLOTS} slots"
    yield Measurement(
        what=f"{label}: elapsed time per trial",
        value=1e3 * wall_s / max_trials,
        unit="ms",
        at_most=250,
        detail=detail,
    )
    yield Measurement(
        what=f"{label}: rate of results",
        value=10 * max_trials / wall_s,
        unit="per second",
        at_least=20,
    )
    yield compute_growth("growth of time with the number of trials", "per trial", durations)


def summarize_epochs(durations: DurationsBySize) -> Iterator[Measurement]:
    """Yield the figures of studies with one trial per slot and increasing numbers of epochs."""
    max_epochs = max(durations)
    wall_s, cpu_s = compute_medians(durations[max_epochs])
    yield Measurement(
        what=f"{SLOTS} empty trials of {max_epochs:,} epochs: elapsed time per epoch of each",
        value=1e3 * wall_s / max_epochs,
        unit="ms",
        detail=f"{1e3 * cpu_s / max_epochs:.1f} ms of the driver's CPU time",
    )
    yield compute_growth("growth of time with the number of epochs", "per epoch of each", durations)


def measure_reports(sizes_by_kind: Mapping[str, Sequence[int]]) -> Iterator[Measurement]:
    """Yield the figures of reports, from the ledger to the written page."""
    for kind, make_matrices in (
        ("configurations", make_many_configurations),
        ("seeds", make_many_seeds),
    ):
        sizes = sizes_by_kind[kind]
        with tempfile.TemporaryDirectory() as name:
            for size in sizes:
                study_matrices, overrides = make_matrices(size)
                grid_builder.build_grid(
                    Path(name) / str(size), study_matrices, config_overrides=overrides
                )
            measure_report(Path(name) / str(sizes[0]))  # warm-up: imports, files read once
            durations = measure_rounds(
                sizes, 1, lambda size: measure_report(Path(name) / str(size))
            )
        wall_s, cpu_s = compute_medians(durations[sizes[-1]])
        yield Measurement(
            what=f"report of {sizes[-1]:,} trials ({kind})",
            value=wall_s,
            unit="s",
            detail=f"{cpu_s:.1f} s of CPU time; {sizes[0]} trials: "
            f"{compute_medians(durations[sizes[0]])[0]:.1f} s",
        )
        yield compute_growth(
            f"growth of report time with the number of {kind}", "per trial", durations
        )


def compute_growth(label: str, per_unit: str, durations: DurationsBySize) -> Measurement:
    """Return the time per added unit at large sizes, relative to that at small sizes."""
    small, middle, large = sorted(durations)
    early_s = compute_step_s(durations[small], durations[middle], middle - small)
    late_s = compute_step_s(durations[middle], durations[large], large - middle)
    value, spread = compute_ratio(late_s, early_s)
    slopes = f"{1e3 * median(early_s):.1f} and {1e3 * median(late_s):.1f} ms {per_unit}"
    sizes_text = f"{small} to {middle} and {middle} to {large:,}"
    return Measurement(
        what=label,
        value=value,
        at_most=MAX_GROWTH_RATIO,
        detail=f"{sizes_text}: {slopes}; {spread}",
    )


def compute_step_s(
    shorter: Sequence[Duration], longer: Sequence[Duration], size_difference: int
) -> list[float]:
    """Return the seconds per added unit, by round."""
    return [(b.wall_s - a.wall_s) / size_difference for a, b in zip(shorter, longer, strict=True)]


def compute_medians(durations: Sequence[Duration]) -> tuple[float, float]:
    """Return the median elapsed time and the median CPU time, in seconds."""
    return median(duration.wall_s for duration in durations), median(
        each.cpu_s for each in durations
    )


def measure_report(study: Path) -> Duration:
    """Write a study's report, and return the duration."""
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    write_report(Ledger(study))
    return Duration(time.monotonic() - start_s, time.process_time() - start_cpu_s)


def make_many_configurations(
    n_trials: int,
) -> tuple[dict[str, list[ConfusionMatrix]], ConfigOverrides]:
    """Return matrices and settings of `n_trials` configurations, which all differ."""
    published = list(grid_builder.make_published_matrices().values())
    names = [f"configuration-{number}" for number in range(n_trials)]
    matrices = {
        name: [grid_builder.worsen_matrix(published[number % 8][0], n_moved=number // 8)]
        for number, name in enumerate(names)
    }
    return matrices, {name: {"learning_rate": 1e-6 * (i + 1)} for i, name in enumerate(names)}


def make_many_seeds(n_trials: int) -> tuple[dict[str, list[ConfusionMatrix]], ConfigOverrides]:
    """Return matrices of two configurations with `n_trials // 2` seeds each."""
    published = grid_builder.make_published_matrices()
    matrices = {
        name: [
            grid_builder.worsen_matrix(published[name][0], n_moved=seed % 40)
            for seed in range(n_trials // 2)
        ]
        for name in ("mlnn-config-1", "cnn-config-1")
    }
    return matrices, {}


if __name__ == "__main__":
    run_benchmark(measure)
