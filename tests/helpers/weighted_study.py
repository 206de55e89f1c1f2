"""Build a study whose predictions follow from its weights and data, without training."""

from dataclasses import replace
from pathlib import Path

import torch

from bloodnets import metrics
from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model, count_operations, count_parameters
from bloodnets.training.checkpoint import serialize_model, serialize_predictions
from bloodnets.training.evaluation import predict_probabilities
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import (
    EpochRecord,
    HardwareRecord,
    StudyRecord,
    TrialRecord,
    compute_fingerprint,
)
from reports.ledger.states import DataKind, StopReason, TrialState
from study.configs.presets import PUBLISHED
from study.configs.study_config import make_planned_trial
from study.datasets.data_record import make_data_record
from study.runtime.cores import read_cpu_model
from tests.helpers.grid_builder import ASYMMETRIC, SOFTWARE, add_complete_trial, make_grid_record

CONFIG = replace(PUBLISHED["cnn-config-1"], max_epochs=1)


def build_weighted_study(
    folder: Path, cells: BloodCells, *, n_seeds: int = 2, orientations: bool = False
) -> Ledger:
    """Build a grid of one configuration with untrained weights and their predictions.

    Args:
        folder: Folder of the study, which must not exist.
        cells: Data of the study.
        n_seeds: Number of seeds.
        orientations: Whether predictions are means over orientations.
    """
    config = replace(CONFIG, orientations=orientations)
    trials = [
        make_planned_trial("cnn-config-1", replace(config, seed=seed)) for seed in range(n_seeds)
    ]
    ledger = create_study(folder, make_weighted_record(folder.name, cells, trials))
    for planned in trials:
        add_weighted_trial(ledger, planned, cells)
    return ledger


def make_weighted_record(name: str, cells: BloodCells, trials: list[PlannedTrial]) -> StudyRecord:
    """Return the record of a study of these data, on this CPU and this PyTorch."""
    data = make_data_record(cells)
    software = replace(SOFTWARE, versions={**SOFTWARE.versions, "torch": torch.__version__})
    ids = [planned.id for planned in trials]
    return replace(
        make_grid_record(name, DataKind.FILE, data.class_names, ASYMMETRIC, trials),
        data=data,
        software=software,
        fingerprint=compute_fingerprint(data, ids, software, None),
        hardware=HardwareRecord(cpu=read_cpu_model(), cores=1, memory_mib=1, gpus=()),
    )


def add_weighted_trial(
    ledger: Ledger, planned: PlannedTrial, cells: BloodCells, *, weights_seed: int | None = None
) -> None:
    """Add a trial whose model has the initial weights of its seed, or of `weights_seed`."""
    config = TrialConfig.from_dict(planned.config)
    torch.manual_seed(config.seed if weights_seed is None else weights_seed)
    torch.set_num_threads(1)
    model = build_model(config, BLOODMNIST_SHAPE)
    predictions, scores = {}, {}
    for name in ("val", "test"):
        images, labels, _ = getattr(cells, name)
        probabilities = predict_probabilities(
            model, torch.tensor(images), config.loss, orientations=config.orientations
        )
        predictions[name] = (probabilities, labels)
        confusion = metrics.compute_confusion_matrix(
            labels, probabilities.argmax(1), BLOODMNIST_SHAPE.n_classes
        )
        scores[name] = metrics.compute_scores(confusion) | {
            "auc": metrics.compute_auc(labels, probabilities)
        }
    epoch = EpochRecord(
        epoch=1,
        train_loss=2.0,
        val_loss=2.0,
        val_accuracy=scores["val"]["accuracy"],
        val_macro_f1=scores["val"]["macro_f1"],
        duration_s=1.0,
    )
    record = TrialRecord(
        id=planned.id,
        configuration=planned.configuration,
        config=planned.config,
        fingerprint=ledger.study.fingerprint,
        software_sha256=ledger.study.software.sha256,
        state=TrialState.COMPLETE,
        stop_reason=StopReason.MAX_EPOCHS,
        error=None,
        attempts=1,
        epochs=1,
        best_epoch=1,
        started_at="2026-01-02T03:04:05Z",
        duration_s=1.0,
        device="cpu",
        host="here",
        versions=None,
        parameters=count_parameters(model),
        scores=scores,
        files={},
        operations=count_operations(model, BLOODMNIST_SHAPE),
    )
    add_complete_trial(
        ledger,
        record,
        epochs=[epoch],
        model=serialize_model(model.state_dict(), config),
        predictions=serialize_predictions(predictions),
        test_reason="chosen in advance",
    )
