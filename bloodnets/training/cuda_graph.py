"""A training step as a CUDA graph: its kernels are launched at once, without Python between them.

The published networks are small: by what bytes and operations need, a step of theirs takes a GPU
some 40 microseconds, and it is some dozens of kernels, each of which Python launches in several.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

TrainingStep = Callable[[Tensor], Tensor]
"""A batch to its loss before the update, float32 (). The batch is the indices of its images, int64
(n,), or, where training augments, (n, 2): the second column is the view of each."""

WARM_UP_STEPS = 3
"""Steps of each size before one is captured: in them CUDA's libraries make what they keep, and the
optimizer its moments, which a capture must find. As in PyTorch's notes on CUDA graphs."""


class ReplayableGraph(Protocol):
    """What was captured."""

    def replay(self) -> None:
        """Run it again, on the tensors that it was captured with."""


class CapturedGraph(NamedTuple):
    """A captured step, with the tensors that it reads and writes."""

    graph: ReplayableGraph
    batch: Tensor
    loss: Tensor


class CudaGraphStep:
    """A step, captured once for each batch size: an epoch has two, the last batch being smaller.

    It trains as the step itself does; the steps that warm up are steps of the training. What the
    step reads besides its argument must stay where it is in memory: weights, moments, images. Its
    random numbers are PyTorch's CUDA generator's, as without a graph.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step
        self._call_counts: Counter[int] = Counter()
        self._graphs: dict[int, CapturedGraph] = {}

    def __call__(self, batch: Tensor) -> Tensor:
        """As `TrainingStep`."""
        size = len(batch)
        self._call_counts[size] += 1
        if self._call_counts[size] <= WARM_UP_STEPS:
            return run_in_side_stream(self._step, batch)
        if size not in self._graphs:
            self._graphs[size] = capture_graph(self._step, batch)
        graph, indices, loss = self._graphs[size]
        indices.copy_(batch)
        graph.replay()
        return loss.clone()  # the next replay writes over it


def run_in_side_stream(step: TrainingStep, batch: Tensor) -> Tensor:
    """Run a step in a stream of its own, as a capture will."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        loss = step(batch)
    torch.cuda.current_stream().wait_stream(stream)
    return loss


def capture_graph(step: TrainingStep, batch: Tensor) -> CapturedGraph:
    """Record a step without running it; the tensors that it makes stay in memory of its own."""
    indices, graph = batch.clone(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(indices)
    return CapturedGraph(graph, indices, loss)
