"""What training leaves, as the bytes of files: weights and states (safetensors), predictions (npz).

Nothing is pickled, so no file can bring code along.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.models import build_model
from bloodnets.storage.checkpoint_header import RETRAIN_HINT, read_checkpoint_header
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.loop import TrainingState


class Checkpoint(NamedTuple):
    """A trial in the middle of its training.

    Attributes:
        state: all that the next epoch needs but the random state, which `load_checkpoint` has set.
        epochs: finished so far.
        duration_s: that they took, in seconds.
    """

    state: TrainingState
    epochs: list[EpochResult]
    duration_s: float


def serialize_model(weights: Mapping[str, Tensor], config: TrialConfig) -> bytes:
    """Weights in the safetensors format; the same weights give the same bytes.

    Args:
        weights: a model's state dict.
        config: what `models.build_model` needs to make the model again; kept in the header.
    """
    # One key only: safetensors writes several in an order of its own.
    header = {"config": json.dumps(config.to_dict(), sort_keys=True)}
    return bytes(save(_move_to_cpu(weights), metadata=header))


def load_model(content: bytes, name: str, config: TrialConfig) -> nn.Module:
    """Make the model again whose weights `serialize_model` wrote.

    Args:
        content: of the file.
        name: of the file, for messages.
        config: that it was trained with.

    Returns:
        On the CPU, ready to predict: dropout off, statistics of batches fixed.

    Raises:
        ConflictError: the content is no such file, or of another network.
    """
    try:
        model = build_model(config)
        model.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ConflictError(f"{name} does not fit the network: {reason:.150}", path=name) from error
    return model.eval()


def serialize_predictions(
    splits: Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]],
) -> bytes:
    """Predictions in NumPy's npz format; the same predictions give the same bytes.

    Args:
        splits: by name, probabilities float32 (n, 8) and labels uint8 (n,).
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, (probabilities, labels) in splits.items():
        arrays[f"{name}_probabilities"], arrays[f"{name}_labels"] = probabilities, labels
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def serialize_checkpoint(
    state: TrainingState,
    config: TrialConfig,
    *,
    study_fingerprint: str,
    epochs: Sequence[EpochResult],
    duration_s: float,
) -> bytes:
    """A state in the safetensors format: with it, training goes on as if not interrupted.

    Besides `state`, it holds the process's random state, which dropout draws from.

    Args:
        state: between two epochs.
        config: of the trial.
        study_fingerprint: fingerprint of the study that the trial belongs to.
        epochs: finished so far.
        duration_s: that they took, in seconds.
    """
    header = {
        "config": config.to_dict(),
        "study_fingerprint": study_fingerprint,
        "best_epoch": state.best_epoch,
        "best_macro_f1": state.best_macro_f1,
        "epochs": [asdict(epoch) for epoch in epochs],
        "duration_s": duration_s,
    }
    return bytes(
        save(_move_to_cpu(_collect_tensors(state)), metadata={"state": json.dumps(header)})
    )


def load_checkpoint(
    content: bytes, name: str, config: TrialConfig, *, study_fingerprint: str, device: torch.device
) -> Checkpoint:
    """Read what `serialize_checkpoint` gave, and set the process's random state to what it was.

    Args:
        content: of the file.
        name: of the file, for messages.
        config: of the trial.
        study_fingerprint: fingerprint of its study.
        device: to go on with.

    Returns:
        What `serialize_checkpoint` was given.

    Raises:
        ConflictError: the file is cut off.
        DataError: it is whole, and is no state of this trial.
    """
    header = read_checkpoint_header(content, len(content), name)
    if header.study_fingerprint != study_fingerprint or header.config != config.to_dict():
        raise DataError(f"{name} is the state of another trial", path=name, remedy=RETRAIN_HINT)
    try:
        tensors = load(content)
        epochs = [EpochResult(**values) for values in header.epochs]
        state = TrainingState.create(config, device)
        state.epoch = len(epochs)
        state.best_epoch, state.best_macro_f1 = header.best_epoch, header.best_macro_f1
        _restore_training(state, tensors, device)
        return Checkpoint(state, epochs, float(header.duration_s))
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{name} does not fit the network: {reason:.150}", path=name, remedy=RETRAIN_HINT
        ) from error


def _move_to_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _collect_tensors(state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"model.{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    for index, values in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": v for name, v in values.items() if v is not None}
    tensors |= {
        "random.shuffle": state.shuffle_generator.get_state(),
        "random.cpu": torch.get_rng_state(),
    }
    device = next(state.model.parameters()).device
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def _restore_training(
    state: TrainingState, tensors: Mapping[str, Tensor], device: torch.device
) -> None:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}, "random": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    state.model.load_state_dict(parts["best"])  # as a check
    state.model.load_state_dict(parts["model"])
    state.best_weights = {name: value.to(device) for name, value in parts["best"].items()}
    _restore_optimizer(state, parts["optimizer"])
    state.shuffle_generator.set_state(parts["random"]["shuffle"])
    torch.set_rng_state(parts["random"]["cpu"])
    if device.type == "cuda" and "cuda" in parts["random"]:
        torch.cuda.set_rng_state(parts["random"]["cuda"], device)


def _restore_optimizer(state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    is_adam = isinstance(state.optimizer, torch.optim.Adam)
    names = ["step", "exp_avg", "exp_avg_sq"] if is_adam else ["momentum_buffer"]
    parameters = [parameter.detach() for parameter in state.model.parameters()]
    if not is_adam and not state.optimizer.defaults["momentum"]:
        names = []
    if tensors.keys() != {f"{index}.{name}" for index in range(len(parameters)) for name in names}:
        raise ValueError("the optimizer's state is not of these parameters")
    # In memory as the parameters are: PyTorch's fused optimizers go through both in step.
    moments = {
        index: {
            name: torch.empty_like(reference).copy_(tensors[f"{index}.{name}"])
            if name != "step"
            else tensors[f"{index}.step"]
            for name in names
        }
        for index, reference in enumerate(parameters)
    }
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": moments if names else {}, "param_groups": groups})
