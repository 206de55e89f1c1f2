"""Predict with a model of a study, or with a vote, in PyTorch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bloodnets.metrics import FloatArray
from bloodnets.training.evaluation import get_evaluation_batch_size, predict_probabilities
from reports.analysis.temperature import scale_probabilities
from reports.ledger.records import StudyRecord
from study.inference.model_description import ModelDescription
from study.inference.vote_selection import Selection


class StudyModel:
    """Model or vote of a study.

    Attributes:
        description: Name, training data and temperature.
        batch_size: Number of images per batch, that of a trial's evaluation.
    """

    def __init__(self, study: StudyRecord, selected: Selection) -> None:
        self.description = ModelDescription.of_selection(study, selected)
        self.batch_size = get_evaluation_batch_size("cpu", study.data.side)
        self._selected = selected

    def predict(self, images: NDArray[np.uint8]) -> FloatArray:
        """Return calibrated probabilities, float64, shape (n, classes).

        Each batch is a full one. With fewer images, PyTorch sums in another order, and the last
        digits would differ from those that the study recorded.

        Args:
            images: Pixels, uint8, shape (n, side, side, channels), at most a batch.
        """
        batch = np.zeros((self.batch_size, *images.shape[1:]), np.uint8)
        batch[: len(images)] = images
        probabilities = predict_calibrated_probabilities(self._selected, torch.from_numpy(batch))
        return probabilities[: len(images)]


def predict_calibrated_probabilities(selected: Selection, images: Tensor) -> FloatArray:
    """Return the calibrated class probabilities of a model, or of the mean of a vote's members.

    Args:
        selected: Selected model or vote.
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255.

    Returns:
        Probabilities, float64, shape (n, classes).
    """
    probabilities = [
        predict_probabilities(
            member.model, images, member.config.loss, orientations=member.config.orientations
        )
        for member in selected.members
    ]
    means = np.asarray(np.mean(probabilities, axis=0, dtype=np.float64))
    return scale_probabilities(means, selected.temperature.value)
