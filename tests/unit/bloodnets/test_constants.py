"""What we state of BloodMNIST is what the package `medmnist` says."""

from medmnist import INFO

from bloodnets.constants import CLASS_NAMES, SPLITS
from bloodnets.data.synthetic import CLASS_COUNTS, generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE


def test_constants_of_bloodmnist_are_those_of_medmnist() -> None:
    info = INFO["bloodmnist"]
    assert info["label"] == {str(label): name for label, name in enumerate(CLASS_NAMES)}
    assert len(CLASS_NAMES) == BLOODMNIST_SHAPE.n_classes
    assert info["n_channels"] == BLOODMNIST_SHAPE.channels
    assert info["n_samples"] == {split: sum(CLASS_COUNTS[split]) for split in SPLITS}


def test_constants_shape_of_an_image_is_that_of_the_data() -> None:
    images = generate_synthetic_arrays(scale=1e-9)["val_images"]
    assert images.shape == (BLOODMNIST_SHAPE.n_classes, *BLOODMNIST_SHAPE.image_shape)
