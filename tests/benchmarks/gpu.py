"""The loop on a GPU: against MedMNIST's own, and the time that bytes and operations need.

Without a GPU it measures nothing, and says so.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from bloodnets.config import TrialConfig
from bloodnets.models import Cnn, Mlnn, build_model, count_parameters
from bloodnets.training.cuda_graph import CapturedStep
from bloodnets.training.loop import DeviceSplit, TrainingState, train, train_epoch, training_step
from study.configs.presets import PUBLISHED
from tests.benchmarks.figures import Figure, main, timed
from tests.benchmarks.loop import products, write_npz
from tests.benchmarks.medmnist_loop import Experiment, optimizer_of

BATCH = 128
AT_ONCE = (1, 2, 4, 8, 16)
MEDMNIST = 10.0
ACTIVATIONS = {
    # Numbers that the layers put out for an image: convolutions and poolings, and linear layers.
    "mlnn": 2 * 1180 + 8,
    "cnn": 32 * (28**2 + 14**2) + 64 * (14**2 + 7**2) + 128 * (7**2 + 3**2) + 256 + 128 + 8,
}
PASSES = {"sgd": 8, "adam": 10}
"""How often a step reads or writes each weight or a number that goes with it: the weight forward
and backward, its gradient once written; then the update reads gradient, weight and moments, and
writes weight and moments."""


def floor_s(config: TrialConfig, images: int, bandwidth: float, rate: float) -> float:
    """Seconds that an epoch needs at least, if nothing stays in the GPU's caches.

    Args:
        config: of the trial.
        images: in train.
        bandwidth: of the GPU's memory, in bytes a second.
        rate: of its products in float32, in operations a second.
    """
    steps = images / config.batch_size
    of_weights = 4 * PASSES[config.optimizer] * count_parameters(build_model(config)) * steps
    # Written and read forward, and so its gradient backward.
    of_activations = 4 * 4 * ACTIVATIONS[config.family] * images
    operations = steps * sum(
        2.0 * m * k * n for m, k, n in products(config.family, config.batch_size)
    )
    return max((of_weights + of_activations) / bandwidth, operations / rate)


def seconds(work: Callable[[], object], times: int) -> float:
    """The median time of a piece of work on the GPU."""

    def finished() -> None:
        work()
        torch.cuda.synchronize()

    finished()
    return statistics.median([timed(finished) for _ in range(times)])


def capabilities(device: torch.device) -> tuple[float, float]:
    """Bytes a second of a large copy, and operations a second of a large product in float32."""
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / seconds(lambda: target.copy_(source), 10)
    a, b = (torch.randn(8192, 8192, device=device) for _ in range(2))
    return bandwidth, 2 * 8192**3 / seconds(lambda: torch.mm(a, b), 5)


def epoch_s(config: TrialConfig, splits: dict[str, DeviceSplit], *, epochs: int = 12) -> float:
    """Seconds of an epoch, evaluation on val included; the median without the first two."""
    config = replace(config, max_epochs=epochs, patience=epochs)
    state = TrainingState.start(config, splits["train"].images.device)
    return statistics.median([result.duration_s for result in train(state, config, **splits)][2:])


def uncaptured_s(config: TrialConfig, split: DeviceSplit) -> tuple[float, float]:
    """Seconds of a pass over train, its steps run one by one, and as a graph."""
    state = TrainingState.start(config, split.images.device)
    step = training_step(state, config, split)
    assert isinstance(step, CapturedStep)
    found = []
    for one in (step._step, step):
        for _ in range(4):  # until both sizes of batch are captured
            train_epoch(state, config, one, split)
        found.append(seconds(partial(train_epoch, state, config, one, split), 5))
    return found[0], found[1]


def theirs_s(config: TrialConfig, root: Path, device: torch.device) -> float:
    """Seconds of an epoch of MedMNIST's own loop, the second."""
    model = {"mlnn": Mlnn, "cnn": Cnn}[config.family](dropout=config.dropout).to(device)
    optimizer = optimizer_of(model, config.optimizer, config.learning_rate)
    experiment = Experiment(
        model, optimizer, root=root, batch_size=config.batch_size, device=device
    )
    experiment.epoch()
    return timed(experiment.epoch)


