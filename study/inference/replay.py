"""Train one trial of a study again, and say how far it comes out otherwise."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError, DataError, MachineError
from bloodnets.training.loop import (
    DeviceSplit,
    EpochResult,
    NonFiniteLossError,
    TrainingState,
    train,
)
from reports.format.text import settings
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord, TrialRecord
from study.inference.model_selection import _name, find_trial

COMPARED = {
    "train_loss": "train loss",
    "val_loss": "val loss",
    "val_accuracy": "val accuracy",
    "val_macro_f1": "val macro F1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A trial, trained again.

    Attributes:
        record: of the trial.
        epochs: compared; fewer than it ran only if training diverged sooner.
        deviations: the largest absolute difference over the epochs of each of `COMPARED`, in
            nats or as a fraction.
        weights: the largest absolute difference of the weights of the best epoch; infinity if
            another epoch is the best; None if the trial kept none.
        diverged: why training ended, if it diverged.
    """

    record: TrialRecord
    epochs: int
    deviations: dict[str, float]
    weights: float | None
    diverged: str | None


def replay(
    ledger: Ledger,
    trial: str,
    cells: BloodCells,
    *,
    on_epoch: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Train a trial again for as many epochs as it ran, in this process; test is not looked at.

    Args:
        ledger: of any study.
        trial: as in `find_trial`.
        cells: the study's data.
        on_epoch: is told in words how far it is.

    Raises:
        DataError: there is no such trial, or nothing of it to compare with.
        MachineError: it was trained on a GPU, and there is none here.
        ConflictError: the ledger cannot be read.
    """
    planned = find_trial(ledger, trial)
    record = ledger.trial(planned)
    if record is None:
        raise DataError(f"{planned.id} has not ended: there is nothing to compare with")
    if not record.epochs and record.stop_reason != "diverged":
        raise DataError(f"{planned.id} ended before its first epoch ({record.error})")
    cpus, device = _resources(ledger.study)
    before = torch.get_num_threads()
    torch.set_num_threads(cpus)
    try:
        return _again(ledger, record, cells, device, on_epoch)
    finally:
        torch.set_num_threads(before)


def _again(
    ledger: Ledger,
    record: TrialRecord,
    cells: BloodCells,
    device: torch.device,
    on_epoch: Callable[[str], None],
) -> Replay:
    config = TrialConfig.from_dict(record.config)
    state, stored = TrainingState.start(config, device), ledger.epochs(record.id)
    splits = {name: DeviceSplit.of(getattr(cells, name), device) for name in ("train", "val")}
    run = train(state, config, train=splits["train"], val=splits["val"])
    results: list[EpochResult] = []
    diverged = None
    # One epoch more of a trial that diverged: the one in which it did.
    count = record.epochs + (record.stop_reason == "diverged")
    try:
        for result in islice(run, count):
            results.append(result)
            on_epoch(f"{_name(record)}: epoch {result.epoch} of {count}")
    except NonFiniteLossError as error:
        diverged = str(error)
    pairs = list(zip(results, stored, strict=False))
    return Replay(
        record=record,
        epochs=len(pairs),
        deviations={
            name: max((abs(getattr(a, name) - getattr(b, name)) for a, b in pairs), default=0.0)
            for name in COMPARED
        },
        weights=_weights(ledger, record, state) if record.status == "complete" else None,
        diverged=diverged,
    )


def _weights(ledger: Ledger, record: TrialRecord, state: TrainingState) -> float:
    name = f"models/{record.id}.safetensors"
    try:
        kept = load(ledger.content(name))
    except SafetensorError as error:
        raise ConflictError(f"{ledger.place / name} cannot be read: {error}") from error
    if state.best_epoch != record.best_epoch or kept.keys() != state.best_weights.keys():
        return float("inf")
    found = {key: value.cpu() for key, value in state.best_weights.items()}
    return max(float((found[key] - kept[key]).abs().max()) for key in kept)


def lines(found: Replay) -> Iterator[str]:
    """What the command prints."""
    config = found.record.config
    yield f"{_name(found.record)}: {settings(config)}, seed {config['seed']}"
    words = ", ".join(f"{COMPARED[key]} {value:.2g}" for key, value in found.deviations.items())
    largest = max(found.deviations.values())
    said = f"largest deviation {largest:.2g}" + (f" ({words})" if largest else " in every score")
    if found.epochs:
        yield f"{plural(found.epochs, 'epoch')} trained again: {said}"
    if found.weights is not None:
        other = "of another epoch" if found.weights == float("inf") else f"{found.weights:.2g}"
        yield f"weights kept: {'equal to the bit' if found.weights == 0 else other}"
    if found.diverged is not None:
        yield f"it diverged: {found.diverged}"


def _resources(study: StudyRecord) -> tuple[int, torch.device]:
    """Threads and device of a trial, as `study.describe` put them into words."""
    words = re.match(r"([0-9]+) CPU, ([0-9.]+) GPU", study.hardware.get("per trial", ""))
    cpus, gpus = (int(words[1]), float(words[2])) if words else (1, 0.0)
    if gpus and not torch.cuda.is_available():
        raise MachineError(f"{study.name} was trained on a GPU, and PyTorch sees none here")
    return cpus, torch.device("cuda" if gpus else "cpu")
