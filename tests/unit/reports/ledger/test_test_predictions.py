"""Predictions of several studies, joined."""

from pathlib import Path

import numpy as np
import pandas as pd

from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.test_predictions import join_predictions
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.report_frames import ReportedStudy


def test_join_predictions_of_two_studies_has_their_names_before_the_configurations(
    small_grid: Path,
) -> None:
    predictions = read_study_files(Ledger(small_grid)).predictions
    both = join_predictions({"x": predictions, "y": predictions})
    names = ["cnn-config-1", "mlnn-config-2"]
    assert both.configurations == [f"{study}: {name}" for study in "xy" for name in names]
    assert both.trials["study"].tolist() == [*"xxxxyyyy"]
    np.testing.assert_array_equal(both.predicted_classes[:4], both.predicted_classes[4:])


def test_make_test_predictions_names_replicates_by_seed_and_fold(
    small_grid: Path, reported_folds: ReportedStudy
) -> None:
    trials = read_study_files(Ledger(small_grid)).predictions.trials
    assert trials["replicate"].tolist() == ["s0", "s1"] * 2
    assert trials["fold"].isna().all()
    assert trials["fold"].dtype == pd.Int64Dtype()
    trials = reported_folds.analysis.study.loaded_study.predictions.trials
    assert trials["replicate"].tolist() == ["s0-f0", "s0-f1", "s0-f2"] * 2
    assert trials["fold"].tolist() == [0, 1, 2] * 2
    assert trials["seed"].tolist() == [0] * 6


def test_join_predictions_of_other_numbers_of_folds_have_no_common_replicate(
    tmp_path: Path, reported_folds: ReportedStudy
) -> None:
    three_folds = reported_folds.analysis.study.loaded_study.predictions
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC] * 2}, folds=2)
    two_folds = read_study_files(ledger).predictions
    trials = join_predictions({"x": three_folds, "y": two_folds, "z": two_folds}).trials
    replicates = {
        study: {*own} for study, own in trials.groupby("study")["replicate"].unique().items()
    }
    assert not replicates["x"] & replicates["y"]
    assert replicates["y"] == replicates["z"]
