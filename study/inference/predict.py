"""Classify images with a study's model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from bloodnets.metrics import FloatArray
from bloodnets.training.evaluation import get_evaluation_batch_size, predict_probabilities
from reports.analysis.temperature import scale_probabilities
from reports.ledger.data_record import DataRecord
from study.datasets.color_stats import describe_outliers
from study.inference.input_images import InputImage
from study.inference.vote_selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Prediction for an image.

    Attributes:
        name: Name of the image, as in `InputImage`.
        probabilities: Calibrated probabilities of the classes, float64, shape (classes,).
        abstains: Whether every probability is below the minimum, so that no class is predicted.
        color_outlier: Description of how the colors differ from those of 99.9% of the training
            images; None if they do not.
        note: Remark on the image, as in `InputImage`.
    """

    name: str
    probabilities: FloatArray
    abstains: bool
    color_outlier: str | None
    note: str | None

    @property
    def ranked_classes(self) -> list[int]:
        """Classes, the most probable first."""
        return [int(class_index) for class_index in np.argsort(-self.probabilities, kind="stable")]

    @property
    def predicted_class(self) -> int | None:
        """Most probable class; None if the model abstains."""
        return None if self.abstains else self.ranked_classes[0]


def classify_images(
    selected: Selection,
    data: DataRecord,
    input_images: Iterable[InputImage],
    *,
    min_probability: float = 0.0,
) -> Iterator[Prediction]:
    """Classify images in batches and yield their predictions.

    Args:
        selected: Selected model or vote.
        data: Data on which the model was trained.
        input_images: Images to classify; at most one batch is held in memory.
        min_probability: Calibrated probability below which the model abstains, 0 to 1.
    """
    remaining, shape = iter(input_images), data.shape
    batch_size = get_evaluation_batch_size("cpu", shape.side)
    while batch := list(islice(remaining, batch_size)):
        # The batch size is always that of a trial's evaluation. With fewer images, PyTorch sums in
        # another order, and the last digits would differ from those that the study recorded.
        images = np.zeros((batch_size, shape.side, shape.side, shape.channels), np.uint8)
        images[: len(batch)] = [input_image.pixels for input_image in batch]
        batch_probabilities = predict_calibrated_probabilities(selected, torch.from_numpy(images))
        batch_images = images[: len(batch)]
        outliers = describe_outliers(data.color_stats, batch_images)
        for picture, row, outlier in zip(batch, batch_probabilities, outliers, strict=False):
            yield Prediction(
                name=picture.name,
                probabilities=row,
                abstains=bool(row.max() < min_probability),
                color_outlier=outlier,
                note=picture.note,
            )


def predict_calibrated_probabilities(selected: Selection, images: Tensor) -> FloatArray:
    """Return the calibrated class probabilities of a model, or of the mean of a vote's members.

    Args:
        selected: Selected model or vote.
        images: Pixels, uint8, shape (n, side, side, channels), 0 to 255.

    Returns:
        Probabilities, float64, shape (n, classes).
    """
    probabilities = [
        predict_probabilities(member.model, images, member.config.loss)
        for member in selected.members
    ]
    means = np.asarray(np.mean(probabilities, axis=0, dtype=np.float64))
    return scale_probabilities(means, selected.temperature.value)
