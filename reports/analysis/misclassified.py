"""Find the test images that the most trials misclassify."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from reports.ledger.test_predictions import TestPredictions

MAX_IMAGES = 400
"""Maximum number of images in `Misclassified.images`; a page of them has about 1 MB."""


class ErrorCounts(NamedTuple):
    """Numbers of images and trials, and how the errors are distributed.

    Attributes:
        n_images: Number of test images.
        n_trials: Number of trials that are counted.
        n_repeated: Number of trials left out because another one of the same replicate, i.e. with
            the same seed and fold, has the same predictions.
        n_always_wrong: Number of images that every counted trial misclassified.
        n_never_wrong: Number of images that every counted trial classified correctly.
    """

    n_images: int
    n_trials: int
    n_repeated: int
    n_always_wrong: int
    n_never_wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misclassified:
    """Test images that the most trials misclassified; trials with equal predictions count once.

    Attributes:
        images: A row for each image that any trial misclassified, at most `MAX_IMAGES`. Most often
            misclassified images come first, ties by `probability_true`, lowest first:

            - `index` (int): Position in the test split, from 0.
            - `true` (int): True class.
            - `predicted` (int): Wrong class predicted most often; for ties, the one
              with the higher probability.
            - `wrong`, `trials` (int): Number of trials that misclassified it, and of all trials.
            - `probability_true`, `probability_predicted` (float): Probabilities of the two
              classes, 0 to 1, means over all trials.
        errors: A row for each wrong prediction of a configuration for any image, also of those
            beyond `MAX_IMAGES`; configurations in the order of the plan:

            - `index`, `true`, `predicted` (int): Image, true class and wrong class.
            - `configuration` (str): Name of the configuration.
            - `wrong_replicates`, `replicates` (int): Number of its trials with this prediction, and
              of all.
        counts: Numbers of images and trials, and how the errors are distributed.
    """

    images: pd.DataFrame
    errors: pd.DataFrame
    counts: ErrorCounts


def analyze_misclassified(predictions: TestPredictions) -> Misclassified:
    """Return the test images that the most trials misclassified.

    Args:
        predictions: Trials on the same images, at least one.
    """
    return Misclassified(
        images=find_misclassified(predictions),
        errors=list_errors(predictions),
        counts=count_errors(predictions),
    )


def drop_repeated_trials(predictions: TestPredictions) -> TestPredictions:
    """Return the predictions without trials that repeat another one of the same replicate.

    Configurations that differ only in the loss train the same function. Without this step, an image
    that one network misclassifies would count twice.

    Args:
        predictions: Trials on the same images.
    """
    predicted_bytes = [predicted.tobytes() for predicted in predictions.predicted_classes]
    is_repeated = (
        predictions.trials[["replicate"]].assign(answers=predicted_bytes).duplicated().to_numpy()
    )
    return TestPredictions(
        trials=predictions.trials[~is_repeated].reset_index(drop=True),
        labels=predictions.labels,
        probabilities=predictions.probabilities[~is_repeated],
    )


def count_errors(predictions: TestPredictions) -> ErrorCounts:
    """Count the images that every trial misclassifies, or none; repeated trials count once."""
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
    """Return the test images that the most trials misclassified; repeated trials count once.

    Args:
        predictions: Trials on the same images, at least one.
        max_images: Maximum number of rows.

    Returns:
        Frame with the columns of `Misclassified.images`.
    """
    distinct_trials = drop_repeated_trials(predictions)
    image_indices = np.arange(distinct_trials.labels.size)
    classes = np.arange(predictions.n_classes)
    wrong_votes = (distinct_trials.predicted_classes[..., None] == classes).sum(axis=0)
    wrong_votes[image_indices, distinct_trials.labels] = 0
    mean_probabilities = distinct_trials.probabilities.mean(axis=0, dtype=np.float64)
    # Mean probabilities are at most 1, so half of them only breaks ties of votes.
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


def list_errors(predictions: TestPredictions) -> pd.DataFrame:
    """Return the wrong predictions of each configuration, with the columns of `errors`.

    Args:
        predictions: Trials on the same images, at least one.
    """
    predicted = predictions.predicted_classes
    trial_rows, indices = np.nonzero(predicted != predictions.labels)
    names = predictions.trials["configuration"]
    frame = pd.DataFrame(
        {
            "configuration": names.to_numpy()[trial_rows],
            "index": indices,
            "true": predictions.labels[indices],
            "predicted": predicted[trial_rows, indices],
        }
    )
    errors = (
        frame.groupby(list(frame.columns), sort=False).size().reset_index(name="wrong_replicates")
    )
    return errors.assign(replicates=errors["configuration"].map(names.value_counts()))
