"""Images are recognized by their pixels."""

import hashlib

import numpy as np

from bloodnets.data.image_digests import compute_image_digests


def test_compute_image_digests_are_equal_only_for_equal_pixels() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    images[1, 7, 7, 2] = 1
    first, second, third = compute_image_digests(images)
    assert first == third != second
    assert first == hashlib.sha256(bytes(8 * 8 * 3)).digest()


def test_compute_image_digests_do_not_depend_on_the_memory_layout() -> None:
    images = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    assert compute_image_digests(np.asfortranarray(images)) == compute_image_digests(images)
