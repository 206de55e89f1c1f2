"""Time against the number of trials, of epochs and of seeds: does ten times as much take ten times.

Trials are empty: they report, write small files and end, as trials do, and train nothing. All else
is a study's own (`measured.py`), on one node of two slots. Reports are made of synthetic studies.

Linearity is what the step from the middle size to the large one takes apiece, over what the step
from the small size to the middle one takes: what a study takes once is in neither.
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
from study.runtime.session import output_to
from tests import synthetic
from tests.benchmarks import measured
from tests.benchmarks.figures import Figure, main, ratio
from tests.benchmarks.measured import Meter, Moment, cluster, moment, settings
from tests.benchmarks.sleeping import Sleep
from tests.synthetic import Matrix

SIZES = (10, 100, 1000)
"""Trials, and then epochs."""

REPORTS = {"configurations": (8, 80, 160), "seeds": (8, 120, 240)}
REPORTS_FULL = {"configurations": (8, 160, 1000), "seeds": (8, 160, 1000)}
"""Trials of the studies of which a report is made, far enough apart to differ by seconds."""

LINEAR = 1.3
"""At most, of the two steps."""

SLOTS = measured.NODE_CPUS


@dataclass(frozen=True, slots=True)
class Taken:
    """What something took.

    Attributes:
        wall_s: on the clock.
        cpu_s: of this process, all threads.
    """

    wall_s: float
    cpu_s: float

    @classmethod
    def between(cls, first: Moment, last: Moment) -> "Taken":
        return cls(last.at_s - first.at_s, last.cpu_s - first.cpu_s)


Changes = Mapping[str, Mapping[str, float]]
Rounds = Mapping[int, Sequence[Taken]]
"""What each size took, in each round: the sizes of a round were measured one after the other."""


class FromFirstReport(Meter):
    """Looks at the clock when the first report comes, too: processes have started by then."""

    def epoch(self, trial_id: str, epoch: EpochRecord, *, again: bool) -> None:
        if not self.reports:
            self.first = moment()
        super().epoch(trial_id, epoch, again=again)


def measure(full: bool) -> Iterator[Figure]:
    rounds = 3 if full else 1
    with tempfile.TemporaryDirectory() as name, cluster(1) as made:
        folders = (Path(name) / str(number) for number in count())

        def run(trials: int, epochs: int) -> Taken:
            """A study of empty trials, from the first report until the last trial is entered."""
            folder = next(folders)
            plan, sleep = measured.plan(folder, trials), Sleep(epochs=epochs, epoch_s=0)
            config = settings(made.address, at_once=SLOTS)  # as on one machine
            with output_to(Path(os.devnull)):  # what Tune says
                meter = measured.run(
                    plan, folder / "s", sleep, config, screen=True, meter=FromFirstReport
                )
            assert isinstance(meter, FromFirstReport)
            assert (len(meter.ends), meter.reports) == (trials, trials * epochs)
            return Taken.between(meter.first, meter.ends[-1])

        yield from of_trials(each(SIZES, rounds, lambda trials: run(trials, 10)))
        yield from of_epochs(each(SIZES, rounds, lambda epochs: run(SLOTS, epochs)))
    yield from of_reports(REPORTS_FULL if full else REPORTS)


def each(sizes: Sequence[int], rounds: int, work: Callable[[int], Taken]) -> Rounds:
    """What the work takes at each size, round by round."""
    taken = [{size: work(size) for size in sizes} for _ in range(rounds)]
    return {size: [found[size] for found in taken] for size in sizes}


def of_trials(rounds: Rounds) -> Iterator[Figure]:
    """Figures of studies with more and more trials of ten epochs."""
    most = max(rounds)
    wall_s, cpu_s = medians(rounds[most])
    what = f"{most:,} empty trials of 10 epochs"
    detail = f"{1e3 * cpu_s / most:.0f} ms of the driver's processor; {SLOTS} slots"
    yield Figure(
        what=f"{what}: on the clock, a trial",
        value=1e3 * wall_s / most,
        unit="ms",
        at_most=250,
        detail=detail,
    )
    yield Figure(what=f"{what}: results", value=10 * most / wall_s, unit="a second", at_least=20)
    yield linear("time against number of trials", "a trial", rounds)


def of_epochs(rounds: Rounds) -> Iterator[Figure]:
    """Figures of studies with one trial a slot, of more and more epochs."""
    most = max(rounds)
    wall_s, cpu_s = medians(rounds[most])
    yield Figure(
        what=f"{SLOTS} empty trials of {most:,} epochs: on the clock, an epoch of each",
        value=1e3 * wall_s / most,
        unit="ms",
        detail=f"{1e3 * cpu_s / most:.1f} ms of the driver's processor",
    )
    yield linear("time against number of epochs", "an epoch of each", rounds)


def of_reports(reports: Mapping[str, Sequence[int]]) -> Iterator[Figure]:
    """Figures of reports, from the ledger to the written page."""
    for what, matrices in (("configurations", many_configurations), ("seeds", many_seeds)):
        sizes = reports[what]
        with tempfile.TemporaryDirectory() as name:
            for size in sizes:
                made, changes = matrices(size)
                synthetic.build(Path(name) / str(size), made, changes=changes)
            report(Path(name) / str(sizes[0]))  # what is imported and read once
            rounds = each(sizes, 1, lambda size: report(Path(name) / str(size)))
        wall_s, cpu_s = medians(rounds[sizes[-1]])
        yield Figure(
            what=f"report of {sizes[-1]:,} trials, {what}",
            value=wall_s,
            unit="s",
            detail=f"{cpu_s:.1f} s of the processor; {sizes[0]} trials: "
            f"{medians(rounds[sizes[0]])[0]:.1f} s",
        )
        yield linear(f"report's time against number of {what}", "a trial", rounds)


def linear(what: str, apiece: str, rounds: Rounds) -> Figure:
    """How much more the last of many takes than the first."""
    small, middle, large = sorted(rounds)
    early = steps(rounds[small], rounds[middle], middle - small)
    late = steps(rounds[middle], rounds[large], large - middle)
    value, spread = ratio(late, early)
    slopes = f"{1e3 * median(early):.1f} and {1e3 * median(late):.1f} ms {apiece}"
    sizes = f"{small} to {middle} and {middle} to {large:,}"
    return Figure(what=what, value=value, at_most=LINEAR, detail=f"{sizes}: {slopes}; {spread}")


def steps(below: Sequence[Taken], above: Sequence[Taken], apart: int) -> list[float]:
    """Seconds apiece, by round."""
    return [(b.wall_s - a.wall_s) / apart for a, b in zip(below, above, strict=True)]


def medians(taken: Sequence[Taken]) -> tuple[float, float]:
    """Seconds on the clock, and of the processor."""
    return median(each.wall_s for each in taken), median(each.cpu_s for each in taken)


def report(study: Path) -> Taken:
    """Make a study's report."""
    began, began_cpu = time.monotonic(), time.process_time()
    write_report(Ledger(study))
    return Taken(time.monotonic() - began, time.process_time() - began_cpu)


def many_configurations(trials: int) -> tuple[dict[str, list[Matrix]], Changes]:
    """Matrices of so many configurations, and their settings; each differs from the others."""
    published = list(synthetic.published_matrices().values())
    names = [f"configuration-{number}" for number in range(trials)]
    matrices = {
        name: [synthetic.worse(published[number % 8][0], moved=number // 8)]
        for number, name in enumerate(names)
    }
    return matrices, {name: {"learning_rate": 1e-6 * (i + 1)} for i, name in enumerate(names)}


def many_seeds(trials: int) -> tuple[dict[str, list[Matrix]], Changes]:
    """Matrices of two configurations, half as many seeds each."""
    published = synthetic.published_matrices()
    matrices = {
        name: [synthetic.worse(published[name][0], moved=seed % 40) for seed in range(trials // 2)]
        for name in ("mlnn-config-1", "cnn-config-1")
    }
    return matrices, {}


if __name__ == "__main__":
    main(measure)
