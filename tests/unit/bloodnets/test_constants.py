"""What we state of BloodMNIST is what the package `medmnist` says."""

from medmnist import INFO

from bloodnets.constants import (
    BLOODMNIST_MD5,
    BLOODMNIST_URL,
    CHANNELS,
    CLASS_NAMES,
    IMAGE_SIDE,
    NUM_CLASSES,
    SPLITS,
)
from bloodnets.data.synthetic import CLASS_COUNTS, generate_synthetic_arrays


def test_constants_of_bloodmnist_are_those_of_medmnist() -> None:
    info = INFO["bloodmnist"]
    assert info["MD5"] == BLOODMNIST_MD5
    assert info["url"] == BLOODMNIST_URL
    assert info["label"] == {str(label): name for label, name in enumerate(CLASS_NAMES)}
    assert len(CLASS_NAMES) == NUM_CLASSES
    assert info["n_channels"] == CHANNELS
    assert info["n_samples"] == {split: sum(CLASS_COUNTS[split]) for split in SPLITS}


def test_constants_shape_of_an_image_is_that_of_the_data() -> None:
    images = generate_synthetic_arrays(scale=1e-9)["val_images"]
    assert images.shape == (NUM_CLASSES, IMAGE_SIDE, IMAGE_SIDE, CHANNELS)
