"""The function that Ray Tune runs: train one trial and report each epoch and the outcome."""

import hashlib
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import ray
import torch
from ray import tune

from bloodnets import metrics
from bloodnets.constants import N_ORIENTATIONS
from bloodnets.data.folds import select_fold
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import DataShape
from bloodnets.errors import ResourceError
from bloodnets.messages import (
    EpochReport,
    FailureKind,
    TrialFailure,
    TrialOutcome,
    TrialReport,
    TrialSpec,
    make_result,
    read_spec,
)
from bloodnets.models import count_operations, count_parameters
from bloodnets.reporter import TrialReporter
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import parse_location
from bloodnets.storage.remote import RemoteStorage, open_storage
from bloodnets.training.checkpoint import (
    load_checkpoint,
    serialize_checkpoint,
    serialize_model,
    serialize_predictions,
)
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.evaluation import predict_probabilities
from bloodnets.training.loop import NonFiniteLossError, get_stop_reason, train
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.training.training_state import DeviceSplit, TrainingState
from bloodnets.versions import collect_versions

CHECKPOINT_TIME_SHARE = 0.05
"""Approximate share of a trial's time spent on checkpoints. On a CPU, where an epoch takes seconds,
a checkpoint is written after nearly every epoch."""


def run_trial(tune_config: Mapping[str, object], *, cells: BloodCells) -> None:
    """Train one trial and report to Ray Tune.

    The function reports its epochs (see `TrialReporter`). It reports a `TrialOutcome` when the
    model and the predictions are in the study's folder. Checkpoints are written there from time to
    time. A trial that finds one resumes from it and first reports the epochs in it.

    An exception is reported as a `TrialFailure`. A loss that is not finite ends the trial, because
    it would recur. Any other exception is re-raised, and Ray Tune decides whether to retry.

    Args:
        tune_config: Configuration from Ray Tune that contains the trial; see `messages.read_spec`.
        cells: Data from Ray's object store; read-only, because workers share it.
    """
    spec = read_spec(tune_config)
    reporter = TrialReporter(_send, rungs=spec.rungs, interval_s=spec.report_interval_s)
    try:
        reporter.end(_train(spec, cells, reporter))
    except NonFiniteLossError as error:
        reporter.end(_make_failure(FailureKind.NON_FINITE_LOSS, error))
    except ResourceError as error:
        reporter.end(
            TrialFailure(
                kind=FailureKind.RESOURCE,
                message=_shorten(error.problem),
                exception=type(error).__name__,
                path=error.path,
                remedy=error.remedy,
            )
        )
        raise
    except Exception as error:
        reporter.end(_make_failure(FailureKind.ERROR, error))
        raise


def _send(report: TrialReport) -> None:
    tune.report(make_result(report))


def _make_failure(kind: FailureKind, error: Exception) -> TrialFailure:
    return TrialFailure(kind=kind, message=_shorten(str(error)), exception=type(error).__name__)


def _shorten(text: str) -> str:
    return f"{' '.join(text.split()):.300}"


