"""Compare two trials of one thread each with one trial of two threads: why a slot is one core."""

import statistics
from collections.abc import Iterator

from study.configs.presets import PUBLISHED
from study.lifecycle.concurrency import TrialPool
from tests.benchmarks.figures import Measurement, compute_ratio, run_benchmark

DURATION_S = 1.0
CONFIGURATIONS = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1", "cnn-config-2")


def measure_rates(pool: TrialPool, name: str) -> tuple[float, float]:
    """Return the images per second of two trials on a core each, and of one trial on two cores."""
    two_trials, one_trial = (
        pool.measure(PUBLISHED[name], 2 // threads, threads=threads, duration_s=DURATION_S)
        for threads in (1, 2)
    )
    return two_trials.images_per_s, one_trial.images_per_s


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures of each configuration; both variants take turns on the same two cores."""
    with TrialPool("cpu", 2) as pool:
        for name in CONFIGURATIONS:
            rates = [measure_rates(pool, name) for _ in range(21 if full else 7)][1:]
            two_trial_rates, one_trial_rates = zip(*rates, strict=True)
            value, spread = compute_ratio(two_trial_rates, one_trial_rates)
            yield Measurement(
                what=f"{name}: images per second of two trials with one thread each, relative to "
                "one trial with two",
                value=value,
                at_least=1.0,
                detail=f"{statistics.median(two_trial_rates):.0f} and "
                f"{statistics.median(one_trial_rates):.0f}; {spread}",
            )


if __name__ == "__main__":
    run_benchmark(measure)
