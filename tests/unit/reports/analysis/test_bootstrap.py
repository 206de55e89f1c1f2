"""Scores on resamples of the test images, and their variances over seeds."""

import numpy as np
import pandas as pd
import pytest

from bloodnets import metrics
from reports.analysis import bootstrap
from reports.analysis.bootstrap import (
    N_RESAMPLES,
    bootstrap_confusions,
    bootstrap_counts,
    bootstrap_scores,
    count_drawn_cells,
    resample_confusions,
)
from reports.analysis.contrasts import estimate_contrast
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.grid_builder import ASYMMETRIC, ConfusionMatrix
from tests.helpers.predictions import predict_matrices
from tests.helpers.small_studies import SMALL_MATRIX


def move_to_1(n_right: int) -> ConfusionMatrix:
    """Return `ASYMMETRIC` with another number of right predictions of class 0; the rest are 1."""
    matrix = ASYMMETRIC.copy()
    matrix[0, 0], matrix[0, 1] = n_right, 100 - n_right
    return matrix


OTHER = move_to_1(80)


def test_bootstrap_counts_are_of_as_many_images_and_the_same_in_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = np.concatenate(list(bootstrap_counts(50)))
    assert whole.shape == (N_RESAMPLES, 50)
    assert set(whole.sum(axis=1)) == {50.0}
    assert whole.var() == pytest.approx(1 - 1 / 50, rel=0.02)  # of a multinomial count
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 8 * 50 * 300)
    chunks = list(bootstrap_counts(50))
    assert len(chunks) == 7
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_count_drawn_cells_counts_each_image_as_often_as_it_is_drawn() -> None:
    labels, predicted = np.array([0, 0, 3]), np.array([[0, 1, 2], [0, 0, 3]])
    counts = np.array([[1.0, 1, 1], [0, 3, 0]])
    (first, second), (all_correct, _) = count_drawn_cells(labels, predicted, counts, 8)
    assert (first[0, 0], first[0, 1], first[3, 2], first.sum()) == (1, 1, 1, 3)
    assert (second[0, 1], second.sum()) == (3, 3)
    assert (all_correct[0, 0], all_correct[3, 3], all_correct.sum()) == (2, 1, 3)


def test_bootstrap_confusions_are_in_the_order_of_the_trials_and_the_same_in_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictions = predict_matrices(ASYMMETRIC, OTHER)
    labels, rows = predictions.labels, np.array([1, 0, 1])
    confusions = bootstrap_confusions(predictions, rows)
    assert confusions.shape == (3, N_RESAMPLES, 8, 8)
    assert (confusions.sum(axis=(2, 3)) == labels.size).all()
    np.testing.assert_allclose(confusions[:, :, 0, 0].mean(axis=1), [80, 60, 80], rtol=0.02)
    np.testing.assert_array_equal(confusions[0], confusions[2])
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 8 * labels.size * 700)
    predicted = predictions.predicted_classes[rows]
    np.testing.assert_array_equal(resample_confusions(labels, predicted, 8), confusions)


def test_bootstrap_confusions_that_a_caller_changes_are_whole_in_the_next_call() -> None:
    predictions = predict_matrices(ASYMMETRIC, OTHER)
    confusions = bootstrap_confusions(predictions)
    confusions[..., 0, 0] = 0
    confusions = bootstrap_confusions(predictions)
    assert (confusions.sum(axis=(2, 3)) == predictions.labels.size).all()


