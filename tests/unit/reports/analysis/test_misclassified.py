"""The images most often wrong: known answers in, known ranks and counts out."""

from dataclasses import replace

import numpy as np
import pandas as pd

from reports.analysis.misclassified import (
    ErrorCounts,
    analyze_misclassified,
    count_errors,
    drop_repeated_trials,
    find_misclassified,
    list_errors,
)
from reports.ledger.test_predictions import TestPredictions

TRUE = (0, 1, 2, 3)


def make_predictions(*trials: tuple[str, dict[int, dict[int, float]]]) -> TestPredictions:
    """Trials by their replicate, and what they give each class of images that they get wrong."""
    probabilities = np.zeros((len(trials), len(TRUE), 8), np.float32)
    for t, (_, wrong) in enumerate(trials):
        for image, true in enumerate(TRUE):
            for c, value in wrong.get(image, {true: 1.0}).items():
                probabilities[t, image, c] = value
    frame = pd.DataFrame({"replicate": [replicate for replicate, _ in trials]})
    names = [f"c{t}" for t in range(len(trials))]
    return TestPredictions(
        trials=frame.assign(
            study="s", configuration=names, family="cnn", loss="nll", optimizer="sgd"
        ),
        labels=np.array(TRUE, dtype=np.int64),
        probabilities=probabilities,
    )


# Image 1 is wrong thrice, 2 and 3 once each, 0 never.
TRIALS = make_predictions(
    ("s0", {1: {5: 0.9, 1: 0.1}, 2: {7: 0.5, 2: 0.4, 6: 0.1}}),
    ("s1", {1: {6: 0.6, 1: 0.4}, 3: {4: 0.8, 3: 0.2}}),
    ("s2", {1: {5: 0.7, 1: 0.3}}),
)


def test_find_misclassified_ranks_most_often_wrong_first_then_least_probable() -> None:
    frame = find_misclassified(TRIALS)
    assert frame["index"].tolist() == [1, 3, 2]
    assert frame["wrong"].tolist() == [3, 1, 1]
    assert frame["trials"].tolist() == [3, 3, 3]
    assert frame["true"].tolist() == [1, 3, 2]
    # 5 twice, 6 once; of the others the only wrong answer, though class 2 has more probability.
    assert frame["predicted"].tolist() == [5, 4, 7]
    np.testing.assert_allclose(frame["probability_true"], [0.8 / 3, 2.2 / 3, 2.4 / 3], rtol=1e-6)
    np.testing.assert_allclose(
        frame["probability_predicted"], [1.6 / 3, 0.8 / 3, 0.5 / 3], rtol=1e-6
    )
    assert find_misclassified(TRIALS, max_images=2)["index"].tolist() == [1, 3]


def test_find_misclassified_of_equal_votes_names_the_more_probable_class() -> None:
    trials = make_predictions(
        ("s0", {1: {5: 0.6, 1: 0.4}}), ("s1", {1: {3: 0.5, 1: 0.45, 5: 0.05}})
    )
    assert find_misclassified(trials)["predicted"].tolist() == [5]


def test_drop_repeated_trials_counts_equal_predictions_of_a_replicate_once() -> None:
    wrong = {1: {5: 0.9, 1: 0.1}}
    trials = make_predictions(("s0", wrong), ("s0", wrong), ("s1", wrong), ("s1", {}))
    assert drop_repeated_trials(trials).trials["configuration"].tolist() == ["c0", "c2", "c3"]
    assert find_misclassified(trials)["wrong"].tolist() == [2]
    assert count_errors(trials) == ErrorCounts(
        n_images=4, n_trials=3, n_repeated=1, n_always_wrong=0, n_never_wrong=3
    )


def test_count_errors_counts_images_that_all_or_none_get_wrong() -> None:
    assert count_errors(TRIALS) == ErrorCounts(
        n_images=4, n_trials=3, n_repeated=0, n_always_wrong=1, n_never_wrong=1
    )
    assert find_misclassified(make_predictions(("s0", {}))).empty


def test_analyze_misclassified_has_the_images_and_their_counts() -> None:
    misclassified = analyze_misclassified(TRIALS)
    pd.testing.assert_frame_equal(misclassified.images, find_misclassified(TRIALS))
    assert misclassified.counts == count_errors(TRIALS)
    pd.testing.assert_frame_equal(misclassified.errors, list_errors(TRIALS))


def test_list_errors_counts_the_trials_of_a_configuration_with_the_same_error() -> None:
    trials = TRIALS.trials.assign(configuration=["a", "b", "a"])
    errors = list_errors(replace(TRIALS, trials=trials))
    rows = errors[["configuration", "index", "true", "predicted", "wrong_replicates", "replicates"]]
    assert rows.to_numpy().tolist() == [
        ["a", 1, 1, 5, 2, 2],
        ["a", 2, 2, 7, 1, 2],
        ["b", 1, 1, 6, 1, 1],
        ["b", 3, 3, 4, 1, 1],
    ]
