"""What a trained model leaves behind: weights as safetensors, predictions as npz. No pickle."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from bloodnets.config import TrialConfig

MODEL_FILE = "model.safetensors"
PREDICTIONS_FILE = "predictions.npz"


def save_model(folder: Path, weights: Mapping[str, Tensor], config: TrialConfig) -> None:
    """Write `model.safetensors`; the same weights give the same bytes.

    Args:
        folder: exists.
        weights: a model's state dict.
        config: what `models.build_model` needs to make the model again; kept in the header.
    """
    # One key only: safetensors writes several in an order of its own.
    header = {"config": json.dumps(config.to_dict(), sort_keys=True)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    save_file(tensors, folder / MODEL_FILE, metadata=header)


def save_predictions(
    folder: Path, splits: Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]]
) -> None:
    """Write `predictions.npz`; the same predictions give the same bytes.

    Args:
        folder: exists.
        splits: by name, probabilities float32 (n, 8) and labels uint8 (n,).
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, (probabilities, labels) in splits.items():
        arrays[f"{name}_probabilities"], arrays[f"{name}_labels"] = probabilities, labels
    np.savez(folder / PREDICTIONS_FILE, allow_pickle=False, **arrays)
