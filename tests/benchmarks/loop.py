"""Benchmark the training loop on one CPU thread.

The baselines are its matrix products by themselves, a resident batch, and MedMNIST's own loop.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from bloodnets.data.medmnist import Split
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import CNN, MLNN
from bloodnets.training.evaluation import scale_pixels
from bloodnets.training.loop import train, train_epoch
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step
from study.configs.presets import PUBLISHED
from tests.benchmarks.figures import Measurement, compute_ratio, measure_duration_s, run_benchmark
from tests.benchmarks.medmnist_loop import Experiment, make_torch_optimizer

CPU = torch.device("cpu")
STEPS_PER_ROUND = 20
"""Training steps per round, few enough that both sides of a ratio run under the same load."""
CONFIGURATIONS = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1", "cnn-config-2")
LAYER_PRODUCTS = {
    # Matrix product of each layer: rows per image, inputs and outputs.
    "mlnn": ((1, 2352, 1180), (1, 1180, 1180), (1, 1180, 8)),
    "cnn": (
        (28 * 28, 27, 32),
        (14 * 14, 288, 64),
        (7 * 7, 576, 128),
        (1, 1152, 256),
        (1, 256, 128),
        (1, 128, 8),
    ),
}
MIN_PRODUCT_RATIOS = {"mlnn-config-1": 0.70, "mlnn-config-2": 0.50}
MIN_PRODUCT_RATIOS |= {"cnn-config-1": 0.65, "cnn-config-2": 0.65}
MIN_MEDMNIST_RATIOS = {"mlnn": 2.2, "cnn": 1.4}


def iterate_products(family: str, batch_size: int) -> Iterator[tuple[int, int, int]]:
    """Yield rows, inner dimension and columns of each matrix product of a training step.

    Each layer has a forward product and one for the gradient of the weights. All layers but the
    first also have one for the gradient of the inputs.
    """
    for index, (rows, inputs, outputs) in enumerate(LAYER_PRODUCTS[family]):
        yield rows * batch_size, inputs, outputs
        yield inputs, rows * batch_size, outputs
        if index:
            yield rows * batch_size, outputs, inputs


def measure_product_rates(family: str, batch_size: int) -> tuple[float, float]:
    """Return operations per second of a step's products by themselves: overall, and the fastest."""
    flops, total_s, fastest = 0.0, 0.0, 0.0
    for m, k, n in iterate_products(family, batch_size):
        a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        best_s = min(measure_duration_s(partial(torch.mm, a, b, out=out)) for _ in range(4))
        flops, total_s = flops + 2.0 * m * k * n, total_s + best_s
        fastest = max(fastest, 2.0 * m * k * n / best_s)
    return flops / total_s, fastest


def compare_with_products(
    name: str, batch_size: int, split: DeviceSplit, rounds: int
) -> Measurement:
    """Measure the arithmetic rate of training steps, relative to that of their products."""
    config = replace(PUBLISHED[name], batch_size=batch_size)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    round_split = DeviceSplit(*(tensor[: STEPS_PER_ROUND * batch_size] for tensor in split))
    step = make_training_step(state, config, round_split)
    flops = STEPS_PER_ROUND * sum(
        2.0 * m * k * n for m, k, n in iterate_products(config.family, batch_size)
    )
    train_epoch(state, config, step, round_split)
    rates, all_rates, fastest_rates = [], [], []
    for _ in range(rounds):
        all_rate, fastest_rate = measure_product_rates(config.family, batch_size)
        all_rates.append(all_rate)
        fastest_rates.append(fastest_rate)
        rates.append(
            flops / measure_duration_s(lambda: train_epoch(state, config, step, round_split))
        )
    value, spread = compute_ratio(rates, all_rates)
    return Measurement(
        what=f"{name}, batch {batch_size}: arithmetic rate, relative to its matrix products",
        value=value,
        at_least=MIN_PRODUCT_RATIOS[name],
        detail=f"{statistics.median(rates) / 1e9:.0f} GFLOP/s; relative to the fastest product "
        f"{compute_ratio(rates, fastest_rates)[0]:.2f}; {spread}",
    )


