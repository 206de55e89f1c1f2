"""Classify images with a study's model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bloodnets.training.evaluation import get_evaluation_batch_size, predict_probabilities
from reports.ledger.data_record import DataRecord
from study.datasets.color_stats import describe_outliers
from study.inference.input_images import InputImage
from study.inference.vote_selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Prediction for an image.

    Attributes:
        name: Name of the image, as in `InputImage`.
        probabilities: Probabilities of the classes, float32, shape (classes,).
        color_outlier: Description of how the colors differ from those of 99.9% of the training
            images; None if they do not.
        note: Remark on the image, as in `InputImage`.
    """

    name: str
    probabilities: NDArray[np.float32]
    color_outlier: str | None
    note: str | None

    @property
    def ranked_classes(self) -> list[int]:
        """Classes, the most probable first."""
        return [int(class_index) for class_index in np.argsort(-self.probabilities, kind="stable")]


def classify_images(
    selected: Selection, data: DataRecord, input_images: Iterable[InputImage]
) -> Iterator[Prediction]:
    """Classify images in batches and yield their predictions.

    Args:
        selected: Selected model or vote.
        data: Data on which the model was trained.
        input_images: Images to classify; at most one batch is held in memory.
    """
    remaining, shape = iter(input_images), data.shape
    batch_size = get_evaluation_batch_size("cpu", shape.side)
    while batch := list(islice(remaining, batch_size)):
        # The batch size is always that of a trial's evaluation. With fewer images, PyTorch sums in
        # another order, and the last digits would differ from those that the study recorded.
        images = np.zeros((batch_size, shape.side, shape.side, shape.channels), np.uint8)
        images[: len(batch)] = [input_image.pixels for input_image in batch]
        batch_probabilities = predict_mean_probabilities(selected, torch.from_numpy(images))
        batch_images = images[: len(batch)]
        outliers = describe_outliers(data.color_stats, batch_images)
        for picture, row, outlier in zip(batch, batch_probabilities, outliers, strict=False):
            yield Prediction(
                name=picture.name, probabilities=row, color_outlier=outlier, note=picture.note
            )


def predict_mean_probabilities(selected: Selection, images: Tensor) -> NDArray[np.float32]:
    """Return the mean of the members' class probabilities, which for one model are its own.

    Args:
        selected: Selected model or vote.
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255.

    Returns:
        Probabilities, float32, shape (n, classes).
    """
    probabilities = [
        predict_probabilities(member.model, images, member.config.loss)
        for member in selected.members
    ]
    return np.asarray(np.mean(probabilities, axis=0, dtype=np.float64), np.float32)
