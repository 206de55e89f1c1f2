"""What a record says, computed again from its trial's stored predictions and epochs."""

import io
import math
import zipfile
from collections.abc import Mapping

import numpy as np

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from bloodnets.errors import ConflictError
from reports.format.units import plural
from reports.ledger.ledger import Ledger, Predictions
from reports.ledger.records import EpochRecord, TrialRecord

_SUM_TOLERANCE = 1e-4
"""By which a row of probabilities may miss 1: eight float32 numbers, each the exponential of a
logarithm. On real cells, and a CPU, the rows miss by 3e-7 at most."""

_SCORE_TOLERANCE = 1e-9
"""Relative: sums in another order differ by some 1e-16, one image more or less by 1e-4."""

_EPOCH_TOLERANCE = 1e-6
"""Absolute, between the scores of an epoch and those of the predictions that were stored after."""


def agree(file: str, what: str, says: object, found: object, by: str) -> None:
    """Compare what a file says with what it should say.

    Args:
        file: its name within the study's folder.
        what: is compared, in words.
        says: the file.
        found: instead.
        by: what gives `found`, in words.

    Raises:
        ConflictError: they differ; the message holds all five.
    """
    if says != found:
        raise ConflictError(f"{file} says that {what} is {says!s:.160}; {by} gives {found!s:.160}")


def check_predictions(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """Labels as in `study.json` and the same in every trial; every score computed again."""
    counts, first = ledger.study.data.class_counts, dict[str, tuple[str, Predictions]]()
    scores = 0
    for record in records.values():
        name = f"predictions/{record.id}.npz"
        for split, says in record.scores.items():
            own = ledger.predictions(record.id, split)
            _probabilities(f"{name}, {split},", own)
            of_class = np.bincount(own.labels, minlength=NUM_CLASSES)
            what = f"the number of {split} images of each class"
            agree("study.json", what, counts.get(split), tuple(of_class.tolist()), name)
            other, shared = first.setdefault(split, (name, own))
            if not np.array_equal(own.labels, shared.labels):
                raise ConflictError(f"{name} has other labels on {split} than {other}")
            _scores(record, split, says, own)
            scores += len(says)
        if record.scores:
            _splits(ledger, name, record)
    return (
        f"{plural(scores, 'score')}: each follows from the stored predictions, whose labels are "
        f"the same in every trial and whose probabilities sum to 1"
    )


def _probabilities(name: str, own: Predictions) -> None:
    probabilities, labels = own
    shape, kinds = probabilities.shape, f"{probabilities.dtype} and {labels.dtype}"
    if labels.ndim != 1 or not labels.size or shape != (labels.size, NUM_CLASSES):
        raise ConflictError(f"{name} has probabilities {shape} for labels {labels.shape}")
    if kinds != "float32 and uint8":
        raise ConflictError(f"{name} holds {kinds}; wanted: float32 and uint8")
    sums = probabilities.sum(axis=1, dtype=np.float64)
    # Not `>`, which would let pass what is not a number.
    wrong = ~(np.abs(sums - 1) <= _SUM_TOLERANCE) | (probabilities < 0).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ConflictError(
            f"{name} has {probabilities[row].tolist()} as the probabilities of image {row}, "
            f"which sum to {sums[row]:.6g}; wanted: none below 0, and a sum of 1"
        )


def _scores(
    record: TrialRecord, split: str, says: Mapping[str, float | None], own: Predictions
) -> None:
    confusion = metrics.confusion_matrix(own.labels, own.probabilities.argmax(axis=1))
    found = metrics.scores(confusion) | {"auc": metrics.auc(own.labels, own.probabilities)}
    name, by = f"trials/{record.id}.json", f"predictions/{record.id}.npz"
    agree(name, f"the list of scores on {split}", sorted(says), sorted(found), by)
    for score, value in found.items():
        stored = says[score]
        # An undefined score is NaN when computed, and None in the file.
        same = (stored is None and math.isnan(value)) or (
            stored is not None and math.isclose(stored, value, rel_tol=_SCORE_TOLERANCE)
        )
        if not same:
            agree(name, f"{score} on {split}", stored, value, by)


def _splits(ledger: Ledger, name: str, record: TrialRecord) -> None:
    with zipfile.ZipFile(io.BytesIO(ledger.content(name))) as archive:
        holds = sorted(archive.namelist())
    wanted = [f"{s}_{part}.npy" for s in record.scores for part in ("probabilities", "labels")]
    agree(name, "the list of its arrays", holds, sorted(wanted), f"trials/{record.id}.json")


def check_epochs(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """The epochs are all there, the best was kept, and training stopped where it should."""
    total = 0
    for record in records.values():
        epochs = ledger.epochs(record.id)
        name, by = f"trials/{record.id}.json", f"epochs/{record.id}.jsonl"
        agree(name, "the number of epochs", record.epochs, len(epochs), by)
        for line, epoch in enumerate(epochs, start=1):
            agree(by, f"the epoch in line {line}", epoch.epoch, line, "a count from 1")
        best, reason, last = _course(epochs, record.config["patience"], record.config["max_epochs"])
        agree(name, "the best epoch", record.best_epoch, best.epoch if best else None, by)
        agree(by, f"the last epoch of {record.id}", len(epochs), last, "the rule to stop")
        if record.status == "complete":
            agree(name, "the reason to stop", record.stop_reason, reason, by)
        if record.status == "complete" and best:
            _best_scores(record, best, by)
        total += len(epochs)
    return f"{plural(total, 'epoch')}: the best was kept, and training stopped where it should"


def _course(
    epochs: list[EpochRecord], patience: int, max_epochs: int
) -> tuple[EpochRecord | None, str | None, int]:
    """The first best epoch, the reason to stop, and the last epoch by it.

    The rule of `bloodnets.training.loop.stop_reason`.
    """
    best: EpochRecord | None = None
    for epoch in epochs:
        if best is None or epoch.val_macro_f1 > best.val_macro_f1:
            best = epoch
        if epoch.epoch - best.epoch >= patience:
            return best, "patience", epoch.epoch
        if epoch.epoch >= max_epochs:
            return best, "max_epochs", epoch.epoch
    return best, None, len(epochs)


def _best_scores(record: TrialRecord, best: EpochRecord, by: str) -> None:
    for score in ("macro_f1", "accuracy"):
        stored = record.scores["val"][score]
        found = getattr(best, f"val_{score}")
        if stored is None or not abs(stored - found) <= _EPOCH_TOLERANCE:
            name = f"trials/{record.id}.json"
            agree(name, f"{score} on val", stored, found, f"the best epoch of {by}")
