"""Benchmark the training loop on a GPU against MedMNIST's own loop and a lower bound.

The lower bound is the time that memory traffic and arithmetic need. Without a GPU, nothing is
measured.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import CNN, MLNN, build_model, count_parameters
from bloodnets.training.cuda_graph import CudaGraphStep
from bloodnets.training.loop import train, train_epoch
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step
from study.configs.presets import PUBLISHED
from study.lifecycle.concurrency import TrialPool
from tests.benchmarks.figures import Measurement, measure_duration_s, run_benchmark
from tests.benchmarks.loop import iterate_products, write_npz
from tests.benchmarks.medmnist_loop import Experiment, make_torch_optimizer

BATCH_SIZE = 128
TRIAL_COUNTS = (1, 2, 4, 8, 16)
MIN_MEDMNIST_RATIO = 10.0
N_ACTIVATIONS = {
    # Outputs of the layers per image: convolutions and poolings, and linear layers.
    "mlnn": 2 * 1180 + 8,
    "cnn": 32 * (28**2 + 14**2) + 64 * (14**2 + 7**2) + 128 * (7**2 + 3**2) + 256 + 128 + 8,
}
PASSES_PER_WEIGHT = {"sgd": 8, "adam": 10}
"""Memory accesses per step for each weight, its gradient and its moments. The forward and the
backward pass read the weight, and the gradient is written once. The update then reads gradient,
weight and moments, and writes weight and moments."""


def compute_floor_s(
    config: TrialConfig, n_images: int, bandwidth: float, flop_rate: float
) -> float:
    """Return the minimum duration of an epoch in seconds, if nothing stays in the GPU's caches.

    Args:
        config: Settings of the trial.
        n_images: Number of images in train.
        bandwidth: Memory bandwidth of the GPU, in bytes per second.
        flop_rate: Rate of its float32 matrix products, in operations per second.
    """
    steps = n_images / config.batch_size
    weight_bytes = (
        4
        * PASSES_PER_WEIGHT[config.optimizer]
        * count_parameters(build_model(config, BLOODMNIST_SHAPE))
        * steps
    )
    # Activations are written and read in the forward pass, their gradients in the backward pass.
    activation_bytes = 4 * 4 * N_ACTIVATIONS[config.family] * n_images
    operations = steps * sum(
        2.0 * m * k * n for m, k, n in iterate_products(config.family, config.batch_size)
    )
    return max((weight_bytes + activation_bytes) / bandwidth, operations / flop_rate)


def measure_median_s(function: Callable[[], object], repeats: int) -> float:
    """Return the median duration of some work on the GPU, in seconds."""

    def run_synchronized() -> None:
        function()
        torch.cuda.synchronize()

    run_synchronized()
    return statistics.median([measure_duration_s(run_synchronized) for _ in range(repeats)])


def measure_gpu(device: torch.device) -> tuple[float, float]:
    """Return the GPU's copy bandwidth in bytes/s and float32 product rate in operations/s."""
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / measure_median_s(lambda: target.copy_(source), 10)
    a, b = (torch.randn(8192, 8192, device=device) for _ in range(2))
    return bandwidth, 2 * 8192**3 / measure_median_s(lambda: torch.mm(a, b), 5)


def measure_epoch_s(
    config: TrialConfig, splits: dict[str, DeviceSplit], *, epochs: int = 12
) -> float:
    """Return the median epoch time in seconds, evaluation included, without the first two."""
    config = replace(config, max_epochs=epochs, patience=epochs)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, splits["train"].images.device)
    return statistics.median(
        [
            result.duration_s
            for result in train(state, config, train_split=splits["train"], val_split=splits["val"])
        ][2:]
    )


def compare_with_graph_s(config: TrialConfig, split: DeviceSplit) -> tuple[float, float]:
    """Return the seconds of a pass over train with steps run one by one, and as a CUDA graph."""
    state = TrainingState.create(config, BLOODMNIST_SHAPE, split.images.device)
    step = make_training_step(state, config, split)
    assert isinstance(step, CudaGraphStep)
    durations_s = []
    for variant in (step._step, step):
        for _ in range(4):  # until both batch sizes are captured
            train_epoch(state, config, variant, split)
        durations_s.append(measure_median_s(partial(train_epoch, state, config, variant, split), 5))
    return durations_s[0], durations_s[1]


