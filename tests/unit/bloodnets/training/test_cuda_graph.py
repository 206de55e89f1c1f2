"""A step that is captured trains as one that is not.

Where there is no GPU, a stand-in for CUDA's graphs replays the step itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from bloodnets.config import Precision, TrialConfig
from bloodnets.data.medmnist import Split
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.training import cuda_graph, loop
from bloodnets.training.cuda_graph import WARM_UP_STEPS, CapturedGraph, CudaGraphStep, TrainingStep
from bloodnets.training.loop import train_epoch
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.training.training_step import make_training_step
from study.configs.presets import CONFIGURATIONS, PUBLISHED

Losses = list[Tensor]

SMALL = {
    name: replace(CONFIGURATIONS[name], batch_size=50)
    for name in ("mlnn-config-1", "mlnn-config-4", "cnn-config-1", "cnn-config-2", "cnn-config-4")
} | {"resnet": replace(CONFIGURATIONS["resnet"], batch_size=50, width=8)}


@dataclass
class Replayed:
    """Runs the step again on the tensors of its capture, as a graph does."""

    step: TrainingStep
    batch: Tensor
    loss: Tensor

    def replay(self) -> None:
        self.loss.copy_(self.step(self.batch))


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the batches captured, in order."""
    sizes: list[int] = []

    def capture(step: TrainingStep, batch: Tensor) -> CapturedGraph:
        sizes.append(len(batch))
        graph = Replayed(step, batch.clone(), torch.full((), torch.nan))  # nothing runs yet
        return CapturedGraph(graph, graph.batch, graph.loss)

    monkeypatch.setattr(cuda_graph, "run_in_side_stream", lambda step, batch: step(batch))
    monkeypatch.setattr(cuda_graph, "capture_graph", capture)
    return sizes


def trained(
    config: TrialConfig, wrap: Callable[[TrainingStep], TrainingStep], device: str
) -> tuple[Tensor, ...]:
    """The losses of each of six epochs, and the weights at the end."""
    arrays = generate_synthetic_arrays(scale=0.01)
    where = torch.device(device)
    split = DeviceSplit.from_numpy(
        Split(arrays["train_images"], arrays["train_labels"][:, 0]), where
    )
    state = TrainingState.create(config, BLOODMNIST_SHAPE, where)
    step = wrap(make_training_step(state, config, split))
    losses = [train_epoch(state, config, step, split) for _ in range(6)]
    return (*losses, *state.model.state_dict().values())


@pytest.mark.parametrize("name", ["mlnn-config-1", "cnn-config-2", "resnet"])
def test_cuda_graph_step_replayed_epochs_equal_plain_ones_to_the_bit(
    name: str, captures: list[int]
) -> None:
    config = SMALL[name]
    plain = trained(config, lambda step: step, "cpu")
    replayed = trained(config, CudaGraphStep, "cpu")
    assert all(torch.equal(a, b) for a, b in zip(plain, replayed, strict=True))
    assert len(captures) == 2  # the full batch and the last
    assert captures[0] == 50 > captures[1] > 0


def test_cuda_graph_step_is_captured_after_its_warm_up(captures: list[int]) -> None:
    ran: list[float] = []

    def step(batch: Tensor) -> Tensor:
        ran.append(float(batch.sum()))
        return batch.sum().float()

    one = CudaGraphStep(step)
    for count in range(1, WARM_UP_STEPS + 3):
        loss = one(torch.tensor([count, 1]))
        assert float(loss) == count + 1
        assert captures == ([2] if count > WARM_UP_STEPS else [])
    kept = one(torch.tensor([5, 5]))
    one(torch.tensor([6, 6]))
    assert float(kept) == 10  # not written over


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, which CI has not")
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_cuda_graph_step_on_a_gpu_equals_the_plain_step(
    name: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of cuDNN's ways add in an order that changes, and Adam makes much of little.
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    config = replace(SMALL[name], dropout=0.0, precision=precision)
    graph = trained(config, lambda step: step, "cuda")
    monkeypatch.setattr(loop, "CudaGraphStep", lambda step: step)
    plain = trained(config, lambda step: step, "cuda")
    for one, other in zip(plain, graph, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, which CI has not")
def test_cuda_graph_step_on_a_gpu_draws_new_dropout_each_step() -> None:
    """Weights that do not move give another loss a step only if other units are dropped."""
    config = replace(PUBLISHED["cnn-config-2"], learning_rate=1e-30, dropout=0.5)
    arrays, device = generate_synthetic_arrays(scale=0.01), torch.device("cuda")
    split = DeviceSplit.from_numpy(
        Split(arrays["train_images"], arrays["train_labels"][:, 0]), device
    )
    step = make_training_step(TrainingState.create(config, BLOODMNIST_SHAPE, device), config, split)
    batch = torch.arange(64, device=device)
    losses = [float(step(batch)) for _ in range(WARM_UP_STEPS + 20)]
    assert len(set(losses)) == len(losses)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, which CI has not")
@pytest.mark.parametrize("name", ["mlnn-config-1", "cnn-config-2", "resnet"])
def test_train_epoch_on_a_gpu_learns_as_on_a_cpu(name: str) -> None:
    config = replace(SMALL[name], dropout=0.0)
    *on_gpu, _ = trained(config, lambda step: step, "cuda")
    *on_cpu, _ = trained(config, lambda step: step, "cpu")
    for one, other in zip(on_gpu[:6], on_cpu[:6], strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=0.02, atol=0.02)