def test_bootstrap_scores_are_those_of_the_metrics_and_of_each_draw() -> None:
    predictions = predict_matrices(ASYMMETRIC)
    scores = bootstrap_scores(predictions)
    predicted = predictions.predicted_classes[0]
    expected = metrics.compute_scores(ASYMMETRIC) | {
        "auc": metrics.compute_auc(predictions.labels, predictions.probabilities[0])
    }
    for name, value in expected.items():
        assert scores.values[name] == pytest.approx([value], abs=1e-12)
    counts = next(bootstrap_counts(predictions.labels.size))[7].astype(int)
    matrix = metrics.compute_confusion_matrix(
        predictions.labels.repeat(counts), predicted.repeat(counts), 8
    )
    for name, value in metrics.compute_scores(matrix).items():
        assert scores.resampled[name][7] == pytest.approx([value], abs=1e-12)
    assert scores.resampled["precision_1"][7] == pytest.approx(
        metrics.compute_class_scores(matrix)[0][1]
    )


def test_bootstrap_scores_auc_is_that_of_the_draws_to_first_order() -> None:
    n_draws = 40
    predictions = predict_matrices(2 * SMALL_MATRIX)
    sampled = bootstrap_scores(predictions).resampled["auc"][:n_draws, 0]
    exact = [
        metrics.compute_auc(
            predictions.labels.repeat(row), predictions.probabilities[0].repeat(row, axis=0)
        )
        for row in next(bootstrap_counts(predictions.labels.size))[:n_draws].astype(int)
    ]
    assert np.corrcoef(exact, sampled)[0, 1] > 0.99
    assert np.std(exact) == pytest.approx(sampled.std(), rel=0.05)


def test_bootstrap_scores_with_an_absent_class_lack_the_auc_only() -> None:
    matrix = ASYMMETRIC.copy()
    matrix[7] = 0
    scores = bootstrap_scores(predict_matrices(matrix))
    assert np.isnan(scores.values["auc"]).all()
    assert not np.isnan(scores.resampled["macro_f1"]).any()


def test_bootstrap_scores_have_the_replicate_variance_of_each_model() -> None:
    names = ["a", "a", "b", "b"]
    scores = bootstrap_scores(predict_matrices(ASYMMETRIC, OTHER, OTHER, OTHER, names=names))
    variances = scores.replicate_variances["accuracy"]
    a, b = 320 / 360, 340 / 360
    assert variances.total == pytest.approx([(a - b) ** 2 / 2, 0])
    assert variances.dof.tolist() == [1, 1]
    np.testing.assert_allclose(
        variances.sampling,
        [
            np.var(np.diff(scores.resampled["accuracy"][:, rows]), ddof=0) / 2
            for rows in ([0, 1], [2, 3])
        ],
        atol=1e-18,
    )


def test_bootstrap_scores_count_equal_models_once_in_the_variances() -> None:
    twice = predict_matrices(ASYMMETRIC, OTHER, names=["a", "a"])
    scores = bootstrap_scores(
        TestPredictions(
            trials=pd.DataFrame(
                {"configuration": [*"aabb"], "family": "cnn", "replicate": ["s0", "s1"] * 2}
            ),
            labels=twice.labels,
            probabilities=np.concatenate([twice.probabilities] * 2),
        )
    )
    assert scores.representatives == {"a": "a", "b": "a"}
    assert scores.models == ["a"]
    assert scores.replicate_variances["accuracy"].dof.tolist() == [1]
    contrast = estimate_contrast(scores, "accuracy", {"b": 1, "a": -1})
    assert contrast is not None
    assert (contrast.mean, contrast.low, contrast.high, contrast.p) == (0, 0, 0, 1)


def test_bootstrap_scores_of_repeated_predictions_are_in_the_order_of_the_trials() -> None:
    both = predict_matrices(ASYMMETRIC, OTHER)
    order = [1, 0, 1]
    repeated = TestPredictions(
        trials=pd.DataFrame({"configuration": [*"abc"], "family": "cnn", "replicate": "s0"}),
        labels=both.labels,
        probabilities=both.probabilities[order],
    )
    expected, found = bootstrap_scores(both), bootstrap_scores(repeated)
    for score in ("accuracy", "auc", "brier", "precision_0"):
        np.testing.assert_allclose(found.values[score], expected.values[score][order])
        np.testing.assert_allclose(found.resampled[score], expected.resampled[score][:, order])
