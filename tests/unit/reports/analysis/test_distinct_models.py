"""Configurations that train the same model: found by their probabilities, and only by these."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from reports.analysis.distinct_models import (
    MAX_ROUNDING,
    find_representatives,
    index_distinct,
    list_copies,
)
from reports.ledger.test_predictions import TestPredictions
from tests.helpers.predictions import make_no_predictions

LABELS = np.arange(8).repeat(5)
Trial = tuple[str, str, str, NDArray[np.float32]]
"""Name of the configuration, family, replicate, probabilities."""


def make_model(number: int) -> NDArray[np.float32]:
    """Return probabilities of the 40 images, the same for the same number."""
    raw = np.random.default_rng(number).uniform(0.1, 1, size=(LABELS.size, 8))
    return np.asarray(raw / raw.sum(axis=1, keepdims=True), dtype=np.float32)


def make_collapsed_model(confidence: float) -> NDArray[np.float32]:
    """Return probabilities that assign every image to class 6."""
    row = np.full(8, (1 - confidence) / 7, dtype=np.float32)
    row[6] = confidence
    return np.tile(row, (LABELS.size, 1))


def make_trials(*trials: Trial) -> TestPredictions:
    frame = pd.DataFrame(
        [trial[:3] for trial in trials], columns=["configuration", "family", "replicate"]
    )
    probabilities = np.stack([trial[3] for trial in trials])
    return TestPredictions(trials=frame, labels=LABELS, probabilities=probabilities)


@pytest.mark.parametrize(
    ("models", "positions", "indices"),
    [([], [], []), ([1], [0], [0]), ([2, 1, 2, 3, 1], [0, 1, 3], [0, 1, 0, 2, 1])],
)
def test_index_distinct_keeps_the_first_of_equal_arrays(
    models: list[int], positions: list[int], indices: list[int]
) -> None:
    arrays = np.array([make_model(model) for model in models])
    found_positions, found_indices = index_distinct(arrays)
    assert found_positions.tolist() == positions
    assert found_indices.tolist() == indices


def test_find_representatives_of_equal_probabilities_is_the_first() -> None:
    trials = [
        (name, "cnn", f"s{seed}", make_model(10 * model + seed))
        for name, model in (("a", 1), ("b", 2), ("c", 1), ("d", 1))
        for seed in (0, 1)
    ]
    found = find_representatives(make_trials(*trials))
    assert found == {"a": "a", "b": "b", "c": "a", "d": "a"}
    assert list(found) == ["a", "b", "c", "d"]


def test_find_representatives_compares_the_replicates_that_both_have() -> None:
    predictions = make_trials(
        ("a", "cnn", "s0", make_model(0)),
        ("a", "cnn", "s1", make_model(1)),
        ("partly", "cnn", "s1", make_model(1)),
        ("mixed", "cnn", "s0", make_model(0)),
        ("mixed", "cnn", "s1", make_model(0)),
        ("other seed", "cnn", "s2", make_model(0)),
    )
    assert find_representatives(predictions) == {
        "a": "a",
        "partly": "a",
        "mixed": "mixed",
        "other seed": "other seed",
    }


def test_find_representatives_of_collapsed_models_of_two_families_are_different() -> None:
    model = make_collapsed_model(0.3)
    predictions = make_trials(("m", "mlnn", "s0", model), ("c", "cnn", "s0", model))
    assert find_representatives(predictions) == {"m": "m", "c": "c"}


def test_find_representatives_of_collapsed_models_with_other_probabilities_are_different() -> None:
    predictions = make_trials(
        ("a", "cnn", "s0", make_collapsed_model(0.3)),
        ("b", "cnn", "s0", make_collapsed_model(0.301)),
    )
    assert (predictions.predicted_classes[0] == predictions.predicted_classes[1]).all()
    assert find_representatives(predictions) == {"a": "a", "b": "b"}


@pytest.mark.parametrize(("change", "is_same"), [(0.5, True), (3.0, False)])
def test_find_representatives_ignores_rounding_of_the_probabilities(
    change: float, is_same: bool
) -> None:
    model = make_collapsed_model(0.3)
    changed = model.copy()
    changed[7, 2] += change * MAX_ROUNDING  # of one image is enough
    predictions = make_trials(("a", "cnn", "s0", model), ("b", "cnn", "s0", changed))
    assert (find_representatives(predictions)["b"] == "a") == is_same


def test_find_representatives_of_nearly_equal_probabilities_of_other_classes_are_different() -> (
    None
):
    model = np.full((LABELS.size, 8), 0.125, dtype=np.float32)
    first, second = model.copy(), model.copy()
    first[:, 2] += MAX_ROUNDING / 10
    second[:, 5] += MAX_ROUNDING / 10
    predictions = make_trials(("a", "cnn", "s0", first), ("b", "cnn", "s0", second))
    assert find_representatives(predictions) == {"a": "a", "b": "b"}


def test_find_representatives_without_a_trial_is_empty() -> None:
    assert find_representatives(make_no_predictions()) == {}


def test_list_copies_has_only_models_with_copies() -> None:
    assert list_copies({"a": "a", "b": "a", "c": "c", "d": "a"}) == {"a": ["b", "d"]}
