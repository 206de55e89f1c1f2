"""Classify images with a model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from study.datasets.color_stats import describe_outliers
from study.inference.input_images import InputImage
from study.inference.model_description import ModelDescription


class Predictor(Protocol):
    """Model or vote that predicts.

    Attributes:
        description: Name, training data and temperature.
        batch_size: Maximum number of images that are predicted at the same time.
    """

    description: ModelDescription
    batch_size: int

    def predict(self, images: NDArray[np.uint8]) -> FloatArray:
        """Return calibrated probabilities, float64, shape (n, classes).

        Args:
            images: Pixels, uint8, shape (n, side, side, channels), at most a batch.
        """


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
    model: Predictor, input_images: Iterable[InputImage], *, min_probability: float = 0.0
) -> Iterator[Prediction]:
    """Classify images in batches and yield their predictions.

    Args:
        model: Model or vote that predicts.
        input_images: Images to classify; at most one batch is held in memory.
        min_probability: Calibrated probability below which the model abstains, 0 to 1.
    """
    remaining, color_stats = iter(input_images), model.description.data.color_stats
    while batch := list(islice(remaining, model.batch_size)):
        images = np.stack([input_image.pixels for input_image in batch])
        rows, outliers = model.predict(images), describe_outliers(color_stats, images)
        for picture, row, outlier in zip(batch, rows, outliers, strict=True):
            yield Prediction(
                name=picture.name,
                probabilities=row,
                abstains=bool(row.max() < min_probability),
                color_outlier=outlier,
                note=picture.note,
            )