def _train(spec: TrialSpec, cells: BloodCells, reporter: TrialReporter) -> TrialOutcome:
    """Train a trial, write its model and predictions, and return its outcome."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    keep_freed_memory()
    device, storage = _select_device(), _open_study_storage(spec)
    cells = select_fold(cells, spec.config)
    evaluated_splits = ("val", "test") if spec.evaluate_test else ("val",)
    splits = {
        name: DeviceSplit.from_numpy(getattr(cells, name), device)
        for name in ("train", *evaluated_splits)
    }
    state, start_s = _train_with_checkpoints(
        spec, storage, splits, cells.shape, device, reporter=reporter
    )
    stop_reason = get_stop_reason(state, spec.config)
    if stop_reason is None:
        raise RuntimeError(f"training ended after epoch {state.epoch} without a stop reason")
    state.model.load_state_dict(state.best_weights)
    # The only test evaluation comes after the last selection (of the epoch, by val).
    predictions = {
        name: (
            predict_probabilities(
                state.model,
                splits[name].images,
                spec.config.loss,
                orientations=spec.config.orientations,
            ),
            getattr(cells, name).labels,
        )
        for name in evaluated_splits
    }
    files = {
        f"models/{spec.id}.safetensors": serialize_model(state.best_weights, spec.config),
        f"predictions/{spec.id}.npz": serialize_predictions(predictions),
    }
    for name, content in files.items():
        _write_file(storage, name, content)
    return TrialOutcome(
        stop_reason=stop_reason,
        best_epoch=state.best_epoch,
        epochs=state.epoch,
        started_at=started_at,
        duration_s=time.perf_counter() - start_s,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        host=socket.gethostname(),
        # PyTorch itself names its build, which the metadata of a package may omit.
        versions=collect_versions() | {"torch": torch.__version__},
        parameters=count_parameters(state.model),
        operations=count_operations(state.model, cells.shape)
        * (N_ORIENTATIONS if spec.config.orientations else 1),
        scores={
            name: metrics.compute_scores(
                metrics.compute_confusion_matrix(
                    labels, probabilities.argmax(1), cells.shape.n_classes
                )
            )
            | {"auc": metrics.compute_auc(labels, probabilities)}
            for name, (probabilities, labels) in predictions.items()
        },
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )


def _train_with_checkpoints(
    spec: TrialSpec,
    storage: LocalStorage | RemoteStorage,
    splits: Mapping[str, DeviceSplit],
    shape: DataShape,
    device: torch.device,
    *,
    reporter: TrialReporter,
) -> tuple[TrainingState, float]:
    """Return the final state, and the start time shifted back by earlier training time."""
    start_s, name = time.perf_counter(), get_checkpoint_name(spec.id)
    try:
        content, path = storage.read(name), str(storage.location / name)
        state, epochs, previous_s = load_checkpoint(
            content,
            path,
            spec.config,
            shape,
            study_fingerprint=spec.study_fingerprint,
            device=device,
        )
    except FileNotFoundError:
        state, epochs, previous_s = TrainingState.create(spec.config, shape, device), [], 0.0
    except OSError as error:
        raise _make_storage_error("read", storage, name, error) from error
    start_s -= previous_s
    reporter.report_restored(_make_restored_reports(epochs))
    last_save_s, save_duration_s = time.perf_counter(), 0.0
    for result in train(state, spec.config, train_split=splits["train"], val_split=splits["val"]):
        # At a rung, this returns only when the driver lets the trial continue. So a checkpoint
        # never contains a rung for which the driver has not decided.
        reporter.add_epoch(
            EpochReport(result=result, best_val_macro_f1=state.best_macro_f1, restored=False)
        )
        epochs.append(result)
        now_s = time.perf_counter()
        if (
            save_duration_s <= CHECKPOINT_TIME_SHARE * (now_s - last_save_s)
            and get_stop_reason(state, spec.config) is None
        ):
            content = serialize_checkpoint(
                state,
                spec.config,
                study_fingerprint=spec.study_fingerprint,
                epochs=epochs,
                duration_s=now_s - start_s,
            )
            _write_file(storage, name, content)
            last_save_s, save_duration_s = time.perf_counter(), time.perf_counter() - now_s
    return state, start_s


def _make_restored_reports(epochs: list[EpochResult]) -> Iterator[EpochReport]:
    best = 0.0
    for result in epochs:
        best = max(best, result.val_macro_f1)
        yield EpochReport(result=result, best_val_macro_f1=best, restored=True)


def _open_study_storage(spec: TrialSpec) -> LocalStorage | RemoteStorage:
    """Return the study's storage after checking that this node sees the driver's files."""
    location = parse_location(spec.location)
    try:
        storage = open_storage(location)
        if storage.exists(spec.probe_file):
            return storage
        problem = "the study's files are not there"
    except OSError as error:
        problem = error.strerror or str(error)
    raise ResourceError(
        f"{socket.gethostname()} cannot use {location}: {problem}",
        path=str(location),
        remedy="use a folder that all nodes mount, or --storage s3://…",
    )


def _write_file(storage: LocalStorage | RemoteStorage, name: str, content: bytes) -> None:
    """Write a file; raise `ResourceError`, which is not a fault of the trial, if this fails."""
    try:
        storage.write(name, content)
    except OSError as error:
        raise _make_storage_error("write", storage, name, error) from error


def _make_storage_error(
    action: str, storage: LocalStorage | RemoteStorage, name: str, error: OSError
) -> ResourceError:
    return ResourceError(
        f"cannot {action} {storage.location / name} on {socket.gethostname()}: "
        f"{error.strerror or error}",
        path=str(storage.location / name),
    )


def _select_device() -> torch.device:
    """Return the GPU that Ray assigned to this trial, else the CPU with one thread per core."""
    # Workers are reused, so the thread count of an earlier trial must not remain.
    resources = ray.get_runtime_context().get_assigned_resources()
    torch.set_num_threads(max(1, int(resources.get("CPU", 1))))
    if not resources.get("GPU"):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ResourceError(
            f"Ray assigned a GPU on {socket.gethostname()}, but its PyTorch {torch.__version__} "
            f"cannot use it",
            remedy="install a CUDA build of PyTorch, or use --device cpu",
        )
    return torch.device("cuda")
