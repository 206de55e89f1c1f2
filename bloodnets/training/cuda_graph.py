"""Run a training step as a CUDA graph, which launches all of its kernels at once.

The published networks are small. By their bytes and operations, a step takes a GPU about
40 microseconds. It consists of dozens of kernels, and Python needs several microseconds to launch
each of them.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

TrainingStep = Callable[[Tensor], Tensor]
"""Function that trains on a batch and returns its loss before the update, float32, shape ().

The batch holds the indices of its images, int64, shape (n,). With augmentation its shape is (n, 2),
and the second column holds the index of the view of each image.
"""

WARM_UP_STEPS = 3
"""Number of steps per batch size before one is captured, as in PyTorch's notes on CUDA graphs.

In these steps, CUDA's libraries allocate their buffers and the optimizer its moments, which must
exist before a capture.
"""


class ReplayableGraph(Protocol):
    """Interface of a captured CUDA graph."""

    def replay(self) -> None:
        """Run the graph again on the tensors with which it was captured."""


class CapturedGraph(NamedTuple):
    """Captured step with the tensors that it reads and writes.

    Attributes:
        graph: Graph of the step.
        batch: Input of the step, int64, shape (n,) or (n, 2); see `TrainingStep`.
        loss: Output of the step, float32, shape ().
    """

    graph: ReplayableGraph
    batch: Tensor
    loss: Tensor


class CudaGraphStep:
    """Training step captured once per batch size; the last batch of an epoch may be smaller.

    It trains as the step itself does, and the warm-up steps are part of the training. Everything
    that the step reads besides its argument (weights, moments, images) must stay at its memory
    address. Random numbers come from PyTorch's CUDA generator, as without a graph.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step
        self._call_counts: Counter[int] = Counter()
        self._graphs: dict[int, CapturedGraph] = {}

    def __call__(self, batch: Tensor) -> Tensor:
        """Train on a batch and return its loss; see `TrainingStep`."""
        size = len(batch)
        self._call_counts[size] += 1
        if self._call_counts[size] <= WARM_UP_STEPS:
            return run_in_side_stream(self._step, batch)
        if size not in self._graphs:
            self._graphs[size] = capture_graph(self._step, batch)
        graph, indices, loss = self._graphs[size]
        indices.copy_(batch)
        graph.replay()
        return loss.clone()  # the next replay overwrites it


def run_in_side_stream(step: TrainingStep, batch: Tensor) -> Tensor:
    """Run a step in a separate stream, as a capture does."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        loss = step(batch)
    torch.cuda.current_stream().wait_stream(stream)
    return loss


def capture_graph(step: TrainingStep, batch: Tensor) -> CapturedGraph:
    """Capture a step without running it; its tensors stay in a private memory pool."""
    indices, graph = batch.clone(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(indices)
    return CapturedGraph(graph, indices, loss)
