"""What training reports of an epoch."""

import pickle
from dataclasses import FrozenInstanceError

import pytest

from bloodnets.training.epoch_result import EpochResult
from tests.helpers.imports import list_heavy_imports

RESULT = EpochResult(
    epoch=1, train_loss=2.0, val_loss=1.5, val_accuracy=0.5, val_macro_f1=0.4, duration_s=0.1
)


def test_epoch_result_survives_the_way_from_the_worker_and_cannot_be_changed() -> None:
    assert pickle.loads(pickle.dumps(RESULT)) == RESULT
    with pytest.raises(FrozenInstanceError):
        RESULT.epoch = 2  # type: ignore[misc]


def test_epoch_result_import_does_not_import_torch() -> None:
    assert "torch" not in list_heavy_imports("import bloodnets.training.epoch_result")
