"""Two trials with a thread each against one trial with two threads: why a slot is one core."""

import multiprocessing
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import torch

from bloodnets.config import TrialConfig
from bloodnets.training.loop import DeviceSplit, TrainingState, train_epoch, training_step
from bloodnets.training.malloc import keep_freed_memory
from study.configs.presets import PUBLISHED
from tests.benchmarks.figures import Figure, main, ratio, timed

STEPS = 30
NAMES = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1", "cnn-config-2")


def serve(name: str, threads: int, connection: Connection) -> None:
    """Train `STEPS` steps whenever asked, and answer with the seconds that they took."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    config, cpu = TrialConfig(**PUBLISHED[name]), torch.device("cpu")
    count = STEPS * config.batch_size
    images = torch.randint(0, 256, (count, 28, 28, 3), dtype=torch.uint8)
    split = DeviceSplit(images, torch.randint(0, 8, (count,)))
    state = TrainingState.start(config, cpu)
    step = training_step(state, config, split)
    train_epoch(state, config, step, split)
    while connection.recv():
        connection.send(timed(lambda: train_epoch(state, config, step, split)))


class Trial:
    """A process that trains when asked."""

    def __init__(self, name: str, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, there = context.Pipe()
        self.process = context.Process(target=serve, args=(name, threads, there), daemon=True)

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


def rate(trials: list[Trial]) -> float:
    """Steps a second of trials that run at the same time."""
    for trial in trials:
        trial.connection.send(True)
    return sum(STEPS / float(trial.connection.recv()) for trial in trials)


def measure(full: bool) -> Iterator[Figure]:
    """Each in turn, on the same two cores."""
    for name in NAMES:
        with ExitStack() as stack:
            two = [stack.enter_context(Trial(name, threads=1)) for _ in range(2)]
            one = [stack.enter_context(Trial(name, threads=2))]
            rates = [(rate(two), rate(one)) for _ in range(21 if full else 7)][1:]
        ours, theirs = zip(*rates, strict=True)
        value, spread = ratio(ours, theirs)
        yield Figure(
            what=f"{name}: steps a second of two trials with a thread each, to one with two",
            value=value,
            at_least=1.0,
            detail=f"{statistics.median(ours):.0f} to {statistics.median(theirs):.0f}; {spread}",
        )


if __name__ == "__main__":
    main(measure)
