"""The trained model in this package."""

import numpy as np
import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.data.synthetic import generate_synthetic_arrays
from study.inference.pretrained import MODEL_FOLDER, PretrainedModel

MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def model() -> PretrainedModel:
    return PretrainedModel()


def test_pretrained_model_is_small_and_describes_itself(model: PretrainedModel) -> None:
    assert len((MODEL_FOLDER / "model.onnx").read_bytes()) <= MAX_BYTES
    description = model.description
    assert description.name == "resnet-s0"
    assert (description.data.class_names, description.data.path) == (CLASS_NAMES, None)
    assert description.temperature.n_images == sum(description.data.class_counts["val"])


def test_predict_returns_the_same_for_one_image_and_a_batch(model: PretrainedModel) -> None:
    images = generate_synthetic_arrays(scale=0.02)["test_images"][: model.batch_size]
    probabilities = model.predict(images)
    assert probabilities.shape == (len(images), len(CLASS_NAMES))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.predict(images[:1]), probabilities[:1], atol=1e-5)
