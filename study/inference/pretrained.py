"""The trained model in this package, which ONNX Runtime runs.

`README.md` beside the model is its card. CONTRIBUTING.md describes how both were made.
"""

from importlib.resources import files

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bloodnets.metrics import FloatArray
from study.inference.model_description import ModelDescription

MODEL_FOLDER = files("study.inference") / "pretrained_model"


class PretrainedModel:
    """Trained model in this package.

    Attributes:
        description: Name, training data and temperature.
        batch_size: Number of images per batch.
    """

    def __init__(self) -> None:
        self.batch_size = 128
        onnxruntime.set_default_logger_severity(3)  # no warnings about missing hardware
        self._session = onnxruntime.InferenceSession(
            (MODEL_FOLDER / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"]
        )
        self.description = ModelDescription.from_metadata(
            self._session.get_modelmeta().custom_metadata_map, reason="the model in this package"
        )

    def predict(self, images: NDArray[np.uint8]) -> FloatArray:
        """Return calibrated probabilities, float64, shape (n, classes).

        Args:
            images: Pixels, uint8, shape (n, side, side, channels), at most a batch.
        """
        (probabilities,) = self._session.run(["probabilities"], {"images": images})
        return np.asarray(probabilities, np.float64)
