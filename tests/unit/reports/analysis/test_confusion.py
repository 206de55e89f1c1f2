"""Confusion matrices and class scores: known matrices in, known scores out."""

from pathlib import Path

import pytest

from reports.analysis import confusion
from reports.ledger.loading import read_study_files
from tests.helpers import grid_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC
from tests.unit.reports.ledger.test_published import CLASS_COUNTS


def test_confusion_of_asymmetric_matrix_is_true_by_predicted(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    cells = confusion.make_confusion_frame(read_study_files(ledger).predictions)
    mistake = cells[(cells["true"] == 0) & (cells["predicted"] == 1)]
    assert mistake["count"].tolist() == [40]
    scores = confusion.compute_class_scores(cells).set_index("class")
    assert scores.loc[0, "recall"] == pytest.approx(0.6)
    assert scores.loc[0, "precision"] == 1
    assert scores.loc[1, "recall"] == 1
    assert scores.loc[1, "precision"] == pytest.approx(100 / 140)
    summed = confusion.sum_confusions(cells).set_index(["true", "predicted"])
    assert summed.loc[(0, 1), "row_share"] == pytest.approx(0.4)


def test_analyze_confusion_of_replicates_sums_counts_and_keeps_support(tmp_path: Path) -> None:
    matrices = grid_builder.make_published_matrices(2)
    ledger = grid_builder.build_grid(tmp_path / "s", matrices)
    analysis = confusion.analyze_confusion(read_study_files(ledger).predictions)
    assert (analysis.matrices["seeds"] == 2).all()
    assert analysis.matrices["count"].sum() == 2 * len(matrices) * sum(CLASS_COUNTS)
    for _, one in analysis.class_scores.groupby("configuration"):
        assert one["support"].tolist() == CLASS_COUNTS


def test_analyze_confusion_without_test_evaluation_is_empty(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC]}
    ledger = grid_builder.build_grid(tmp_path / "s", matrices, missing_trials=[("cnn-config-1", 0)])
    predictions = read_study_files(ledger).predictions
    assert confusion.make_confusion_frame(predictions).empty
    analysis = confusion.analyze_confusion(predictions)
    assert analysis.matrices.empty
    assert analysis.class_scores.empty
