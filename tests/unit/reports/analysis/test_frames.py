"""Records to frames: known matrices in, known scores out."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    log_loss,
    matthews_corrcoef,
)

from reports.analysis import frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.states import DataKind
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.paper import CLASS_COUNTS, MACRO_F1, WEIGHTED_F1
from tests.helpers.report_frames import ReportedStudy


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    folder = tmp_path_factory.mktemp("tables") / "grid"
    return read_study_files(grid_builder.build_grid(folder, grid_builder.make_published_matrices()))


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    """Two configurations, three seeds, of which one failed and one is missing."""
    matrices = grid_builder.make_published_matrices(3)
    ledger = grid_builder.build_grid(
        tmp_path_factory.mktemp("tables") / "replicated",
        {name: matrices[name] for name in ("mlnn-config-1", "mlnn-config-3", "cnn-config-2")},
        failed_trials={("mlnn-config-3", 1): "loss is nan in epoch 3, step 5"},
        missing_trials=[("mlnn-config-3", 2)],
    )
    return read_study_files(ledger)


def test_make_comparison_frame_gives_the_scores_of_the_published_matrices(
    grid: LoadedStudy,
) -> None:
    frame = frames.make_comparison_frame(grid, None)
    weighted = [0.8866, *WEIGHTED_F1[1:]]
    np.testing.assert_allclose(frame["test_weighted_f1"], weighted, atol=0.00006)
    np.testing.assert_allclose(frame["test_macro_f1"], MACRO_F1, atol=0.00006)


def test_make_comparison_frame_has_the_published_scores_of_each_configuration(
    grid: LoadedStudy,
) -> None:
    frame = frames.make_comparison_frame(grid, None)
    assert frame["published_weighted_f1"].tolist() == WEIGHTED_F1
    for name in ("accuracy", "macro_f1"):
        np.testing.assert_allclose(frame[f"published_{name}"], frame[f"test_{name}"])
    np.testing.assert_allclose(frame["published_matrix_weighted_f1"], frame["test_weighted_f1"])


def test_make_class_counts_frame_of_official_data_gives_its_counts(grid: LoadedStudy) -> None:
    assert frames.make_class_counts_frame(grid)["test"].tolist() == CLASS_COUNTS


def test_make_comparison_frame_sd_is_of_the_replicates_with_n_minus_1(
    replicated: LoadedStudy,
) -> None:
    row = (
        frames.make_comparison_frame(replicated, None)
        .set_index("configuration")
        .loc["mlnn-config-1"]
    )
    right = [
        sum(np.diag(m)) / 3421 for m in grid_builder.make_published_matrices(3)["mlnn-config-1"]
    ]
    assert row["replicates"] == 3
    trials = frames.make_trials_frame(replicated)
    val_scores = trials.loc[trials["configuration"] == "mlnn-config-1", "val_macro_f1"]
    assert row["val_macro_f1"] == pytest.approx(val_scores.mean())
    assert row["val_macro_f1_sd"] == pytest.approx(val_scores.std())
    assert row["test_accuracy"] == pytest.approx(sum(right) / 3)
    mean = sum(right) / 3
    assert row["test_accuracy_sd"] == pytest.approx(
        math.sqrt(sum((x - mean) ** 2 for x in right) / 2)
    )


def test_make_comparison_frame_has_scores_on_val_beside_those_on_test(
    replicated: LoadedStudy,
) -> None:
    row = frames.make_comparison_frame(replicated, None).set_index("configuration").iloc[0]
    trials = frames.make_trials_frame(replicated)
    values = trials.loc[trials["configuration"] == row.name, "val_macro_f1"]
    assert row["val_macro_f1"] == pytest.approx(values.mean())
    assert row["val_macro_f1_sd"] == pytest.approx(values.std())
    assert row["val_macro_f1"] != row["test_macro_f1"]


def test_make_comparison_frame_has_the_further_scores_of_the_predictions(
    replicated: LoadedStudy,
) -> None:
    predictions = replicated.predictions
    frame = frames.make_comparison_frame(replicated, bootstrap_scores(predictions))
    row = frame.set_index("configuration").loc["mlnn-config-1"]
    trials = np.flatnonzero(predictions.trials["configuration"] == "mlnn-config-1")
    labels = predictions.labels
    predicted, probabilities = predictions.predicted_classes, predictions.probabilities
    expected = {
        "balanced_accuracy": [balanced_accuracy_score(labels, predicted[t]) for t in trials],
        "mcc": [matthews_corrcoef(labels, predicted[t]) for t in trials],
        "kappa": [cohen_kappa_score(labels, predicted[t]) for t in trials],
        "brier": [brier_score_loss(labels, probabilities[t], scale_by_half=False) for t in trials],
        "log_loss": [log_loss(labels, probabilities[t]) for t in trials],
    }
    for name, values in expected.items():
        assert row[f"test_{name}"] == pytest.approx(np.mean(values), rel=1e-5), name
        assert row[f"test_{name}_sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-3), name
        assert row[f"test_{name}_low"] < row[f"test_{name}"] < row[f"test_{name}_high"]


def test_make_comparison_frame_counts_failed_and_missing_trials_and_leaves_them_out(
    replicated: LoadedStudy,
) -> None:
    frame = frames.make_comparison_frame(replicated, None).set_index("configuration")
    row = frame.loc["mlnn-config-3"]
    assert [row[key] for key in ("replicates_planned", "replicates", "failed", "missing")] == [
        3,
        1,
        1,
        1,
    ]
    assert row["epochs"] == 30  # not the 3 that the failed one ran
    assert pd.isna(row["test_macro_f1_sd"])
    trials = frames.make_trials_frame(replicated).set_index(["configuration", "seed"])
    assert trials.loc[("mlnn-config-3", 1), "error"] == "loss is nan in epoch 3, step 5"
    assert trials.loc[("mlnn-config-3", 2), "state"] == "missing"


def test_make_comparison_frame_without_a_trial_has_a_row_of_each_configuration(
    tmp_path: Path,
) -> None:
    matrices = grid_builder.make_published_matrices()
    ledger = grid_builder.build_grid(
        tmp_path / "s", matrices, missing_trials=[(name, 0) for name in matrices]
    )
    loaded_study = read_study_files(ledger)
    frame = frames.make_comparison_frame(loaded_study, bootstrap_scores(loaded_study.predictions))
    assert frame["configuration"].tolist() == list(matrices)
    assert frame[["test_macro_f1", "test_macro_f1_low", "test_macro_f1_high"]].isna().all(axis=None)
    assert (frame["replicates"] == 0).all()


def test_make_comparison_frame_intervals_are_binomial_and_within_0_and_1(tmp_path: Path) -> None:
    perfect = np.diag(ASYMMETRIC.sum(axis=1))
    nearly = perfect.copy()
    nearly[0, 0], nearly[0, 1] = 80, 20
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"cnn-config-1": [perfect], "cnn-config-2": [nearly]}
    )
    loaded_study = read_study_files(ledger)
    frame = frames.make_comparison_frame(loaded_study, bootstrap_scores(loaded_study.predictions))
    p, n = 340 / 360, 360
    assert frame["test_accuracy_low"].tolist()[1] == pytest.approx(
        p - 1.96 * math.sqrt(p * (1 - p) / n), abs=0.001
    )


@pytest.mark.parametrize("n_wrong", [0, 2])
def test_make_comparison_frame_of_few_errors_has_the_exact_interval(
    tmp_path: Path, n_wrong: int
) -> None:
    matrix = np.diag(ASYMMETRIC.sum(axis=1))
    matrix[0, 0], matrix[0, 1] = 100 - n_wrong, n_wrong
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [matrix, matrix]})
    loaded_study = read_study_files(ledger)
    frame = frames.make_comparison_frame(loaded_study, bootstrap_scores(loaded_study.predictions))
    n_images = matrix.sum()
    expected = binomtest(int(n_images - n_wrong), int(n_images)).proportion_ci()
    assert frame["test_accuracy_low"][0] == pytest.approx(expected.low)
    assert expected.high <= frame["test_accuracy_high"][0] <= 1
    for score in ("macro_f1", "macro_recall", "macro_precision", "weighted_f1", "auc"):
        assert frame[f"test_{score}_low"][0] < 1 - 1 / n_images
        assert frame[f"test_{score}_high"][0] <= 1


def test_make_comparison_frame_without_a_class_bounds_macro_intervals_and_hides_the_paper(
    tmp_path: Path,
) -> None:
    nearly = grid_builder.remove_class(np.diag(ASYMMETRIC.sum(axis=1)), 3)
    nearly[0, 0], nearly[0, 1] = nearly[0, 0] - 2, 2
    loaded_study = read_study_files(
        grid_builder.build_grid(
            tmp_path / "s", {"cnn-config-1": [nearly], "cnn-config-2": [nearly]}, kind=DataKind.FILE
        )
    )
    frame = frames.make_comparison_frame(loaded_study, bootstrap_scores(loaded_study.predictions))
    for score in ("macro_f1", "macro_precision", "macro_recall"):
        assert frame[f"test_{score}"][0] < 7 / 8
        assert frame[f"test_{score}_high"].tolist() == [7 / 8, 7 / 8]
    assert frame["test_accuracy_high"].tolist() == [1, 1]
    assert frame[["test_auc", "test_auc_high"]].isna().all(axis=None)
    assert not [column for column in frame if "published" in str(column)]


@pytest.mark.parametrize("kind", ["official", "file", "synthetic"])
def test_make_comparison_frame_has_published_scores_unless_cells_are_synthetic(
    tmp_path: Path, kind: DataKind
) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    loaded_study = read_study_files(grid_builder.build_grid(tmp_path / "s", matrices, kind=kind))
    frame = frames.make_comparison_frame(loaded_study, None)
    shown = any(str(column).startswith("published") for column in frame.columns)
    assert shown == (kind != "synthetic")


def test_make_settings_frame_has_further_settings_only_where_they_differ(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC], "other": [ASYMMETRIC]}
    usual = ["configuration", "family", "loss", "optimizer", "learning_rate", "momentum", "dropout"]
    lean = read_study_files(grid_builder.build_grid(tmp_path / "lean", matrices)).study
    assert list(frames.make_settings_frame(lean).columns) == usual
    added = {"max_shift": 2, "dihedral_augmentation": True, "weight_decay": 0.0, "max_epochs": 30}
    more = read_study_files(
        grid_builder.build_grid(tmp_path / "more", matrices, record_overrides={"other": added})
    ).study
    frame = frames.make_settings_frame(more).set_index("configuration")
    assert list(frame.columns) == [*usual[1:], "dihedral_augmentation", "max_shift", "max_epochs"]
    assert frame["max_shift"].tolist() == [0, 0, 2]
    assert frame["dihedral_augmentation"].tolist() == [False, False, True]
    assert frame["max_epochs"].tolist() == [100, 100, 30]


def test_frames_of_settings_have_class_weights_of_every_configuration(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC], "weighted": [ASYMMETRIC]},
        config_overrides={"weighted": {"class_weights": "balanced"}},
    )
    loaded_study = read_study_files(ledger)
    for frame in (
        frames.make_settings_frame(loaded_study.study),
        frames.make_trials_frame(loaded_study),
    ):
        assert frame["class_weights"].tolist() == ["none", "balanced"]


def test_make_comparison_frame_images_per_s_are_those_of_train_over_the_time_of_an_epoch(
    replicated: LoadedStudy,
) -> None:
    frame = frames.make_comparison_frame(replicated, None).set_index("configuration")
    assert frame.loc["mlnn-config-1", "images_per_s"] == pytest.approx(11_959 / 2.5)
    assert frame.loc["mlnn-config-1", "images_per_s_sd"] == pytest.approx(0, abs=1e-9)
    assert frame["operations"].tolist() == [8_354_400, 8_354_400, 16_462_848]


def test_make_trials_frame_has_the_folds_and_the_comparison_counts_them(
    grid: LoadedStudy, reported_folds: ReportedStudy
) -> None:
    loaded_study = reported_folds.analysis.study.loaded_study
    trials = frames.make_trials_frame(loaded_study)
    assert trials["fold"].tolist() == [0, 1, 2] * 2
    assert trials["folds"].tolist() == [3] * 6
    comparison = frames.make_comparison_frame(loaded_study, None)
    assert comparison["replicates"].tolist() == comparison["replicates_planned"].tolist() == [3, 3]
    without_folds = frames.make_trials_frame(grid)[["folds", "fold"]]
    assert without_folds.isna().all(axis=None)
    assert (without_folds.dtypes == "Int64").all()