def make_resident_step(state: TrainingState, images: Tensor, labels: Tensor) -> Callable[[], None]:
    """Return a training step without the data path."""

    def run_step() -> None:
        loss = F.cross_entropy(state.model(images), labels)
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()

    return run_step


def compare_with_resident(name: str, split: DeviceSplit, rounds: int) -> Measurement:
    """Measure the loop relative to the same steps on one batch that is already scaled."""
    config = PUBLISHED[name]
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    round_split = DeviceSplit(*(tensor[: STEPS_PER_ROUND * config.batch_size] for tensor in split))
    step = make_training_step(state, config, round_split)
    batch = slice(config.batch_size)
    run_resident_step = make_resident_step(
        state, scale_pixels(round_split.images[batch]), round_split.labels[batch]
    )
    loop_s, resident_s = [], []
    for _ in range(rounds + 1):
        resident_s.append(
            measure_duration_s(lambda: [run_resident_step() for _ in range(STEPS_PER_ROUND)])
        )
        loop_s.append(measure_duration_s(lambda: train_epoch(state, config, step, round_split)))
    value, spread = compute_ratio(resident_s[1:], loop_s[1:])
    return Measurement(
        what=f"{name}: images per second, relative to the same step on one resident batch",
        value=value,
        at_least=0.95,
        detail=spread,
    )


def compare_with_medmnist(
    family: str, root: Path, splits: dict[str, DeviceSplit], rounds: int
) -> Measurement:
    """Measure the epoch time of MedMNIST's own loop relative to ours."""
    config = replace(PUBLISHED[f"{family}-config-2"], max_epochs=100, patience=100)
    model = {"mlnn": MLNN, "cnn": CNN}[family](BLOODMNIST_SHAPE, dropout=config.dropout)
    optimizer = make_torch_optimizer(model, "adam", config.learning_rate)
    experiment = Experiment(model, optimizer, root=root, batch_size=config.batch_size, device=CPU)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    epochs = train(state, config, train_split=splits["train"], val_split=splits["val"])
    medmnist_s, loop_s = [], []
    for _ in range(rounds):
        medmnist_s.append(measure_duration_s(experiment.run_epoch))
        loop_s.append(measure_duration_s(lambda: next(epochs)))
    value, spread = compute_ratio(medmnist_s, loop_s)
    return Measurement(
        what=f"{family} with Adam: epoch time of MedMNIST's own loop, relative to ours",
        value=value,
        at_least=MIN_MEDMNIST_RATIOS[family],
        detail=f"{statistics.median(medmnist_s):.1f} s and {statistics.median(loop_s):.1f} s; "
        f"{spread}",
    )


def write_npz(root: Path) -> dict[str, DeviceSplit]:
    """Write as many synthetic cells as BloodMNIST has, and return train and val.

    MedMNIST's classes read the file.
    """
    arrays = generate_synthetic_arrays(scale=1.0)
    np.savez(root / "bloodmnist.npz", allow_pickle=False, **arrays)
    return {
        name: DeviceSplit.from_numpy(
            Split(arrays[f"{name}_images"], arrays[f"{name}_labels"][:, 0]), CPU
        )
        for name in ("train", "val")
    }


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures of the loop."""
    torch.set_num_threads(1)
    keep_freed_memory()
    rounds = 5 if full else 3
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        splits = write_npz(root)
        for name in CONFIGURATIONS:
            for batch_size in (64, 128) if full else (64,):
                yield compare_with_products(name, batch_size, splits["train"], 3 * rounds)
            yield compare_with_resident(name, splits["train"], 3 * rounds)
        for family in LAYER_PRODUCTS:
            yield compare_with_medmnist(family, root, splits, rounds - 1)


if __name__ == "__main__":
    run_benchmark(measure)
