"""Scores of each class against scikit-learn's, and intervals that hold for perfect scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.class_scores import CLASS_SCORES, compute_class_scores
from reports.ledger.loading import read_study_files
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.grid_builder import ASYMMETRIC, build_grid

N_CLASSES = 8
N_IMAGES = 400
LABELS = np.arange(N_IMAGES) % N_CLASSES
ABSENT = LABELS % 5


def make_predictions(labels: IntArray, *probabilities: NDArray[np.floating]) -> TestPredictions:
    """Return the trials of one configuration, one for each array of probabilities."""
    n_trials = len(probabilities)
    replicates = [f"s{seed}" for seed in range(n_trials)]
    frame = pd.DataFrame({"configuration": ["c"] * n_trials, "replicate": replicates})
    return TestPredictions(
        trials=frame.assign(family="cnn", study="s", id="i", loss="nll", optimizer="sgd"),
        labels=labels,
        probabilities=np.stack(probabilities).astype(np.float32),
    )


def draw_probabilities(labels: IntArray, *, seed: int = 0, skill: float = 1.0) -> FloatArray:
    logits = np.random.default_rng(seed).normal(size=(labels.size, N_CLASSES))
    logits[np.arange(labels.size), labels] += skill
    probabilities: FloatArray = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities


def make_perfect(labels: IntArray) -> FloatArray:
    return np.eye(N_CLASSES)[labels]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("labels", [LABELS, ABSENT], ids=["every class", "absent classes"])
@pytest.mark.parametrize("is_perfect", [False, True])
def test_compute_class_scores_equal_scikit_learns(labels: IntArray, is_perfect: bool) -> None:
    probabilities = make_perfect(labels) if is_perfect else draw_probabilities(labels)
    frame = compute_class_scores(make_predictions(labels, probabilities))
    exact = probabilities.astype(np.float32)
    predicted, classes = exact.argmax(axis=1), range(N_CLASSES)
    expected = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0.0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(frame[name], values)
    matrices = multilabel_confusion_matrix(labels, predicted, labels=classes)
    (negative, false_positive), (false_negative, _) = matrices.transpose(1, 2, 0)
    np.testing.assert_allclose(frame["specificity"], negative / (negative + false_positive))
    np.testing.assert_allclose(frame["npv"], negative / (negative + false_negative))
    for c in classes:
        is_class = labels == c
        if is_class.any():
            expected_auc = roc_auc_score(is_class, exact[:, c])
            assert frame["auc"][c] == pytest.approx(expected_auc)
            expected_precision = average_precision_score(is_class, exact[:, c])
            assert frame["average_precision"][c] == pytest.approx(expected_precision)
        else:
            assert frame[["auc", "average_precision"]].iloc[c].isna().all()


def test_compute_class_scores_of_one_seed_have_wilsons_intervals() -> None:
    probabilities = draw_probabilities(LABELS)
    frame = compute_class_scores(make_predictions(LABELS, probabilities))
    predicted = probabilities.argmax(axis=1)
    for c in range(N_CLASSES):
        is_class, is_predicted = np.equal(LABELS, c), np.equal(predicted, c)
        for name, outcomes in (
            ("precision", is_class[is_predicted]),
            ("recall", is_predicted[is_class]),
            ("specificity", ~is_predicted[~is_class]),
            ("npv", ~is_class[~is_predicted]),
        ):
            expected = proportion_confint(outcomes.sum(), outcomes.size, method="wilson")
            assert tuple(frame.loc[c, [f"{name}_low", f"{name}_high"]]) == pytest.approx(expected)


def test_compute_class_scores_ranking_intervals_agree_with_the_bootstrap() -> None:
    probabilities = draw_probabilities(LABELS).astype(np.float32)
    frame = compute_class_scores(make_predictions(LABELS, probabilities))
    random = np.random.default_rng(0)
    images = [random.integers(N_IMAGES, size=N_IMAGES) for _ in range(200)]
    for name, score in (("auc", roc_auc_score), ("average_precision", average_precision_score)):
        values = [score(LABELS[rows] == 3, probabilities[rows, 3]) for rows in images]
        width = frame[f"{name}_high"][3] - frame[f"{name}_low"][3]
        assert width == pytest.approx(2 * 1.96 * np.std(values), rel=0.12)


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_compute_class_scores_of_perfect_predictions_have_intervals_with_a_width(
    n_seeds: int,
) -> None:
    predictions = make_predictions(LABELS, *[make_perfect(LABELS)] * n_seeds)
    frame = compute_class_scores(predictions)
    lows = frame[[f"{name}_low" for name in CLASS_SCORES]]
    highs = frame[[f"{name}_high" for name in CLASS_SCORES]]
    np.testing.assert_allclose(highs, 1)
    assert ((lows > 0.9) & (lows < 0.9999)).to_numpy().all()
    # All seeds share the images, so more seeds do not make the interval shorter.
    expected, _ = proportion_confint(50, 50, method="wilson")
    assert frame["recall_low"].to_numpy() == pytest.approx(expected)


def test_compute_class_scores_of_a_class_that_is_always_missed_have_an_interval() -> None:
    probabilities = make_perfect(LABELS)
    probabilities[LABELS == 2] = make_perfect(np.array([3]))
    frame = compute_class_scores(make_predictions(LABELS, probabilities))
    missed = frame.iloc[2]
    assert (missed["recall"], missed["recall_low"]) == (0, 0)
    assert missed["recall_high"] == pytest.approx(proportion_confint(0, 50, method="wilson")[1])
    # No image is predicted as the class, so nothing is known about its precision.
    assert missed[["precision_low", "precision_high"]].isna().all()


def test_compute_class_scores_of_seeds_include_their_variance() -> None:
    good, poor = (draw_probabilities(LABELS, seed=1, skill=skill) for skill in (3, 1.5))
    equal = compute_class_scores(make_predictions(LABELS, good, good, good))
    varied = compute_class_scores(make_predictions(LABELS, good, poor, good))
    np.testing.assert_allclose(equal["recall_sd"], 0, atol=1e-12)
    assert (varied["recall_sd"] > 0.01).all()
    widths = [(frame["recall_high"] - frame["recall_low"]).mean() for frame in (equal, varied)]
    assert widths[1] > 1.5 * widths[0]


def test_compute_class_scores_of_equal_seeds_have_the_interval_of_one() -> None:
    probabilities = draw_probabilities(LABELS)
    one, three = (
        compute_class_scores(make_predictions(LABELS, *[probabilities] * n)) for n in (1, 3)
    )
    for name in CLASS_SCORES:
        for end in ("low", "high"):
            np.testing.assert_allclose(one[f"{name}_{end}"], three[f"{name}_{end}"], atol=0.01)


def test_compute_class_scores_without_a_trial_are_empty(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC]}
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=[("cnn-config-1", 0)])
    assert compute_class_scores(read_study_files(ledger).predictions).empty
