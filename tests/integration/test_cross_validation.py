"""A grid with folds, from training to a verified report, with real Ray."""

from pathlib import Path

import numpy as np
import pytest

from bloodnets.data.medmnist import load_file
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from tests.helpers.cli_runs import RunHere, RunMain
from tests.helpers.forgeries import remove_last_trial

GRID = ("grid", "--config", "mlnn-config-2", "--config", "cnn-config-2", "--folds", "3")
LIMITS = ("--max-epochs", "1", "--device", "cpu", "--batch-size", "16")


@pytest.fixture(scope="module")
def study_folder(data_file: Path, tmp_path_factory: pytest.TempPathFactory, train: RunHere) -> Path:
    storage = tmp_path_factory.mktemp("storage")
    words = (*GRID, *LIMITS, "--data-file", data_file, "--storage", storage, "--name", "cv")
    done = train(*words, folder=storage)
    assert done.returncode == 0, done.stderr
    return storage / "cv"


def test_grid_with_folds_predicts_each_image_of_train_and_val_once(
    study_folder: Path, data_file: Path
) -> None:
    ledger, cells = Ledger(study_folder), load_file(data_file)
    assert len(ledger.read_trials()) == 6
    for name in ("mlnn-config-2", "cnn-config-2"):
        labels = [
            read_predictions(ledger, record.id, "val").labels
            for record in ledger.read_trials()
            if record.configuration == name
        ]
        held_out = np.sort(np.concatenate(labels))
        assert np.array_equal(
            held_out, np.sort(np.concatenate([cells.train.labels, cells.val.labels]))
        )
        assert max(map(len, labels)) - min(map(len, labels)) <= 1


def test_study_with_folds_is_verified_and_replayed(
    study_folder: Path, data_file: Path, run_main: RunMain, train: RunHere
) -> None:
    options = ("--data-file", data_file)
    words = ("report", study_folder, "--verify", "--from-weights", *options)
    verified = train(*words, folder=study_folder)
    assert verified.returncode == 0, verified.stderr
    assert "12 of 12 splits bit for bit" in verified.stdout
    replayed = run_main("replay", study_folder, "mlnn-config-2-s0-f2", *options)
    assert "best weights: bit-identical" in replayed.stdout


def test_study_with_folds_is_resumed_with_the_same_trial(
    study_folder: Path, data_file: Path, train: RunHere
) -> None:
    before = {record.id: record.scores for record in Ledger(study_folder).read_trials()}
    remove_last_trial(study_folder)
    words = (*GRID, *LIMITS, "--data-file", data_file, "--storage", study_folder.parent)
    done = train(*words, "--name", "cv", "--resume", folder=study_folder.parent)
    assert done.returncode == 0, done.stderr
    assert {record.id: record.scores for record in Ledger(study_folder).read_trials()} == before
