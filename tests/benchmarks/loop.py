"""The loop on one CPU thread: against the machine, a resident batch, and MedMNIST's own loop."""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import Split
from bloodnets.data.synthetic import render
from bloodnets.models import Cnn, Mlnn
from bloodnets.training.loop import (
    DeviceSplit,
    TrainingState,
    scale,
    train,
    train_epoch,
    training_step,
)
from bloodnets.training.malloc import keep_freed_memory
from study.configs.presets import PUBLISHED
from tests.benchmarks.figures import Figure, main, ratio, timed
from tests.benchmarks.medmnist_loop import Experiment, optimizer_of

CPU = torch.device("cpu")
STEPS = 20
"""Of each round: short enough for both sides of a ratio to see the same machine."""
CONFIGURATIONS = ("mlnn-config-1", "mlnn-config-2", "cnn-config-1", "cnn-config-2")
LAYERS = {
    # Rows for each image, inputs, outputs of each layer, as matrix products.
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
OF_PRODUCTS = {"mlnn-config-1": 0.70, "mlnn-config-2": 0.50}
OF_PRODUCTS |= {"cnn-config-1": 0.65, "cnn-config-2": 0.65}
THEIRS = {"mlnn": 2.2, "cnn": 1.4}


def products(family: str, batch: int) -> Iterator[tuple[int, int, int]]:
    """Rows, inner dimension and columns of each matrix product of a step.

    Forward, by the weights' gradient, and but for the first layer by the inputs' gradient.
    """
    for index, (rows, inputs, outputs) in enumerate(LAYERS[family]):
        yield rows * batch, inputs, outputs
        yield inputs, rows * batch, outputs
        if index:
            yield rows * batch, outputs, inputs


def product_rates(family: str, batch: int) -> tuple[float, float]:
    """Operations a second of a step's products timed by themselves: of all, and of the fastest."""
    flops, seconds, fastest = 0.0, 0.0, 0.0
    for m, k, n in products(family, batch):
        a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        best = min(timed(partial(torch.mm, a, b, out=out)) for _ in range(4))
        flops, seconds = flops + 2.0 * m * k * n, seconds + best
        fastest = max(fastest, 2.0 * m * k * n / best)
    return flops / seconds, fastest


def against_products(name: str, batch: int, split: DeviceSplit, rounds: int) -> Figure:
    """The arithmetic rate of an epoch's steps, and that of the products in them."""
    config = TrialConfig(**PUBLISHED[name], batch_size=batch)
    state = TrainingState.start(config, CPU)
    few = DeviceSplit(*(part[: STEPS * batch] for part in split))
    step = training_step(state, config, few)
    flops = STEPS * sum(2.0 * m * k * n for m, k, n in products(config.family, batch))
    train_epoch(state, config, step, few)
    rates, of_all, of_fastest = [], [], []
    for _ in range(rounds):
        every, fastest = product_rates(config.family, batch)
        of_all.append(every)
        of_fastest.append(fastest)
        rates.append(flops / timed(lambda: train_epoch(state, config, step, few)))
    value, spread = ratio(rates, of_all)
    return Figure(
        what=f"{name}, batch {batch}: arithmetic rate, of its matrix products by themselves",
        value=value,
        at_least=OF_PRODUCTS[name],
        detail=f"{statistics.median(rates) / 1e9:.0f} GFLOP/s; of the fastest product alone "
        f"{ratio(rates, of_fastest)[0]:.2f}; {spread}",
    )


def resident_step(state: TrainingState, images: Tensor, labels: Tensor) -> Callable[[], None]:
    """The step without its data path."""

    def step() -> None:
        loss = F.cross_entropy(state.model(images), labels)
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()

    return step


def against_resident(name: str, split: DeviceSplit, rounds: int) -> Figure:
    """The same steps on one batch that is scaled already."""
    config = TrialConfig(**PUBLISHED[name])
    state = TrainingState.start(config, CPU)
    few = DeviceSplit(*(part[: STEPS * config.batch_size] for part in split))
    step = training_step(state, config, few)
    batch = slice(config.batch_size)
    resident = resident_step(state, scale(few.images[batch]), few.labels[batch])
    ours, theirs = [], []
    for _ in range(rounds + 1):
        theirs.append(timed(lambda: [resident() for _ in range(STEPS)]))
        ours.append(timed(lambda: train_epoch(state, config, step, few)))
    value, spread = ratio(theirs[1:], ours[1:])
    return Figure(
        what=f"{name}: images a second, of the same step on one resident batch",
        value=value,
        at_least=0.95,
        detail=spread,
    )


def against_medmnist(
    family: str, root: Path, splits: dict[str, DeviceSplit], rounds: int
) -> Figure:
    """An epoch of MedMNIST's own loop, in seconds, to ours."""
    config = TrialConfig(**PUBLISHED[f"{family}-config-2"], max_epochs=100, patience=100)
    model = {"mlnn": Mlnn, "cnn": Cnn}[family](dropout=config.dropout)
    optimizer = optimizer_of(model, "adam", config.learning_rate)
    experiment = Experiment(model, optimizer, root=root, batch_size=config.batch_size, device=CPU)
    state = TrainingState.start(config, CPU)
    epochs = train(state, config, train=splits["train"], val=splits["val"])
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(timed(experiment.epoch))
        ours.append(timed(lambda: next(epochs)))
    value, spread = ratio(theirs, ours)
    return Figure(
        what=f"{family} with Adam: an epoch of MedMNIST's own loop, to ours",
        value=value,
        at_least=THEIRS[family],
        detail=f"{statistics.median(theirs):.1f} s to {statistics.median(ours):.1f}; {spread}",
    )


def write_npz(root: Path) -> dict[str, DeviceSplit]:
    """Drawn cells, as many as BloodMNIST has, also as the file that MedMNIST's classes read."""
    arrays = render(scale=1.0)
    np.savez(root / "bloodmnist.npz", allow_pickle=False, **arrays)
    return {
        name: DeviceSplit.of(Split(arrays[f"{name}_images"], arrays[f"{name}_labels"][:, 0]), CPU)
        for name in ("train", "val")
    }


def measure(full: bool) -> Iterator[Figure]:
    """Figures 1 to 3 of the README."""
    torch.set_num_threads(1)
    keep_freed_memory()
    rounds = 5 if full else 3
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        splits = write_npz(root)
        for name in CONFIGURATIONS:
            for batch in (64, 128) if full else (64,):
                yield against_products(name, batch, splits["train"], 3 * rounds)
            yield against_resident(name, splits["train"], 3 * rounds)
        for family in LAYERS:
            yield against_medmnist(family, root, splits, rounds - 1)


if __name__ == "__main__":
    main(measure)
