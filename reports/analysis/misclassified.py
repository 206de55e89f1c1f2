"""Which test images the classifiers get wrong most often."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodnets.constants import NUM_CLASSES
from reports.ledger.loading import TestPredictions

MAX_IMAGES = 24


class ErrorCounts(NamedTuple):
    """How the wrong answers are spread.

    Attributes:
        n_images: in the test split.
        n_trials: that are counted.
        n_repeated: trials left out, because another predicts the same with the same seed.
        n_always_wrong: images that every counted trial got wrong.
        n_never_wrong: images that every counted trial got right.
    """

    n_images: int
    n_trials: int
    n_repeated: int
    n_always_wrong: int
    n_never_wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misclassified:
    """The test images that most trials got wrong, each function counted once.

    Attributes:
        images: A row for each image that any trial got wrong, at most `MAX_IMAGES`, most often
            wrong first, then by `probability_true`, lowest first:

            - `index` (int): Position in the test split, from 0.
            - `true` (int): True class, 0 to 7.
            - `predicted` (int): Wrong class predicted most often, 0 to 7; of equals the one
              with the higher probability.
            - `wrong`, `trials` (int): Number of trials that got it wrong, and of all.
            - `probability_true`, `probability_predicted` (float): Probabilities of the two
              classes, 0 to 1, means over all trials.
        counts: Number of images and trials, and how the errors are spread over them.
    """

    images: pd.DataFrame
    counts: ErrorCounts


def analyze_misclassified(predictions: TestPredictions) -> Misclassified:
    """Return the test images that most trials got wrong.

    Args:
        predictions: Trials on the same images, at least one.
    """
    return Misclassified(images=find_misclassified(predictions), counts=count_errors(predictions))


def drop_repeated_trials(predictions: TestPredictions) -> TestPredictions:
    """Without the trials that repeat another one: the same seed, the same answer on every image.

    Configurations that differ in the loss alone train the same function, and an image that one
    network gets wrong would count twice.
    """
    predicted_bytes = [predicted.tobytes() for predicted in predictions.predicted_classes]
    is_repeated = (
        predictions.trials[["seed"]].assign(answers=predicted_bytes).duplicated().to_numpy()
    )
    return TestPredictions(
        trials=predictions.trials[~is_repeated].reset_index(drop=True),
        labels=predictions.labels,
        probabilities=predictions.probabilities[~is_repeated],
    )


def count_errors(predictions: TestPredictions) -> ErrorCounts:
    """Count the images that every trial gets wrong, or right, each function once."""
    distinct_trials = drop_repeated_trials(predictions)
    n_wrong = (distinct_trials.predicted_classes != distinct_trials.labels).sum(axis=0)
    return ErrorCounts(
        n_images=distinct_trials.labels.size,
        n_trials=len(distinct_trials.trials),
        n_repeated=len(predictions.trials) - len(distinct_trials.trials),
        n_always_wrong=int((n_wrong == len(distinct_trials.trials)).sum()),
        n_never_wrong=int((n_wrong == 0).sum()),
    )


def find_misclassified(predictions: TestPredictions, max_images: int = MAX_IMAGES) -> pd.DataFrame:
    """Return the test images that most trials got wrong, each function counted once.

    Args:
        predictions: Trials on the same images, at least one.
        max_images: Largest number of rows.

    Returns:
        Frame with the columns of `Misclassified.images`.
    """
    distinct_trials = drop_repeated_trials(predictions)
    image_indices = np.arange(distinct_trials.labels.size)
    wrong_votes = (distinct_trials.predicted_classes[..., None] == np.arange(NUM_CLASSES)).sum(
        axis=0
    )
    wrong_votes[image_indices, distinct_trials.labels] = 0
    mean_probabilities = distinct_trials.probabilities.mean(axis=0, dtype=np.float64)
    # Means are at most 1, so they only decide between equal numbers of votes.
    predicted = (wrong_votes + 0.5 * mean_probabilities * (wrong_votes > 0)).argmax(axis=1)
    frame = pd.DataFrame(
        {
            "index": image_indices,
            "true": distinct_trials.labels,
            "predicted": predicted,
            "wrong": wrong_votes.sum(axis=1),
            "trials": len(distinct_trials.trials),
            "probability_true": mean_probabilities[image_indices, distinct_trials.labels],
            "probability_predicted": mean_probabilities[image_indices, predicted],
        }
    )
    frame = frame[frame["wrong"] > 0]
    order = ["wrong", "probability_true"]
    return frame.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)[
        :max_images
    ]