def measure_medmnist_s(config: TrialConfig, root: Path, device: torch.device) -> float:
    """Return the duration of the second epoch of MedMNIST's own loop, in seconds."""
    model = {"mlnn": MLNN, "cnn": CNN}[config.family](BLOODMNIST_SHAPE, dropout=config.dropout).to(
        device
    )
    optimizer = make_torch_optimizer(model, config.optimizer, config.learning_rate)
    experiment = Experiment(
        model, optimizer, root=root, batch_size=config.batch_size, device=device
    )
    experiment.run_epoch()
    return measure_duration_s(experiment.run_epoch)


def measure_one_trial(
    name: str, root: Path, splits: dict[str, DeviceSplit], bandwidth: float, flop_rate: float
) -> Iterator[Measurement]:
    """Yield the figures of a single trial."""
    config = replace(PUBLISHED[name], batch_size=BATCH_SIZE)
    n_images, device = len(splits["train"].labels), splits["train"].images.device
    epoch_duration_s, min_duration_s = (
        measure_epoch_s(config, splits),
        compute_floor_s(config, n_images, bandwidth, flop_rate),
    )
    bfloat16_s = measure_epoch_s(replace(config, precision="bfloat16"), splits)
    eager_s, graph_s = compare_with_graph_s(config, splits["train"])
    yield Measurement(
        what=f"{name}, batch {BATCH_SIZE}: epochs per second, evaluation included",
        value=1 / epoch_duration_s,
        detail=f"{1e3 * epoch_duration_s:.1f} ms; in bfloat16 {1e3 * bfloat16_s:.1f}; steps one by "
        f"one {eager_s / graph_s:.1f} times the time of their graph",
    )
    yield Measurement(
        what=f"{name}: epoch time, relative to what bytes and operations need",
        value=epoch_duration_s / min_duration_s,
        detail=f"{1e3 * min_duration_s:.1f} ms, at {bandwidth / 1e12:.2f} TB/s and "
        f"{flop_rate / 1e12:.0f} TFLOP/s in float32",
    )
    medmnist_s = measure_medmnist_s(config, root, device)
    yield Measurement(
        what=f"{name}: epoch time of MedMNIST's own loop, relative to ours",
        value=medmnist_s / epoch_duration_s,
        at_least=MIN_MEDMNIST_RATIO,
        detail=f"{medmnist_s:.1f} s",
    )


def find_best_concurrency(pool: TrialPool, name: str, duration_s: float) -> Measurement:
    """Measure which number of concurrent trials trains the most images per second on one GPU."""
    config = replace(PUBLISHED[name], batch_size=BATCH_SIZE)
    throughputs = {
        count: pool.measure(config, count, threads=1, duration_s=duration_s)
        for count in TRIAL_COUNTS
    }
    return Measurement(
        what=f"{name}: concurrent trials with the most images per second",
        value=max(throughputs, key=lambda count: throughputs[count].images_per_s),
        detail=", ".join(f"{count}: {t.images_per_s:.0f}" for count, t in throughputs.items())
        + " images per second",
    )


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures of Adam, which moves the most bytes; with `--full`, also of SGD."""
    if not torch.cuda.is_available():
        print("no GPU here: nothing measured")
        return
    device = torch.device("cuda")
    bandwidth, flop_rate = measure_gpu(device)
    names = ("mlnn-config-2", "cnn-config-2", *(("mlnn-config-1", "cnn-config-1") if full else ()))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        splits = {
            name: DeviceSplit(*(tensor.to(device) for tensor in split))
            for name, split in write_npz(root).items()
        }
        for name in names:
            yield from measure_one_trial(name, root, splits, bandwidth, flop_rate)
    with TrialPool("cuda", max(TRIAL_COUNTS)) as pool:
        for name in names:
            yield find_best_concurrency(pool, name, 20.0 if full else 5.0)


if __name__ == "__main__":
    run_benchmark(measure)
