"""Confusion matrices and class scores: known matrices in, known scores out."""

from pathlib import Path

import numpy as np
import pytest

from reports.analysis.confusion import (
    analyze_confusion,
    make_confusion_frame,
)
from reports.ledger.loading import read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, remove_class
from tests.helpers.small_studies import OTHER_MATRIX, SMALL_MATRIX


def test_analyze_confusion_of_asymmetric_matrix_is_true_by_predicted(tmp_path: Path) -> None:
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [ASYMMETRIC]})
    analysis = analyze_confusion(read_study_files(ledger).predictions)
    cells = analysis.matrices.set_index(["true", "predicted"])
    assert cells.loc[(0, 1), "count"] == 40
    assert cells.loc[(0, 1), "row_share"] == pytest.approx(0.4)
    assert cells.loc[(0, 1), "column_share"] == pytest.approx(40 / 140)
    scores = analysis.class_scores.set_index("class")
    assert scores.loc[0, "recall"] == pytest.approx(0.6)
    assert scores.loc[0, "precision"] == 1
    assert scores.loc[1, "recall"] == 1
    assert scores.loc[1, "precision"] == pytest.approx(100 / 140)


def test_analyze_confusion_shares_sum_to_1_or_are_0(tmp_path: Path) -> None:
    matrix = remove_class(ASYMMETRIC, 3)
    ledger = build_grid(tmp_path / "s", {"cnn-config-1": [matrix]})
    matrices = analyze_confusion(read_study_files(ledger).predictions).matrices
    for margin, column in (("true", "row_share"), ("predicted", "column_share")):
        sums = matrices.groupby(margin)[column].sum()
        np.testing.assert_allclose(sums, np.where(sums.index == 3, 0, 1))


def test_analyze_confusion_of_replicates_sums_counts_and_keeps_support(tmp_path: Path) -> None:
    replicates = [SMALL_MATRIX, OTHER_MATRIX]
    matrices = {"cnn-config-1": replicates, "mlnn-config-1": replicates[::-1]}
    ledger = build_grid(tmp_path / "s", matrices)
    analysis = analyze_confusion(read_study_files(ledger).predictions)
    assert (analysis.matrices["replicates"] == 2).all()
    for _, cells in analysis.matrices.groupby("configuration"):
        summed = cells.pivot_table(index="true", columns="predicted", values="count")
        np.testing.assert_array_equal(summed, SMALL_MATRIX + OTHER_MATRIX)
    for _, scores in analysis.class_scores.groupby("configuration"):
        assert scores["support"].tolist() == SMALL_MATRIX.sum(axis=1).tolist()


def test_analyze_confusion_without_test_evaluation_is_empty(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC]}
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=[("cnn-config-1", 0)])
    predictions = read_study_files(ledger).predictions
    assert make_confusion_frame(predictions).empty
    analysis = analyze_confusion(predictions)
    assert analysis.matrices.empty
    assert analysis.class_scores.empty
