"""Find the unfinished trial of a grid, and give it a checkpoint without training."""

from pathlib import Path

import torch

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.training.checkpoint import serialize_checkpoint
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.training_state import TrainingState
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial


def find_unfinished_trial(ledger: Ledger) -> PlannedTrial:
    """Return the only trial that is planned and not in the ledger."""
    (found,) = [
        planned for planned in ledger.list_planned_trials() if ledger.read_trial(planned) is None
    ]
    return found


def add_checkpoint(ledger: Ledger, config: TrialConfig | None = None, epochs: int = 0) -> Path:
    """Write a checkpoint of the unfinished trial, of its own configuration or another."""
    planned = find_unfinished_trial(ledger)
    config = config or TrialConfig.from_dict(planned.config)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, torch.device("cpu"))
    state.best_weights = {name: v.clone() for name, v in state.model.state_dict().items()}
    for parameter in state.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.optimizer.step()
    done = [
        EpochResult(
            epoch=n, train_loss=1, val_loss=1, val_accuracy=0.5, val_macro_f1=0.5, duration_s=1
        )
        for n in range(1, epochs + 1)
    ]
    study = ledger.study.fingerprint
    content = serialize_checkpoint(
        state, config, study_fingerprint=study, epochs=done, duration_s=epochs
    )
    ledger.files.write(get_checkpoint_name(planned.id), content)
    return ledger.folder / get_checkpoint_name(planned.id)