def serve(config: TrialConfig, window_s: float, connection: Connection) -> None:
    """A trial: says when it is warm, trains for a while when told to, and says how many epochs."""
    device = torch.device("cuda")
    with tempfile.TemporaryDirectory() as folder:
        splits = {
            name: DeviceSplit(*(part.to(device) for part in split))
            for name, split in write_npz(Path(folder)).items()
        }
    config = replace(config, max_epochs=10**9, patience=10**9)
    epochs = train(TrainingState.start(config, device), config, **splits)
    for _ in range(4):
        next(epochs)
    connection.send(torch.cuda.max_memory_reserved())
    connection.recv()
    count, end = 0, time.perf_counter() + window_s
    while time.perf_counter() < end:
        next(epochs)
        count += 1
    connection.send(count)


def together(config: TrialConfig, count: int, window_s: float) -> tuple[float, float]:
    """Epochs a second of so many trials on one GPU, and bytes that each holds of it."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(count)]
    processes = [
        context.Process(target=serve, args=(config, window_s, there), daemon=True)
        for _, there in pipes
    ]
    for process in processes:
        process.start()
    memory = max(here.recv() for here, _ in pipes)
    for here, _ in pipes:
        here.send(True)
    epochs = sum(here.recv() for here, _ in pipes)
    for process in processes:
        process.join()
    return epochs / window_s, memory


def of_one(
    name: str, root: Path, splits: dict[str, DeviceSplit], bandwidth: float, rate: float
) -> Iterator[Figure]:
    """One trial alone."""
    config = TrialConfig(**PUBLISHED[name], batch_size=BATCH)
    images, device = len(splits["train"].labels), splits["train"].images.device
    ours, least = epoch_s(config, splits), floor_s(config, images, bandwidth, rate)
    mixed = epoch_s(replace(config, precision="bfloat16"), splits)
    one_by_one, graph = uncaptured_s(config, splits["train"])
    yield Figure(
        what=f"{name}, batch {BATCH}: epochs a second, evaluation included",
        value=1 / ours,
        detail=f"{1e3 * ours:.1f} ms; in bfloat16 {1e3 * mixed:.1f}; steps one by one "
        f"{one_by_one / graph:.1f} times the time of their graph",
    )
    yield Figure(
        what=f"{name}: an epoch, to what bytes and operations need",
        value=ours / least,
        detail=f"{1e3 * least:.1f} ms, at {bandwidth / 1e12:.2f} TB/s and "
        f"{rate / 1e12:.0f} TFLOP/s in float32",
    )
    theirs = theirs_s(config, root, device)
    yield Figure(
        what=f"{name}: an epoch of MedMNIST's own loop, to ours",
        value=theirs / ours,
        at_least=MEDMNIST,
        detail=f"{theirs:.1f} s",
    )


def of_several(name: str, window_s: float) -> Figure:
    """How many trials at once a GPU is best shared by."""
    config = TrialConfig(**PUBLISHED[name], batch_size=BATCH)
    rates, memory = {}, 0.0
    for count in AT_ONCE:
        rates[count], memory = together(config, count, window_s)
    best = max(rates, key=lambda count: rates[count])
    return Figure(
        what=f"{name}: trials at once that make the most epochs a second",
        value=best,
        detail=", ".join(f"{count}: {rate:.0f}" for count, rate in rates.items())
        + f" epochs a second; {memory / 2**20:.0f} MiB each, without CUDA's own",
    )


def measure(full: bool) -> Iterator[Figure]:
    """Adam, which moves the most bytes."""
    if not torch.cuda.is_available():
        print("no GPU here: nothing measured")
        return
    device = torch.device("cuda")
    bandwidth, rate = capabilities(device)
    names = ("mlnn-config-2", "cnn-config-2", *(("mlnn-config-1", "cnn-config-1") if full else ()))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        splits = {
            name: DeviceSplit(*(part.to(device) for part in split))
            for name, split in write_npz(root).items()
        }
        for name in names:
            yield from of_one(name, root, splits, bandwidth, rate)
    for name in names:
        yield of_several(name, 20.0 if full else 5.0)


if __name__ == "__main__":
    main(measure)
