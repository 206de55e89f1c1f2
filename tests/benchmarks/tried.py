"""Benchmark variants that the training loop does not use, on one thread and only with `--full`."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import CNN, MLNN
from bloodnets.training.evaluation import scale_pixels
from bloodnets.training.malloc import keep_freed_memory
from tests.benchmarks.figures import Measurement, compute_ratio, measure_duration_s, run_benchmark

BATCH_SIZE, STEPS_PER_CALL = 64, 10


class ReLUFirstCNN(CNN):
    """CNN with ReLU before max-pool, as in the paper; its outputs are the same."""

    def __init__(self, *, dropout: float) -> None:
        super().__init__(BLOODMNIST_SHAPE, dropout=dropout)
        layers = list(self.features)
        for index in range(0, len(layers), 3):
            layers[index + 1], layers[index + 2] = layers[index + 2], layers[index + 1]
        self.features = nn.Sequential(*layers)


def make_steps(model: nn.Module) -> Callable[[], None]:
    """Return a function that runs some training steps, each on different images."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    images = torch.randint(0, 256, (STEPS_PER_CALL, BATCH_SIZE, 28, 28, 3), dtype=torch.uint8)
    labels = torch.randint(0, 8, (STEPS_PER_CALL, BATCH_SIZE))

    def run_steps() -> None:
        for batch, targets in zip(images, labels, strict=True):
            loss = F.cross_entropy(model(scale_pixels(batch)), targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return run_steps


def compile_model(model: nn.Module) -> nn.Module:
    """Set a model to be compiled by PyTorch at its first call, and return it."""
    model.compile()
    return model


def measure(full: bool) -> Iterator[Measurement]:
    """Yield the figures, only with `--full` because compiling takes up to a minute."""
    if not full:
        return
    torch.set_num_threads(1)
    keep_freed_memory()
    cnn, mlnn = CNN(BLOODMNIST_SHAPE, dropout=0.2), MLNN(BLOODMNIST_SHAPE, dropout=0.2)
    for label, baseline, variant in (
        ("cnn: ReLU before max-pool", cnn, ReLUFirstCNN(dropout=0.2)),
        ("cnn: torch.compile", cnn, compile_model(CNN(BLOODMNIST_SHAPE, dropout=0.2))),
        ("mlnn: torch.compile", mlnn, compile_model(MLNN(BLOODMNIST_SHAPE, dropout=0.2))),
    ):
        run_baseline, run_variant = make_steps(baseline), make_steps(variant)
        run_baseline()
        warm_up_s = measure_duration_s(run_variant)
        rounds = [
            (measure_duration_s(run_variant), measure_duration_s(run_baseline)) for _ in range(25)
        ]
        value, spread = compute_ratio(*zip(*rounds, strict=True))
        yield Measurement(
            what=f"{label}, relative to the step without",
            value=value,
            detail=f"{warm_up_s:.0f} s until its tenth step; {spread}",
        )


if __name__ == "__main__":
    run_benchmark(measure)
