"""Collect the predictions of several trials on the same test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodnets.errors import ConflictError
from bloodnets.metrics import IntArray
from reports.ledger.planned_trial import get_replicate_name
from reports.ledger.records import StudyRecord, TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPredictions:
    """Predictions of several trials on the same test images.

    Attributes:
        trials: Frame with a row for each trial, in the order of the arrays: `study`, `id`,
            `configuration`, `family`, `loss`, `optimizer` (str), `seed` (int), `folds`, `fold`
            (Int64, <NA> without a cross-validation) and `replicate` (str, name of seed and fold,
            e.g. `s0` or `s0-f2`). Trials are compared in pairs of the same replicate. If there are
            several studies, `configuration` begins with the name of the study, and `replicate` ends
            with the number of folds.
        labels: True classes, int64, shape (n,).
        probabilities: Class probabilities, float32, shape (trials, n, classes).
    """

    trials: pd.DataFrame
    labels: IntArray
    probabilities: NDArray[np.float32]

    @property
    def predicted_classes(self) -> IntArray:
        """Predicted classes, int64, shape (trials, n)."""
        return np.asarray(self.probabilities.argmax(axis=2), dtype=np.int64)

    @property
    def n_classes(self) -> int:
        """Number of classes, also without trials."""
        return int(self.probabilities.shape[2])

    @property
    def configurations(self) -> list[str]:
        """Names of the configurations that have a trial here, in order."""
        return [str(name) for name in self.trials["configuration"].unique()]


def make_test_predictions(
    study: StudyRecord,
    records: Sequence[TrialRecord],
    probabilities: Mapping[str, NDArray[np.float32]],
    labels: IntArray | None,
) -> TestPredictions:
    """Return the predictions of the trials of one study.

    Args:
        study: Settings and plan of the study.
        records: Records of the complete trials that were evaluated on test.
        probabilities: Class probabilities of these trials, by id, float32, each of shape
            (n, classes).
        labels: True classes, int64, shape (n,); None without trials.
    """
    settings = ["family", "loss", "optimizer", "seed", "folds", "fold"]
    rows = [
        {"study": study.name, "id": record.id, "configuration": record.configuration}
        | {key: value for key, value in record.config.items() if key in settings}
        | {"replicate": get_replicate_name(record.config)}
        for record in records
    ]
    columns = ["study", "id", "configuration", *settings, "replicate"]
    return TestPredictions(
        trials=pd.DataFrame(rows, columns=columns).astype({"folds": "Int64", "fold": "Int64"}),
        labels=np.empty(0, np.int64) if labels is None else labels,
        probabilities=np.stack([probabilities[record.id] for record in records])
        if records
        else np.empty((0, 0, len(study.data.class_names)), np.float32),
    )


def join_predictions(predictions_by_study: Mapping[str, TestPredictions]) -> TestPredictions:
    """Join the trials of several studies of the same data.

    Args:
        predictions_by_study: Predictions by name of the study, all with the same labels. A study
            without trials has no labels.
    """
    if any(len(predictions.trials) for predictions in predictions_by_study.values()):
        predictions_by_study = {
            study: predictions
            for study, predictions in predictions_by_study.items()
            if len(predictions.trials)
        }
    frames = [
        predictions.trials.assign(
            study=study,
            configuration=[f"{study}: {name}" for name in predictions.trials["configuration"]],
            replicate=_add_folds(predictions.trials),
        )
        for study, predictions in predictions_by_study.items()
    ]
    return TestPredictions(
        trials=pd.concat(frames, ignore_index=True),
        labels=next(iter(predictions_by_study.values())).labels,
        probabilities=np.concatenate(
            [predictions.probabilities for predictions in predictions_by_study.values()]
        ),
    )


def _add_folds(trials: pd.DataFrame) -> list[str]:
    """Return the names of the replicates with the number of folds, which differs by study."""
    return [
        name if pd.isna(folds) else f"{name} of {folds}"
        for name, folds in zip(trials["replicate"], trials["folds"], strict=True)
    ]


def check_labels(
    previous_labels: IntArray | None,
    labels: IntArray,
    probabilities: NDArray[np.float32],
    name: str,
    n_classes: int,
) -> IntArray:
    """Return the labels of a trial, after checking their shape, range and equality with others.

    Args:
        previous_labels: Labels of a trial that was checked before; None for the first one.
        labels: True classes of the trial, int64.
        probabilities: Class probabilities of the trial, float32.
        name: Name of the file, used in messages.
        n_classes: Number of classes of the study.

    Raises:
        ConflictError: The labels are not shape (n,) or not below `n_classes`, differ from the
            previous ones, or do not fit the probabilities.
    """
    if labels.ndim != 1 or probabilities.shape != (labels.size, n_classes):
        raise ConflictError(
            f"{name} has probabilities {probabilities.shape} for labels {labels.shape}", path=name
        )
    if not labels.size > 0 or labels.max() >= n_classes:
        raise ConflictError(
            f"{name} has a split without labels, or labels above {n_classes - 1}", path=name
        )
    if previous_labels is not None and not np.array_equal(previous_labels, labels):
        raise ConflictError(f"{name} has different labels than the trials before it", path=name)
    return labels
