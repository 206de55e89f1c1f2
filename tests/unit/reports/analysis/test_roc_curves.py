"""ROC and precision-recall curves against scikit-learn's, averages over seeds, and bands."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve
from statsmodels.stats.proportion import proportion_confint

from bloodnets.metrics import FloatArray, IntArray
from reports.analysis.roc_curves import (
    FALSE_POSITIVE_RATES,
    RECALLS,
    Curve,
    compute_roc_curves,
)
from reports.ledger.test_predictions import TestPredictions

LABELS = np.arange(300) % 3


def make_predictions(
    labels: IntArray, probabilities: Mapping[str, Sequence[NDArray[np.floating]]]
) -> TestPredictions:
    """Return trials with the probabilities of each seed, shape (n, classes), by configuration."""
    rows = [
        {"configuration": name, "replicate": f"s{seed}", "family": "cnn", "study": "s", "id": "i"}
        for name, trials in probabilities.items()
        for seed in range(len(trials))
    ]
    return TestPredictions(
        trials=pd.DataFrame(rows),
        labels=labels,
        probabilities=np.concatenate([*probabilities.values()]).astype(np.float32),
    )


def draw_probabilities(labels: IntArray, *, seed: int, decimals: int = 9) -> FloatArray:
    """Return probabilities of three classes; few decimals give equal ones."""
    logits = np.random.default_rng(seed).normal(size=(labels.size, 3))
    logits[np.arange(labels.size), labels] += 1.5
    probabilities: FloatArray = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.round(decimals)


def select(frame: pd.DataFrame, curve: Curve, c: int = 0) -> pd.DataFrame:
    return frame[(frame["curve"] == curve) & (frame["class"] == c)]


@pytest.mark.parametrize("decimals", [9, 1])
def test_compute_roc_curves_of_one_seed_equal_scikit_learns(decimals: int) -> None:
    probabilities = draw_probabilities(LABELS, seed=0, decimals=decimals)
    frame = compute_roc_curves(make_predictions(LABELS, {"c": [probabilities]}))
    for c in range(3):
        is_class, scores = c == LABELS, probabilities[:, c].astype(np.float32)
        rates, true_rates, _ = roc_curve(is_class, scores, drop_intermediate=False)
        roc = select(frame, Curve.ROC, c)
        np.testing.assert_array_equal(roc["x"], FALSE_POSITIVE_RATES)
        np.testing.assert_allclose(roc["y"], np.interp(roc["x"], rates, true_rates))
        precision, recall, _ = precision_recall_curve(is_class, scores)
        points = select(frame, Curve.PRECISION_RECALL, c)
        np.testing.assert_array_equal(points["x"], RECALLS)
        # The thresholds ascend, so the last one with enough recall is the highest.
        last = [np.flatnonzero(recall[:-1] >= x - 1e-9)[-1] for x in RECALLS]
        np.testing.assert_allclose(points["y"], precision[last])
        area = (np.diff(RECALLS, prepend=0) * points["y"]).sum()
        assert area == pytest.approx(average_precision_score(is_class, scores), abs=0.02)


def test_compute_roc_curves_of_seeds_are_means_at_each_point() -> None:
    trials = [draw_probabilities(LABELS, seed=seed) for seed in range(3)]
    mean = compute_roc_curves(make_predictions(LABELS, {"c": trials}))
    single = [compute_roc_curves(make_predictions(LABELS, {"c": [trial]})) for trial in trials]
    np.testing.assert_allclose(mean["y"], np.mean([frame["y"] for frame in single], axis=0))


def test_compute_roc_curves_name_each_distinct_model_once() -> None:
    first, second = (draw_probabilities(LABELS, seed=seed) for seed in range(2))
    predictions = make_predictions(LABELS, {"a": [first], "copy": [first], "b": [second]})
    frame = compute_roc_curves(predictions)
    assert list(frame["configuration"].unique()) == ["a", "b"]
    assert len(frame) == 2 * 3 * (len(FALSE_POSITIVE_RATES) + len(RECALLS))


def test_compute_roc_curves_leave_out_classes_without_a_rest_or_images() -> None:
    labels = np.zeros(30, np.int64)
    probabilities = draw_probabilities(labels, seed=0)
    assert compute_roc_curves(make_predictions(labels, {"c": [probabilities]})).empty
    labels[:9] = 2
    frame = compute_roc_curves(make_predictions(labels, {"c": [probabilities]}))
    assert list(frame["class"].unique()) == [0, 2]


def test_compute_roc_curves_of_perfect_scores_have_wilsons_interval() -> None:
    perfect = np.eye(3)[LABELS]
    frame = compute_roc_curves(make_predictions(LABELS, {"c": [perfect, perfect]}))
    known = frame.dropna()
    assert (known["y"] == 1).all()
    low = proportion_confint(100, 100, method="wilson")[0]
    np.testing.assert_allclose(select(known, Curve.ROC)["low"], low)
    np.testing.assert_allclose(known["high"], 1)
    # Among 200 other images, a false positive rate near 0 depends on the highest of them.
    assert select(frame, Curve.ROC)["low"].isna().sum() > 0
    assert select(frame, Curve.PRECISION_RECALL)["low"].isna().iloc[-1]


def test_compute_roc_curves_of_different_seeds_have_wider_bands() -> None:
    good = draw_probabilities(LABELS, seed=0)
    poor = draw_probabilities((LABELS + (np.arange(300) % 4 == 0)) % 3, seed=0)
    equal, varied = (
        compute_roc_curves(make_predictions(LABELS, {"c": trials})).dropna()
        for trials in ([good, good, good], [good, poor, good])
    )
    assert (equal["low"] <= equal["y"]).all()
    assert (equal["y"] <= equal["high"]).all()
    widths = [(frame["high"] - frame["low"]).mean() for frame in (equal, varied)]
    assert widths[1] > 1.5 * widths[0]
