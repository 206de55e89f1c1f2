"""What the loop could do and does not, with `--full`: on one thread, what it would take."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from bloodnets.models import Cnn, Mlnn
from bloodnets.training.loop import scale
from bloodnets.training.malloc import keep_freed_memory
from tests.benchmarks.figures import Figure, main, ratio, timed

BATCH, STEPS = 64, 10


class ReluFirst(Cnn):
    """As the paper has it: ReLU, then max-pool. The values are the same."""

    def __init__(self, *, dropout: float) -> None:
        super().__init__(dropout=dropout)
        layers = list(self.features)
        for index in range(0, len(layers), 3):
            layers[index + 1], layers[index + 2] = layers[index + 2], layers[index + 1]
        self.features = nn.Sequential(*layers)


def steps_of(model: nn.Module) -> Callable[[], None]:
    """Some steps of training, each on other images."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    images = torch.randint(0, 256, (STEPS, BATCH, 28, 28, 3), dtype=torch.uint8)
    labels = torch.randint(0, 8, (STEPS, BATCH))

    def steps() -> None:
        for batch, wanted in zip(images, labels, strict=True):
            loss = F.cross_entropy(model(scale(batch)), wanted)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return steps


def compiled(model: nn.Module) -> nn.Module:
    """By PyTorch's compiler, when it is first called."""
    model.compile()
    return model


def measure(full: bool) -> Iterator[Figure]:
    """Only with `--full`: compiling takes up to a minute."""
    if not full:
        return
    torch.set_num_threads(1)
    keep_freed_memory()
    cnn, mlnn = Cnn(dropout=0.2), Mlnn(dropout=0.2)
    for what, ours, other in (
        ("cnn: ReLU before max-pool", cnn, ReluFirst(dropout=0.2)),
        ("cnn: torch.compile", cnn, compiled(Cnn(dropout=0.2))),
        ("mlnn: torch.compile", mlnn, compiled(Mlnn(dropout=0.2))),
    ):
        mine, theirs = steps_of(ours), steps_of(other)
        mine()
        start_s = timed(theirs)
        rounds = [(timed(theirs), timed(mine)) for _ in range(25)]
        value, spread = ratio(*zip(*rounds, strict=True))
        yield Figure(
            what=f"{what}, to the step without",
            value=value,
            detail=f"{start_s:.0f} s to its tenth step; {spread}",
        )


if __name__ == "__main__":
    main(measure)
