"""Learning curves: of complete trials only, with means over what all replicates ran."""

from pathlib import Path

import numpy as np
import pytest

from reports.analysis.learning_curves import LearningCurves, collect_learning_curves
from reports.ledger.loading import read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.report_frames import ReportedStudy


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> LearningCurves:
    """Two configurations, three seeds, of which one failed and one is missing."""
    ledger = build_grid(
        tmp_path_factory.mktemp("curves") / "replicated",
        {"mlnn-config-1": [ASYMMETRIC] * 3, "mlnn-config-3": [ASYMMETRIC] * 3},
        failed_trials={("mlnn-config-3", 1): "loss is nan in epoch 3, step 5"},
        missing_trials=[("mlnn-config-3", 2)],
    )
    return collect_learning_curves(read_study_files(ledger))


def test_collect_learning_curves_leaves_out_failed_and_missing_trials(
    curves: LearningCurves,
) -> None:
    seeds = curves.epochs.groupby("configuration")["seed"].unique().map(list).to_dict()
    assert seeds == {"mlnn-config-1": [0, 1, 2], "mlnn-config-3": [0]}


def test_collect_learning_curves_means_end_with_the_shortest_trial(curves: LearningCurves) -> None:
    means = curves.means[curves.means["configuration"] == "mlnn-config-1"]
    assert means["epoch"].tolist() == list(range(1, 31))  # of 30, 33 and 36
    epochs = curves.epochs
    at_7 = epochs[(epochs["configuration"] == "mlnn-config-1") & (epochs["epoch"] == 7)]
    means = means.set_index("epoch")
    assert means.loc[7, "train_loss"] == pytest.approx(at_7["train_loss"].mean())
    assert means.loc[7, "train_loss_sd"] == pytest.approx(np.std(at_7["train_loss"], ddof=1))


def test_collect_learning_curves_without_a_trial_is_empty(tmp_path: Path) -> None:
    ledger = build_grid(
        tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]}, missing_trials=[("cnn-config-1", 0)]
    )
    curves = collect_learning_curves(read_study_files(ledger))
    assert curves.epochs.empty
    assert curves.means.empty


def test_collect_learning_curves_of_folds_are_means_over_the_folds(
    curves: LearningCurves, reported_folds: ReportedStudy
) -> None:
    folds = reported_folds.analysis.study.curves
    epochs = folds.epochs[folds.epochs["configuration"] == "cnn-config-1"]
    assert epochs.groupby("replicate")["fold"].first().to_dict() == {
        f"s0-f{fold}": fold for fold in range(3)
    }
    means = folds.means[folds.means["configuration"] == "cnn-config-1"].set_index("epoch")
    assert means.index.tolist() == list(range(1, 31))
    assert means.loc[7, "val_loss"] == pytest.approx(
        epochs[epochs["epoch"] == 7]["val_loss"].mean()
    )
    assert curves.epochs["fold"].isna().all()
