"""Predictions of a trial: as written, and an error with the path of a damaged file."""

from pathlib import Path

import numpy as np
import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from tests.helpers.small_studies import (
    N_SMALL_IMAGES,
    SMALL_MATRIX,
    get_trial_file,
)


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def get_first_file(ledger: Ledger, kind: str) -> Path:
    return get_trial_file(ledger.folder, ledger.study.trials[0].id, kind)


def test_read_predictions_returns_what_was_written(ledger: Ledger) -> None:
    probabilities, labels = read_predictions(ledger, ledger.study.trials[0].id, "test")
    assert probabilities.shape == (N_SMALL_IMAGES, 8)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(np.bincount(labels), SMALL_MATRIX.sum(axis=1))


def test_read_predictions_of_a_damaged_file_raises_with_its_path(ledger: Ledger) -> None:
    path = get_first_file(ledger, "predictions")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConflictError) as caught:
        read_predictions(ledger, path.stem, "test")
    assert caught.value.path == str(path)


def test_read_predictions_of_a_missing_split_raises_with_its_path(ledger: Ledger) -> None:
    path = get_first_file(ledger, "predictions")
    with pytest.raises(ConflictError) as caught:
        read_predictions(ledger, path.stem, "train")
    assert caught.value.path == str(path)
