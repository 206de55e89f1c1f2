"""The function that Ray Tune runs: a configuration in, a report an epoch, the outcome last."""

import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from bloodnets import metrics
from bloodnets.checkpoint import save_model, save_predictions
from bloodnets.config import TrialConfig
from bloodnets.data import BloodCells
from bloodnets.errors import MachineError
from bloodnets.models import count_parameters
from bloodnets.training import (
    DeviceSplit,
    NonFiniteLossError,
    TrainingState,
    probabilities,
    stop_reason,
    train,
)


def run_trial(tune_config: Mapping[str, Any], *, cells: BloodCells) -> None:
    """Train one trial and report to Ray Tune.

    Reports `{"epoch": {...}}` after each epoch (the fields of `training.EpochResult`) and, last,
    `{"outcome": {...}}` with a checkpoint that holds `model.safetensors` and `predictions.npz`.
    A loss that is not finite is reported as `{"diverged": text}` and ends the trial: it would come
    again. Any other exception is reported as `{"error": text}` before it goes on to Ray Tune,
    which decides whether to try again.

    Args:
        tune_config: `trial` holds `config`, a `TrialConfig` as a dict, and `look`, whether to
            evaluate on test.
        cells: the data, from Ray's object store: shared between workers, so never written to.
    """
    trial = tune_config["trial"]
    try:
        _run(TrialConfig.from_dict(trial["config"]), cells, look=trial["look"])
    except NonFiniteLossError as error:
        tune.report({"diverged": _line(error)})
    except Exception as error:
        tune.report({"error": _line(error)})
        raise


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.300}"


def _run(config: TrialConfig, cells: BloodCells, *, look: bool) -> None:
    began, started_at = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    device = _device()
    evaluated = ("val", "test") if look else ("val",)
    splits = {name: DeviceSplit.of(getattr(cells, name), device) for name in ("train", *evaluated)}
    state = TrainingState.start(config, device)
    for result in train(state, config, train=splits["train"], val=splits["val"]):
        tune.report({"epoch": asdict(result)})

    state.model.load_state_dict(state.best_weights)
    # The one look at test: after the last choice (of the epoch, by val) has been made.
    predictions = {
        name: (
            probabilities(state.model, splits[name].images, config.loss),
            getattr(cells, name).labels,
        )
        for name in evaluated
    }
    outcome = {
        "stop_reason": stop_reason(state, config),
        "best_epoch": state.best_epoch,
        "epochs": state.epoch,
        "started_at": started_at,
        "duration_s": time.perf_counter() - began,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "host": socket.gethostname(),
        "parameters": count_parameters(state.model),
        "scores": {
            name: metrics.scores(metrics.confusion_matrix(labels, values.argmax(1)))
            | {"auc": metrics.auc(labels, values)}
            for name, (values, labels) in predictions.items()
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), state.best_weights, config)
        save_predictions(Path(folder), predictions)
        tune.report({"outcome": outcome}, checkpoint=tune.Checkpoint.from_directory(folder))


def _device() -> torch.device:
    """The GPU that Ray assigned to this trial, else the CPU with as many threads as cores."""
    # Workers are reused, so the thread count of an earlier trial must not remain.
    resources = ray.get_runtime_context().get_assigned_resources()
    torch.set_num_threads(max(1, int(resources.get("CPU", 1))))
    if not resources.get("GPU"):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise MachineError(
            f"Ray assigned a GPU on {socket.gethostname()}, but its PyTorch {torch.__version__} "
            f"cannot use it; install a CUDA build, or use --gpus-per-trial 0"
        )
    return torch.device("cuda")
