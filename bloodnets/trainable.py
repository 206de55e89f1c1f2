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
from bloodnets.errors import ResourceError
from bloodnets.models import count_operations, count_parameters
from bloodnets.storage.backends import LocalStorage, RemoteStorage, open_storage, parse_location
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.training.checkpoint import (
    load_checkpoint,
    serialize_checkpoint,
    serialize_model,
    serialize_predictions,
)
from bloodnets.training.loop import (
    DeviceSplit,
    NonFiniteLossError,
    TrainingState,
    get_stop_reason,
    predict_probabilities,
    train,
)
from bloodnets.training.malloc import keep_freed_memory

CHECKPOINT_TIME_SHARE = 0.05
"""Of a trial's time, about, that writing its state takes: on a CPU, where an epoch takes seconds,
it is written after nearly every one."""


def run_trial(tune_config: Mapping[str, Any], *, cells: BloodCells) -> None:
    """Train one trial and report to Ray Tune.

    Reports `{"epoch": {...}}` after each epoch (the fields of `loop.EpochResult`) and, last,
    `{"outcome": {...}}`, when its model and its predictions are in the study's folder. Now and then
    it writes its state there; a trial that finds one goes on from it, and first reports the epochs
    in it, with `"restored": True`.

    A loss that is not finite is reported as `{"diverged": text}` and ends the trial: it would come
    again. What the machine lacks, as room on the disk, is reported as `{"resource_error": text}`,
    any other exception as `{"error": text}`, before it goes on to Ray Tune, which decides whether
    to try again.

    Args:
        tune_config: `trial` holds `config`, a `TrialConfig` as a dict; `evaluate_test`, whether to
            evaluate on test; `id`; `location`, of the study's folder; `probe_file`, a file in it;
            and `study_fingerprint`, its fingerprint.
        cells: the data, from Ray's object store: shared between workers, so never written to.
    """
    trial = tune_config["trial"]
    try:
        _train_and_report(TrialConfig.from_dict(trial["config"]), cells, trial)
    except NonFiniteLossError as error:
        tune.report({"diverged": _format_error(error)})
    except ResourceError as error:
        tune.report({"resource_error": _format_error(error).partition(": ")[2]})
        raise
    except Exception as error:
        tune.report({"error": _format_error(error)})
        raise


def _format_error(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.300}"


def _train_and_report(config: TrialConfig, cells: BloodCells, trial: Mapping[str, Any]) -> None:
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    keep_freed_memory()
    device, storage = _select_device(), _open_study_storage(trial)
    evaluated_splits = ("val", "test") if trial["evaluate_test"] else ("val",)
    splits = {
        name: DeviceSplit.from_numpy(getattr(cells, name), device)
        for name in ("train", *evaluated_splits)
    }
    state, start_s = _train_with_checkpoints(config, trial, storage, splits, device)
    state.model.load_state_dict(state.best_weights)
    # The one look at test: after the last choice (of the epoch, by val) has been made.
    predictions = {
        name: (
            predict_probabilities(state.model, splits[name].images, config.loss),
            getattr(cells, name).labels,
        )
        for name in evaluated_splits
    }
    files = {
        f"models/{trial['id']}.safetensors": serialize_model(state.best_weights, config),
        f"predictions/{trial['id']}.npz": serialize_predictions(predictions),
    }
    for name, content in files.items():
        _write_file(storage, name, content)
    outcome = {
        "stop_reason": get_stop_reason(state, config),
        "best_epoch": state.best_epoch,
        "epochs": state.epoch,
        "started_at": started_at,
        "duration_s": time.perf_counter() - start_s,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "host": socket.gethostname(),
        "parameters": count_parameters(state.model),
        "operations": count_operations(state.model),
        "scores": {
            name: metrics.compute_scores(metrics.compute_confusion_matrix(labels, values.argmax(1)))
            | {"auc": metrics.compute_auc(labels, values)}
            for name, (values, labels) in predictions.items()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    tune.report({"outcome": outcome})


def _train_with_checkpoints(
    config: TrialConfig,
    trial: Mapping[str, Any],
    storage: LocalStorage | RemoteStorage,
    splits: Mapping[str, DeviceSplit],
    device: torch.device,
) -> tuple[TrainingState, float]:
    """The state at the end, and when training began, had it not been interrupted."""
    start_s, name, study_fingerprint = (
        time.perf_counter(),
        get_checkpoint_name(trial["id"]),
        trial["study_fingerprint"],
    )
    try:
        content, path = storage.read(name), str(storage.location / name)
        state, epochs, previous_s = load_checkpoint(
            content, path, config, study_fingerprint=study_fingerprint, device=device
        )
    except FileNotFoundError:
        state, epochs, previous_s = TrainingState.create(config, device), [], 0.0
    except OSError as error:
        raise _make_storage_error("read", storage, name, error) from error
    start_s -= previous_s
    for result in epochs:
        tune.report({"epoch": asdict(result), "restored": True})
    last_save_s, save_duration_s = time.perf_counter(), 0.0
    for result in train(state, config, train_split=splits["train"], val_split=splits["val"]):
        # Returns when the driver has said that the trial goes on: what a state holds is settled.
        tune.report({"epoch": asdict(result)})
        epochs.append(result)
        now_s = time.perf_counter()
        if (
            save_duration_s <= CHECKPOINT_TIME_SHARE * (now_s - last_save_s)
            and get_stop_reason(state, config) is None
        ):
            elapsed_s = now_s - start_s
            content = serialize_checkpoint(
                state,
                config,
                study_fingerprint=study_fingerprint,
                epochs=epochs,
                duration_s=elapsed_s,
            )
            _write_file(storage, name, content)
            last_save_s, save_duration_s = time.perf_counter(), time.perf_counter() - now_s
    return state, start_s


def _open_study_storage(trial: Mapping[str, Any]) -> LocalStorage | RemoteStorage:
    """The study's folder, if this machine sees the driver's."""
    location = parse_location(trial["location"])
    try:
        storage = open_storage(location)
        if storage.exists(trial["probe_file"]):
            return storage
        problem = "it does not see there what the study began"
    except OSError as error:
        problem = error.strerror or str(error)
    raise ResourceError(
        f"{socket.gethostname()} cannot use {location}: {problem}; several machines need a folder "
        f"that all of them mount, or --storage s3://…"
    )


def _write_file(storage: LocalStorage | RemoteStorage, name: str, content: bytes) -> None:
    """Write a file; what cannot be written is no fault of the trial's."""
    try:
        storage.write(name, content)
    except OSError as error:
        raise _make_storage_error("write", storage, name, error) from error


def _make_storage_error(
    action: str, storage: LocalStorage | RemoteStorage, name: str, error: OSError
) -> ResourceError:
    return ResourceError(
        f"cannot {action} {storage.location / name} on {socket.gethostname()}: "
        f"{error.strerror or error}"
    )


def _select_device() -> torch.device:
    """The GPU that Ray assigned to this trial, else the CPU with as many threads as cores."""
    # Workers are reused, so the thread count of an earlier trial must not remain.
    resources = ray.get_runtime_context().get_assigned_resources()
    torch.set_num_threads(max(1, int(resources.get("CPU", 1))))
    if not resources.get("GPU"):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ResourceError(
            f"Ray assigned a GPU on {socket.gethostname()}, but its PyTorch {torch.__version__} "
            f"cannot use it; install a CUDA build, or use --device cpu"
        )
    return torch.device("cuda")
