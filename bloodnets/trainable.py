"""The function that Ray Tune runs: a configuration in, a report an epoch, the outcome last."""

import hashlib
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import ray
import torch
from ray import tune

from bloodnets import metrics
from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import MachineError
from bloodnets.models import count_operations, count_parameters
from bloodnets.storage.backends import Local, Remote, place, storage_at
from bloodnets.storage.checkpoint_header import state_file
from bloodnets.training.checkpoint import load_state, model_file, predictions_file, save_state
from bloodnets.training.loop import (
    DeviceSplit,
    NonFiniteLossError,
    TrainingState,
    probabilities,
    stop_reason,
    train,
)
from bloodnets.training.malloc import keep_freed_memory

STATE_SHARE = 0.05
"""Of a trial's time, about, that writing its state takes: on a CPU, where an epoch takes seconds,
it is written after nearly every one."""


def run_trial(tune_config: Mapping[str, Any], *, cells: BloodCells) -> None:
    """Train one trial and report to Ray Tune.

    Reports `{"epoch": {...}}` after each epoch (the fields of `training.EpochResult`) and, last,
    `{"outcome": {...}}`, when its model and its predictions are in the study's folder. Now and then
    it writes its state there; a trial that finds one goes on from it, and first reports the epochs
    in it, with `"again": True`.

    A loss that is not finite is reported as `{"diverged": text}` and ends the trial: it would come
    again. What the machine lacks, as room on the disk, is reported as `{"machine": text}`, any
    other exception as `{"error": text}`, before it goes on to Ray Tune, which decides whether to
    try again.

    Args:
        tune_config: `trial` holds `config`, a `TrialConfig` as a dict; `look`, whether to evaluate
            on test; `id`; `place`, of the study's folder; `mark`, a file in it; and `study`, its
            fingerprint.
        cells: the data, from Ray's object store: shared between workers, so never written to.
    """
    trial = tune_config["trial"]
    try:
        _run(TrialConfig.from_dict(trial["config"]), cells, trial)
    except NonFiniteLossError as error:
        tune.report({"diverged": _line(error)})
    except MachineError as error:
        tune.report({"machine": _line(error).partition(": ")[2]})
        raise
    except Exception as error:
        tune.report({"error": _line(error)})
        raise


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.300}"


def _run(config: TrialConfig, cells: BloodCells, trial: Mapping[str, Any]) -> None:
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    keep_freed_memory()
    device, storage = _device(), _storage(trial)
    evaluated = ("val", "test") if trial["look"] else ("val",)
    splits = {name: DeviceSplit.of(getattr(cells, name), device) for name in ("train", *evaluated)}
    state, began = _train(config, trial, storage, splits, device)
    state.model.load_state_dict(state.best_weights)
    # The one look at test: after the last choice (of the epoch, by val) has been made.
    predictions = {
        name: (
            probabilities(state.model, splits[name].images, config.loss),
            getattr(cells, name).labels,
        )
        for name in evaluated
    }
    files = {
        f"models/{trial['id']}.safetensors": model_file(state.best_weights, config),
        f"predictions/{trial['id']}.npz": predictions_file(predictions),
    }
    for name, content in files.items():
        _write(storage, name, content)
    outcome = {
        "stop_reason": stop_reason(state, config),
        "best_epoch": state.best_epoch,
        "epochs": state.epoch,
        "started_at": started_at,
        "duration_s": time.perf_counter() - began,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "host": socket.gethostname(),
        "parameters": count_parameters(state.model),
        "operations": count_operations(state.model),
        "scores": {
            name: metrics.scores(metrics.confusion_matrix(labels, values.argmax(1)))
            | {"auc": metrics.auc(labels, values)}
            for name, (values, labels) in predictions.items()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    tune.report({"outcome": outcome})


def _train(
    config: TrialConfig,
    trial: Mapping[str, Any],
    storage: Local | Remote,
    splits: Mapping[str, DeviceSplit],
    device: torch.device,
) -> tuple[TrainingState, float]:
    """The state at the end, and when training began, had it not been interrupted."""
    began, name, study = time.perf_counter(), state_file(trial["id"]), trial["study"]
    try:
        content, path = storage.read(name), str(storage.place / name)
        state, epochs, before_s = load_state(content, path, config, study=study, device=device)
    except FileNotFoundError:
        state, epochs, before_s = TrainingState.start(config, device), [], 0.0
    except OSError as error:
        raise _cannot("read", storage, name, error) from error
    began -= before_s
    for result in epochs:
        tune.report({"epoch": asdict(result), "again": True})
    saved, cost_s = time.perf_counter(), 0.0
    for result in train(state, config, train=splits["train"], val=splits["val"]):
        # Returns when the driver has said that the trial goes on: what a state holds is settled.
        tune.report({"epoch": asdict(result)})
        epochs.append(result)
        now = time.perf_counter()
        if cost_s <= STATE_SHARE * (now - saved) and stop_reason(state, config) is None:
            spent_s = now - began
            content = save_state(state, config, study=study, epochs=epochs, duration_s=spent_s)
            _write(storage, name, content)
            saved, cost_s = time.perf_counter(), time.perf_counter() - now
    return state, began


def _storage(trial: Mapping[str, Any]) -> Local | Remote:
    """The study's folder, if this machine sees the driver's."""
    where = place(trial["place"])
    try:
        storage = storage_at(where)
        if storage.exists(trial["mark"]):
            return storage
        problem = "it does not see there what the study began"
    except OSError as error:
        problem = error.strerror or str(error)
    raise MachineError(
        f"{socket.gethostname()} cannot use {where}: {problem}; several machines need a folder "
        f"that all of them mount, or --storage s3://…"
    )


def _write(storage: Local | Remote, name: str, content: bytes) -> None:
    """Write a file; what cannot be written is no fault of the trial's."""
    try:
        storage.write(name, content)
    except OSError as error:
        raise _cannot("write", storage, name, error) from error


def _cannot(what: str, storage: Local | Remote, name: str, error: OSError) -> MachineError:
    return MachineError(
        f"cannot {what} {storage.place / name} on {socket.gethostname()}: {error.strerror or error}"
    )


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
            f"cannot use it; install a CUDA build, or use --device cpu"
        )
    return torch.device("cuda")
