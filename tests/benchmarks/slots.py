"""Compare two trials of one thread each with one trial of two threads: why a slot is one core."""

import multiprocessing
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import torch

from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.training.loop import train_epoch
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step
from study.configs.presets import PUBLISHED
from tests.benchmarks.figures import Measurement, compute_ratio, measure_duration_s, run_benchmark

STEPS_PER_REQUEST = 30
CONFIGURATIONS = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1", "cnn-config-2")


def serve_steps(name: str, threads: int, connection: Connection) -> None:
    """Train `STEPS_PER_REQUEST` steps on each request, and send the duration in seconds."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    config, cpu = PUBLISHED[name], torch.device("cpu")
    n_images = STEPS_PER_REQUEST * config.batch_size
    images = torch.randint(0, 256, (n_images, 28, 28, 3), dtype=torch.uint8)
    split = DeviceSplit(images, torch.randint(0, 8, (n_images,)))
    state = TrainingState.create(config, BLOODMNIST_SHAPE, cpu)
    step = make_training_step(state, config, split)
    train_epoch(state, config, step, split)
    while connection.recv():
        connection.send(measure_duration_s(lambda: train_epoch(state, config, step, split)))


class TrialProcess:
    """Process that trains on request."""

    def __init__(self, name: str, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child_connection = context.Pipe()
        self.process = context.Process(
            target=serve_steps, args=(name, threads, child_connection), daemon=True
        )

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.send(False)
        self.process.join()


def measure_step_rate(trials: list[TrialProcess]) -> float:
    """Return the total steps per second of trials that run at the same time."""
    for trial in trials:
        trial.connection.send(True)
    return sum(STEPS_PER_REQUEST / float(trial.connection.recv()) for trial in trials)


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures of each configuration; both variants take turns on the same two cores."""
    for name in CONFIGURATIONS:
        with ExitStack() as stack:
            two_trials = [stack.enter_context(TrialProcess(name, threads=1)) for _ in range(2)]
            one_trial = [stack.enter_context(TrialProcess(name, threads=2))]
            rates = [
                (measure_step_rate(two_trials), measure_step_rate(one_trial))
                for _ in range(21 if full else 7)
            ][1:]
        two_trial_rates, one_trial_rates = zip(*rates, strict=True)
        value, spread = compute_ratio(two_trial_rates, one_trial_rates)
        yield Measurement(
            what=f"{name}: steps per second of two trials with one thread each, relative to one "
            "trial with two",
            value=value,
            at_least=1.0,
            detail=f"{statistics.median(two_trial_rates):.0f} and "
            f"{statistics.median(one_trial_rates):.0f}; {spread}",
        )


if __name__ == "__main__":
    run_benchmark(measure)
