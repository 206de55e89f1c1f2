"""The drawn cells: format, counts, determinism, and that the kinds can be told apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.data.synthetic import CLASS_COUNTS, DEFAULT_SCALE, generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import DataError

BASOPHIL, EOSINOPHIL, ERYTHROBLAST, _, LYMPHOCYTE, MONOCYTE, NEUTROPHIL, PLATELET = range(8)
SCALE = 0.02
Arrays = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return generate_synthetic_arrays(scale=SCALE, seed=0)


def test_generate_synthetic_arrays_format_is_medmnists(arrays: Arrays) -> None:
    assert set(arrays) == {
        f"{split}_{part}" for split in ("train", "val", "test") for part in ("images", "labels")
    }
    for split in CLASS_COUNTS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        assert images.dtype == labels.dtype == np.uint8
        assert images.shape == (len(labels), BLOODMNIST_SHAPE.side, BLOODMNIST_SHAPE.side, 3)
        assert labels.shape == (len(images), 1)


def test_class_counts_official_totals_are_bloodmnists() -> None:
    totals = {split: sum(counts) for split, counts in CLASS_COUNTS.items()}
    assert totals == {"train": 11959, "val": 1712, "test": 3421}
    assert [sum(column) for column in zip(*CLASS_COUNTS.values(), strict=True)] == [
        1218, 3117, 1551, 2895, 1214, 1420, 3329, 2348,
    ]  # fmt: skip


def test_generate_synthetic_arrays_scaled_has_scaled_class_counts(arrays: Arrays) -> None:
    for split, official in CLASS_COUNTS.items():
        counts = np.bincount(arrays[f"{split}_labels"][:, 0], minlength=8)
        np.testing.assert_allclose(counts, np.multiply(official, SCALE), rtol=0, atol=0.5)


def test_generate_synthetic_arrays_smallest_scale_has_every_class() -> None:
    for name, labels in generate_synthetic_arrays(scale=1e-9).items():
        if name.endswith("labels"):
            assert sorted(labels[:, 0]) == list(range(8))


def test_generate_synthetic_arrays_seed_decides_the_bytes(arrays: Arrays) -> None:
    again, other = (
        generate_synthetic_arrays(scale=SCALE, seed=0),
        generate_synthetic_arrays(scale=SCALE, seed=1),
    )
    for name, array in arrays.items():
        assert array.tobytes() == again[name].tobytes()
        assert array.tobytes() != other[name].tobytes()


# With one image of each class a split, splits that shared a random stream would be equal.
@pytest.mark.parametrize("scale", [SCALE, 1e-9])
def test_generate_synthetic_arrays_all_splits_hold_no_image_twice(scale: float) -> None:
    arrays = generate_synthetic_arrays(scale=scale)
    images = [image.tobytes() for split in CLASS_COUNTS for image in arrays[f"{split}_images"]]
    assert len(set(images)) == len(images)


def test_generate_synthetic_arrays_split_is_shuffled(arrays: Arrays) -> None:
    labels = arrays["train_labels"][:, 0].astype(int)
    # Sorted labels change 7 times; shuffled ones at about five neighbors in six.
    assert np.count_nonzero(np.diff(labels)) > len(labels) / 2


@pytest.mark.parametrize("scale", [0.0, -0.1, 1.01, float("nan"), float("inf")])
def test_generate_synthetic_arrays_scale_out_of_range_raises(scale: float) -> None:
    with pytest.raises(DataError) as caught:
        generate_synthetic_arrays(scale=scale)
    assert caught.value.problem.startswith("scale ")
    assert caught.value.value is scale


def test_generate_synthetic_arrays_negative_seed_raises() -> None:
    with pytest.raises(DataError) as caught:
        generate_synthetic_arrays(scale=SCALE, seed=-1)
    assert caught.value.problem.startswith("seed ")
    assert caught.value.value == -1


def test_default_scale_smallest_class_of_val_has_30_images() -> None:
    assert min(CLASS_COUNTS["val"]) * DEFAULT_SCALE >= 30


def _mean_by_kind(arrays: Arrays, values: NDArray[np.float64]) -> NDArray[np.float64]:
    labels = arrays["train_labels"][:, 0]
    return np.array([values[labels == kind].mean() for kind in range(8)])


def test_generate_synthetic_arrays_cell_areas_are_ordered_by_kind(arrays: Arrays) -> None:
    # Red cells stay above a green level of 140, stained cells mostly below.
    stained = (arrays["train_images"][..., 1] < 140).mean(axis=(1, 2))
    area = _mean_by_kind(arrays, stained)
    assert area.argmin() == PLATELET
    assert area[PLATELET] < 0.5 * area[ERYTHROBLAST] < 0.5 * area[LYMPHOCYTE]
    assert area[LYMPHOCYTE] < area[MONOCYTE]


def test_generate_synthetic_arrays_colors_are_those_of_the_kinds(arrays: Arrays) -> None:
    images = arrays["train_images"].astype(np.float64)
    middle = images[:, 8:20, 8:20]
    assert _mean_by_kind(arrays, middle.mean(axis=(1, 2, 3))).argmin() == BASOPHIL
    redness = (middle[..., 0] - middle[..., 2]).mean(axis=(1, 2))
    cells = _mean_by_kind(arrays, redness)[:PLATELET]  # a platelet leaves the middle to plasma
    assert cells.argmax() == EOSINOPHIL


def test_generate_synthetic_arrays_neutrophil_nuclei_are_lobed(arrays: Arrays) -> None:
    # A round nucleus lies on its own center of mass; a segmented one lies around it.
    dark = arrays["train_images"][..., 1] < 90
    weight = np.maximum(dark.sum(axis=(1, 2)), 1)
    axis = np.arange(BLOODMNIST_SHAPE.side)
    y = (dark.sum(axis=2) @ axis / weight)[:, None, None]
    x = (dark.sum(axis=1) @ axis / weight)[:, None, None]
    square = (axis[:, None] - y) ** 2 + (axis - x) ** 2
    # Second moment in units of a disc of equal area: 1 for a disc, more for other shapes.
    moment = (square * dark).sum(axis=(1, 2)) / weight * 2 * np.pi / weight
    spread = _mean_by_kind(arrays, moment)
    assert spread[NEUTROPHIL] > 1.3 * spread[LYMPHOCYTE]
    assert spread[EOSINOPHIL] > 1.3 * spread[LYMPHOCYTE]
