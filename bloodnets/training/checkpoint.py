"""Serialize and load weights and checkpoints (safetensors) and predictions (npz).

Nothing is pickled, so loading a file cannot execute code.
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
from bloodnets.data_shape import DataShape
from bloodnets.errors import ConflictError, DataError
from bloodnets.models import build_model
from bloodnets.storage.checkpoint_header import RETRAIN_HINT, read_checkpoint_header
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.training_state import TrainingState


class Checkpoint(NamedTuple):
    """Contents of the checkpoint of an unfinished trial.

    Attributes:
        state: Training state for the next epoch, except PyTorch's global random state, which
            `load_checkpoint` has already restored.
        epochs: Results of the finished epochs.
        duration_s: Training time of these epochs in seconds.
    """

    state: TrainingState
    epochs: list[EpochResult]
    duration_s: float


def serialize_model(weights: Mapping[str, Tensor], config: TrialConfig) -> bytes:
    """Return weights in the safetensors format; the same weights give the same bytes.

    Args:
        weights: State dict of a model.
        config: Configuration for `models.build_model`, stored in the header.
    """
    # Only one key, because safetensors does not keep the order of several.
    header = {"config": json.dumps(config.to_dict(), sort_keys=True)}
    return bytes(save(_move_to_cpu(weights), metadata=header))


def load_model(content: bytes, name: str, config: TrialConfig, shape: DataShape) -> nn.Module:
    """Load a model from the weights that `serialize_model` wrote.

    Args:
        content: Contents of the file.
        name: File name, used in messages.
        config: Configuration with which the model was trained.
        shape: Shape of the data on which it was trained.

    Returns:
        Model on the CPU in evaluation mode: without dropout, with fixed batch statistics.

    Raises:
        ConflictError: The file is not in the safetensors format, or is for another network.
    """
    try:
        model = build_model(config, shape)
        model.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ConflictError(
            f"{name} does not match the network: {reason:.150}", path=name
        ) from error
    return model.eval()


def serialize_predictions(
    splits: Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]],
) -> bytes:
    """Return predictions in NumPy's npz format; the same predictions give the same bytes.

    Args:
        splits: Probabilities, float32, shape (n, classes), and labels, uint8, shape (n,), by name
            of the split.
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
    """Return a checkpoint, from which training resumes as if it had not been interrupted.

    The checkpoint is in the safetensors format. It contains `state` and the random state of the
    process, which dropout uses.

    Args:
        state: Training state between two epochs.
        config: Configuration of the trial.
        study_fingerprint: Fingerprint of the trial's study.
        epochs: Results of the finished epochs.
        duration_s: Training time of these epochs in seconds.
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
    content: bytes,
    name: str,
    config: TrialConfig,
    shape: DataShape,
    *,
    study_fingerprint: str,
    device: torch.device,
) -> Checkpoint:
    """Load a checkpoint and restore the random state of the process.

    Args:
        content: Contents of the file.
        name: File name, used in messages.
        config: Configuration of the trial.
        shape: Shape of the study's data.
        study_fingerprint: Fingerprint of the trial's study.
        device: Device on which training resumes.

    Returns:
        Values that `serialize_checkpoint` was given.

    Raises:
        ConflictError: The file is truncated.
        DataError: The file is complete but is not a checkpoint of this trial.
    """
    header = read_checkpoint_header(content, len(content), name)
    if header.study_fingerprint != study_fingerprint or header.config != config.to_dict():
        raise DataError(
            f"{name} is the checkpoint of another trial", path=name, remedy=RETRAIN_HINT
        )
    try:
        tensors = load(content)
        epochs = [EpochResult(**values) for values in header.epochs]
        state = TrainingState.create(config, shape, device)
        state.epoch = len(epochs)
        state.best_epoch, state.best_macro_f1 = header.best_epoch, header.best_macro_f1
        _restore_training(state, tensors, device)
        return Checkpoint(state, epochs, float(header.duration_s))
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{name} does not match the network: {reason:.150}", path=name, remedy=RETRAIN_HINT
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
    state.model.load_state_dict(parts["best"])  # checks that they fit the model
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
        raise ValueError("the optimizer state does not match the parameters")
    # PyTorch's fused optimizers need moments with the memory layout of the parameters.
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
