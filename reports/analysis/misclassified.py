"""Which test images the classifiers get wrong most often."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodnets.constants import NUM_CLASSES
from reports.ledger.loading import Tested

AT_MOST = 24


class Tally(NamedTuple):
    """How the wrong answers are spread.

    Attributes:
        images: in the test split.
        trials: that are counted.
        repeated: trials left out, because another predicts the same with the same seed.
        always: images that every counted trial got wrong.
        never: images that every counted trial got right.
    """

    images: int
    trials: int
    repeated: int
    always: int
    never: int


def distinct(tested: Tested) -> Tested:
    """Without the trials that repeat another one: the same seed, the same answer on every image.

    Configurations that differ in the loss alone train the same function, and an image that one
    network gets wrong would count twice.
    """
    answers = [each.tobytes() for each in tested.predicted]
    repeated = tested.trials[["seed"]].assign(answers=answers).duplicated().to_numpy()
    return Tested(
        trials=tested.trials[~repeated].reset_index(drop=True),
        labels=tested.labels,
        probabilities=tested.probabilities[~repeated],
    )


def tally(tested: Tested) -> Tally:
    """Count the images that every trial gets wrong, or right, each function once."""
    own = distinct(tested)
    wrong = (own.predicted != own.labels).sum(axis=0)
    return Tally(
        images=own.labels.size,
        trials=len(own.trials),
        repeated=len(tested.trials) - len(own.trials),
        always=int((wrong == len(own.trials)).sum()),
        never=int((wrong == 0).sum()),
    )


def hardest(tested: Tested, at_most: int = AT_MOST) -> pd.DataFrame:
    """The test images that most trials got wrong, each function counted once (`distinct`).

    Args:
        tested: trials on the same images, at least one.
        at_most: rows.

    Returns:
        One row an image that any trial got wrong, most often wrong first, then by the
        probability given to the true class, lowest first: `index` (in the test split, from 0),
        `true`, `predicted` (the wrong class predicted most often, of equals the one held more
        probable), `wrong` and `trials` (counts), `probability_true` and `probability_predicted`
        (means over all trials, 0 to 1).
    """
    own = distinct(tested)
    images = np.arange(own.labels.size)
    votes = (own.predicted[..., None] == np.arange(NUM_CLASSES)).sum(axis=0)
    votes[images, own.labels] = 0
    means = own.probabilities.mean(axis=0, dtype=np.float64)
    # Means are at most 1, so they only decide between equal numbers of votes.
    predicted = (votes + 0.5 * means * (votes > 0)).argmax(axis=1)
    frame = pd.DataFrame(
        {
            "index": images,
            "true": own.labels,
            "predicted": predicted,
            "wrong": votes.sum(axis=1),
            "trials": len(own.trials),
            "probability_true": means[images, own.labels],
            "probability_predicted": means[images, predicted],
        }
    )
    frame = frame[frame["wrong"] > 0]
    order = ["wrong", "probability_true"]
    return frame.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)[
        :at_most
    ]
