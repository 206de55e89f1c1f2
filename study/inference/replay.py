"""Re-train one trial of a study and report how much the result differs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from bloodnets.config import TrialConfig
from bloodnets.data.folds import select_fold
from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError, ResourceError
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.loop import NonFiniteLossError, train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from reports.format.text import format_settings
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.lookup import get_trial_name
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.inference.trial_lookup import find_replayable_trial

COMPARED_METRICS = {
    "train_loss": "train loss",
    "val_loss": "val loss",
    "val_accuracy": "val accuracy",
    "val_macro_f1": "val macro F1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Comparison of a re-trained trial with its record.

    Attributes:
        record: Record of the trial.
        n_epochs: Number of compared epochs; less than the trial ran only if training diverged
            earlier.
        max_deviations: Largest absolute difference over the epochs, for each of
            `COMPARED_METRICS`: losses in nats, scores from 0 to 1.
        max_weight_deviation: Largest absolute difference of the weights of the best epoch. Infinity
            if another epoch is the best; None if the trial kept no weights.
        divergence_message: Message of the error if training diverged; else None.
    """

    record: TrialRecord
    n_epochs: int
    max_deviations: dict[str, float]
    max_weight_deviation: float | None
    divergence_message: str | None


def replay_trial(
    ledger: Ledger,
    trial: str,
    cells: BloodCells,
    *,
    on_epoch: Callable[[str], None] = lambda _: None,
) -> ReplayResult:
    """Re-train a trial in this process for as many epochs as it ran, without a test evaluation.

    Args:
        ledger: Ledger of a grid or a search.
        trial: Name of the trial, as in `find_trial`.
        cells: Data of the study.
        on_epoch: Function that is called with the progress in words after each epoch.

    Raises:
        DataError: There is no such trial, or it has no results to compare with.
        ResourceError: The trial was trained on a GPU, and none is available.
        ConflictError: The ledger cannot be read.
    """
    record = find_replayable_trial(ledger, trial)
    device = _select_device(ledger.study)
    previous_threads = torch.get_num_threads()
    torch.set_num_threads(ledger.study.resources.cpus_per_trial)
    try:
        return _retrain(ledger, record, cells, device, on_epoch)
    finally:
        torch.set_num_threads(previous_threads)


def _retrain(
    ledger: Ledger,
    record: TrialRecord,
    cells: BloodCells,
    device: torch.device,
    on_epoch: Callable[[str], None],
) -> ReplayResult:
    config = TrialConfig.from_dict(record.config)
    cells = select_fold(cells, config)
    state = TrainingState.create(config, cells.shape, device)
    stored_epochs = ledger.read_epochs(record.id)
    splits = {
        name: DeviceSplit.from_numpy(getattr(cells, name), device) for name in ("train", "val")
    }
    epoch_results = train(state, config, train_split=splits["train"], val_split=splits["val"])
    results: list[EpochResult] = []
    divergence_message = None
    # A trial that diverged has no result for its last epoch, so one epoch is added.
    n_epochs = record.epochs + (record.stop_reason is StopReason.DIVERGED)
    try:
        for result in islice(epoch_results, n_epochs):
            results.append(result)
            on_epoch(f"{get_trial_name(record.id)}: epoch {result.epoch} of {n_epochs}")
    except NonFiniteLossError as error:
        divergence_message = str(error)
    pairs = list(zip(results, stored_epochs, strict=False))
    return ReplayResult(
        record=record,
        n_epochs=len(pairs),
        max_deviations={
            name: max((abs(getattr(a, name) - getattr(b, name)) for a, b in pairs), default=0.0)
            for name in COMPARED_METRICS
        },
        max_weight_deviation=_compare_weights(ledger, record, state)
        if record.state is TrialState.COMPLETE
        else None,
        divergence_message=divergence_message,
    )


def _compare_weights(ledger: Ledger, record: TrialRecord, state: TrainingState) -> float:
    name = f"models/{record.id}.safetensors"
    try:
        stored_weights = load(ledger.files.read(name))
    except SafetensorError as error:
        path = str(ledger.location / name)
        raise ConflictError(f"{path} cannot be read: {error}", path=path) from error
    if state.best_epoch != record.best_epoch or stored_weights.keys() != state.best_weights.keys():
        return float("inf")
    new_weights = {key: value.cpu() for key, value in state.best_weights.items()}
    return max(
        float((new_weights[key] - stored_weights[key]).abs().max()) for key in stored_weights
    )


def format_replay_lines(result: ReplayResult) -> Iterator[str]:
    """Yield the lines that the command prints."""
    config = result.record.config
    fold_text = f", fold {config['fold']}" if "fold" in config else ""
    yield (
        f"{get_trial_name(result.record.id)}: {format_settings(config)}, seed {config['seed']}"
        f"{fold_text}"
    )
    metric_deviations = ", ".join(
        f"{COMPARED_METRICS[key]} {value:.2g}" for key, value in result.max_deviations.items()
    )
    largest = max(result.max_deviations.values())
    deviation_text = f"largest deviation {largest:.2g}" + (
        f" ({metric_deviations})" if largest else " in every metric"
    )
    if result.n_epochs:
        yield f"{format_count(result.n_epochs, 'epoch')} re-trained: {deviation_text}"
    if result.max_weight_deviation is not None:
        difference_text = (
            "from another epoch"
            if result.max_weight_deviation == float("inf")
            else f"largest deviation {result.max_weight_deviation:.2g}"
        )
        weights_text = "bit-identical" if result.max_weight_deviation == 0 else difference_text
        yield f"best weights: {weights_text}"
    if result.divergence_message is not None:
        yield f"training diverged: {result.divergence_message}"


def _select_device(study: StudyRecord) -> torch.device:
    if not study.resources.gpus_per_trial:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ResourceError(
            f"{study.name} was trained on a GPU, but PyTorch finds none here",
            remedy="run the command on a machine with a GPU",
        )
    return torch.device("cuda")
