"""Views of a cell: which there are, and what each of them shows."""

import itertools

import numpy as np
import pytest
import torch

from bloodnets.training.augmentation import count_permutations, make_pixel_permutations

PIXELS = np.arange(28 * 28).reshape(28, 28)


def shown(*, orientations: bool, shift: int) -> set[bytes]:
    return {
        view.numpy().tobytes()
        for view in make_pixel_permutations(28, dihedral_augmentation=orientations, max_shift=shift)
    }


@pytest.mark.parametrize("orientations", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_make_pixel_permutations_any_settings_are_distinct_and_counted(
    orientations: bool, shift: int
) -> None:
    table = make_pixel_permutations(28, dihedral_augmentation=orientations, max_shift=shift)
    count = (8 if orientations else 1) * (2 * shift + 1) ** 2
    assert table.shape == (count, 784)
    assert table.dtype == torch.int64
    assert count_permutations(dihedral_augmentation=orientations, max_shift=shift) == count
    assert len(shown(orientations=orientations, shift=shift)) == count


def test_make_pixel_permutations_without_augmentation_is_the_image() -> None:
    assert make_pixel_permutations(28, dihedral_augmentation=False, max_shift=0).tolist() == [
        PIXELS.ravel().tolist()
    ]


def test_make_pixel_permutations_dihedral_are_rotations_and_mirror_images() -> None:
    turned = [np.rot90(PIXELS, turns) for turns in range(4)]
    expected = {
        np.ascontiguousarray(v).tobytes() for v in (*turned, *(np.fliplr(t) for t in turned))
    }
    assert shown(orientations=True, shift=0) == expected


def test_make_pixel_permutations_shift_repeats_the_edge() -> None:
    """As a window of an image that goes on beyond its edge."""
    padded = np.pad(PIXELS, 2, mode="edge")
    expected = {
        np.ascontiguousarray(padded[y : y + 28, x : x + 28]).tobytes()
        for y, x in itertools.product(range(5), repeat=2)
    }
    assert shown(orientations=False, shift=2) == expected


def test_make_pixel_permutations_other_side_are_distinct() -> None:
    table = make_pixel_permutations(9, dihedral_augmentation=True, max_shift=1)
    assert table.shape == (72, 81)
    assert len({view.numpy().tobytes() for view in table}) == 72
