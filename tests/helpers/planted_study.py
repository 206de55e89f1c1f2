"""Make studies in memory, with planted confusion matrices and loss curves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bloodnets.constants import CLASS_NAMES
from bloodnets.metrics import FloatArray
from reports.claims.claim import Claim
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import Config, get_replicate_name
from reports.ledger.records import EpochRecord, StudyRecord, TrialRecord
from reports.ledger.states import DataKind, StopReason, TrialState
from reports.ledger.test_predictions import TestPredictions
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix

CLASS_SIZE = 50
"""Number of test images of each class."""

SGD, ADAM, SGD_NLL = "cnn-config-1", "cnn-config-2", "cnn-config-3"
MLNN_SGD, MLNN_ADAM = "mlnn-config-1", "mlnn-config-2"


def make_error_matrix(cells: Mapping[tuple[int, int], int]) -> ConfusionMatrix:
    """Return a matrix whose only errors are `cells`: numbers of errors by (true, predicted)."""
    matrix = np.diag([CLASS_SIZE] * 8).astype(np.int64)
    for (true, predicted), count in cells.items():
        matrix[true, predicted] += count
        matrix[true, true] -= count
    return matrix


def make_cyclic_matrices(*n_right: int, step: int = 1) -> list[ConfusionMatrix]:
    """Return a matrix for each number of correct images per class.

    The errors of a class go to the class `step` further, so F1 and precision are that number / 50.
    """
    return [
        make_error_matrix({(c, (c + step) % 8): CLASS_SIZE - n for c in range(8)}) for n in n_right
    ]


def make_curve(*, speed: float, noise: float = 0.01, n_epochs: int = 40) -> FloatArray:
    """Return an exponentially falling loss that alternates up and down by the share `noise`.

    Its roughness is 4 noise / sqrt(6).
    """
    t = np.arange(n_epochs)
    return np.asarray(2 * np.exp(-t / speed + noise * (-1.0) ** t))


def require_clean(claim: Claim) -> Claim:
    """Return the claim, whose evidence must end in a period and contain no NaN or infinity."""
    words = claim.evidence.lower()
    assert "nan" not in words
    assert "inf" not in words
    assert claim.evidence.endswith(".")
    return claim


def plant_study(
    matrices: Mapping[str, Sequence[ConfusionMatrix]],
    curves: Mapping[str, Sequence[FloatArray]] | None = None,
) -> LoadedStudy:
    """Return a study in memory.

    Args:
        matrices: Test matrices `confusion[true, predicted]` by configuration, one per seed.
        curves: Training losses by epoch, by configuration, one array per seed; None for trials
            without epochs.
    """
    records: dict[str, TrialRecord] = {}
    epochs: dict[str, list[EpochRecord]] = {}
    rows, predicted = [], []
    for name, replicates in matrices.items():
        for seed, matrix in enumerate(replicates):
            key, config = f"{name}-s{seed}", grid_builder.make_config(name, seed=seed)
            losses = curves[name][seed] if curves else np.empty(0)
            epochs[key] = [_make_epoch(i, loss) for i, loss in enumerate(losses, start=1)]
            records[key] = make_trial_record(key, name, config)
            names = ("family", "loss", "optimizer", "seed")
            settings = {k: value for k, value in config.items() if k in names}
            identity = {"study": "planted", "id": key, "configuration": name}
            rows.append({**identity, **settings, "replicate": get_replicate_name(config)})
            predicted.append(np.repeat(np.tile(np.arange(8), 8), matrix.ravel()))
    columns = ["study", "id", "configuration", "family", "loss", "optimizer", "seed", "replicate"]
    one_hot = np.eye(8, dtype=np.float32)
    return LoadedStudy(
        study=_make_study_record(),
        records=records,
        epochs=epochs,
        test_evaluations=[],
        predictions=TestPredictions(
            trials=pd.DataFrame(rows, columns=columns),
            labels=np.repeat(np.arange(8), CLASS_SIZE),
            probabilities=one_hot[np.array(predicted)] if rows else np.empty((0, 0, 8), np.float32),
        ),
        val_predictions={},
        search=None,
        software_changes=(),
        problems=(),
    )


def make_trial_record(trial_id: str, name: str, config: Config) -> TrialRecord:
    """Return the record of a complete trial without scores and files.

    Args:
        trial_id: Trial id.
        name: Name of its configuration.
        config: Settings of the trial.
    """
    return TrialRecord(
        id=trial_id,
        configuration=name,
        config=config,
        fingerprint="0" * 64,
        state=TrialState.COMPLETE,
        stop_reason=StopReason.PATIENCE,
        error=None,
        attempts=1,
        epochs=30,
        best_epoch=20,
        started_at="2026-01-02T03:04:05Z",
        duration_s=1.0,
        device="cpu",
        host="here",
        versions=None,
        parameters=1,
        scores={},
        files={},
        software_sha256="0" * 64,
        operations=None,
    )


def _make_study_record() -> StudyRecord:
    perfect = make_error_matrix({})
    return grid_builder.make_grid_record("planted", DataKind.OFFICIAL, CLASS_NAMES, perfect, [])


def _make_epoch(number: int, loss: float) -> EpochRecord:
    return EpochRecord(
        epoch=number,
        train_loss=float(loss),
        val_loss=1.0,
        val_accuracy=0.5,
        val_macro_f1=0.5,
        duration_s=1.0,
    )
