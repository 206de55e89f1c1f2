"""The constants are those of BloodMNIST, as medmnist describes it."""

from medmnist import INFO

from bloodnets.constants import CHANNELS, IMAGE_SIDE, NUM_CLASSES, SPLITS
from bloodnets.data.synthetic import generate_synthetic_arrays


def test_constants_classes_channels_and_splits_are_medmnists() -> None:
    info = INFO["bloodmnist"]
    assert len(info["label"]) == NUM_CLASSES
    assert info["n_channels"] == CHANNELS
    assert list(info["n_samples"]) == list(SPLITS)


def test_constants_shape_of_an_image_is_that_of_the_data() -> None:
    images = generate_synthetic_arrays(scale=1e-9)["val_images"]
    assert images.shape == (NUM_CLASSES, IMAGE_SIDE, IMAGE_SIDE, CHANNELS)
