"""Recompute the scores and epochs in trial records from stored predictions and epochs."""

import io
import math
import zipfile
from collections.abc import Mapping

import numpy as np

from bloodnets import metrics
from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import TrialState
from reports.ledger.trial_predictions import TrialPredictions, read_predictions
from reports.verification.agreement import expect_equal
from reports.verification.labels import LabelCheck

_SUM_TOLERANCE = 1e-4
"""Largest deviation of a sum of eight float32 probabilities from 1, absolute. On real cells and a
CPU, the largest deviation measured is 3e-7."""

_SCORE_TOLERANCE = 1e-9
"""Largest relative difference of a score. Another order of summation changes it by about 1e-16, one
image more or less by 1e-4."""

_EPOCH_TOLERANCE = 1e-6
"""Largest absolute difference between the scores of the best epoch and of the predictions."""


def check_predictions(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """Check the labels and probabilities of every trial, and recompute every score.

    Args:
        ledger: Ledger of the study.
        records: Trial records by id.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: A file does not match.
    """
    study, label_check = ledger.study, LabelCheck(ledger.study.data)
    n_scores, n_classes = 0, len(study.data.class_names)
    for record in records.values():
        name = f"predictions/{record.id}.npz"
        for split, stored_scores in record.scores.items():
            predictions = read_predictions(ledger, record.id, split)
            _check_probabilities(name, split, predictions, n_classes)
            label_check.add(record.config, split, name, predictions.labels)
            _check_scores(record, split, stored_scores, predictions)
            n_scores += len(stored_scores)
        if record.scores:
            _check_splits(ledger, name, record)
    if study.grid is not None:
        label_check.check_folds(study.grid.folds)
    return (
        f"{format_count(n_scores, 'score')}: each follows from the stored predictions, whose "
        "labels are those of the data and whose probabilities sum to 1"
    )


def _check_probabilities(
    name: str, split: str, predictions: TrialPredictions, n_classes: int
) -> None:
    probabilities, labels = predictions
    shape, dtypes = probabilities.shape, f"{probabilities.dtype} and {labels.dtype}"
    if labels.ndim != 1 or not labels.size or shape != (labels.size, n_classes):
        raise ConflictError(
            f"{name}: on {split}, probabilities have shape {shape} and labels {labels.shape}",
            path=name,
        )
    if dtypes != "float32 and uint8":
        raise ConflictError(
            f"{name}: on {split}, probabilities and labels have types {dtypes}",
            path=name,
            value=dtypes,
            expected="float32 and uint8",
        )
    sums = probabilities.sum(axis=1, dtype=np.float64)
    # `>` would accept NaN.
    is_invalid = ~(np.abs(sums - 1) <= _SUM_TOLERANCE) | (probabilities < 0).any(axis=1)
    if is_invalid.any():
        row = int(is_invalid.argmax())
        raise ConflictError(
            f"{name}: on {split}, image {row} has the probabilities "
            f"{probabilities[row].tolist()}, which sum to {sums[row]:.6g}",
            path=name,
            value=float(sums[row]),
            expected="no value below 0, and a sum of 1",
        )


def _check_scores(
    record: TrialRecord,
    split: str,
    stored_scores: Mapping[str, float | None],
    predictions: TrialPredictions,
) -> None:
    confusion = metrics.compute_confusion_matrix(
        predictions.labels,
        predictions.probabilities.argmax(axis=1),
        predictions.probabilities.shape[1],
    )
    computed_scores = metrics.compute_scores(confusion) | {
        "auc": metrics.compute_auc(predictions.labels, predictions.probabilities)
    }
    name, source = f"trials/{record.id}.json", f"predictions/{record.id}.npz"
    expect_equal(
        name,
        f"list of scores on {split}",
        sorted(stored_scores),
        sorted(computed_scores),
        source,
    )
    for score, value in computed_scores.items():
        stored = stored_scores[score]
        # An undefined score is NaN when computed and None in the file.
        is_equal = (stored is None and math.isnan(value)) or (
            stored is not None and math.isclose(stored, value, rel_tol=_SCORE_TOLERANCE)
        )
        if not is_equal:
            expect_equal(name, f"{score} on {split}", stored, value, source)


def _check_splits(ledger: Ledger, name: str, record: TrialRecord) -> None:
    with zipfile.ZipFile(io.BytesIO(ledger.files.read(name))) as archive:
        array_names = sorted(archive.namelist())
    expected_names = [
        f"{s}_{part}.npy" for s in record.scores for part in ("probabilities", "labels")
    ]
    expect_equal(
        name,
        "list of arrays",
        array_names,
        sorted(expected_names),
        f"trials/{record.id}.json",
    )


def check_epochs(ledger: Ledger, records: Mapping[str, TrialRecord]) -> str:
    """Check that no epoch is missing, the best was kept, and training stopped when it should.

    Args:
        ledger: Ledger of the study.
        records: Trial records by id.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: A file does not match.
    """
    n_epochs = 0
    for record in records.values():
        epochs = ledger.read_epochs(record.id)
        name, source = f"trials/{record.id}.json", f"epochs/{record.id}.jsonl"
        expect_equal(name, "number of epochs", record.epochs, len(epochs), source)
        for line, epoch in enumerate(epochs, start=1):
            expect_equal(source, f"epoch in line {line}", epoch.epoch, line, "its line number")
        best, reason, last_epoch = _replay_stopping(
            epochs, record.config["patience"], record.config["max_epochs"]
        )
        expect_equal(name, "best epoch", record.best_epoch, best.epoch if best else None, source)
        expect_equal(source, "last epoch", len(epochs), last_epoch, "the stopping rule")
        if record.state is TrialState.COMPLETE:
            expect_equal(name, "stop_reason", record.stop_reason, reason, source)
        if record.state is TrialState.COMPLETE and best:
            _check_best_scores(record, best, source)
        n_epochs += len(epochs)
    count_text = format_count(n_epochs, "epoch")
    return f"{count_text}: the best was kept, and training stopped when it should"


def _replay_stopping(
    epochs: list[EpochRecord], patience: int, max_epochs: int
) -> tuple[EpochRecord | None, str | None, int]:
    """Return the first best epoch, the reason to stop, and the last epoch.

    The rule is that of `bloodnets.training.loop.get_stop_reason`.
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


def _check_best_scores(record: TrialRecord, best_epoch: EpochRecord, source: str) -> None:
    for score in ("macro_f1", "accuracy"):
        stored = record.scores["val"][score]
        expected = getattr(best_epoch, f"val_{score}")
        if stored is None or not abs(stored - expected) <= _EPOCH_TOLERANCE:
            name = f"trials/{record.id}.json"
            expect_equal(name, f"{score} on val", stored, expected, f"the best epoch of {source}")
